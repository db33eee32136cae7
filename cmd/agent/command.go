package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/spf13/cobra"
)

// A command of the program is a struct with a method Run; what it is asked
// stands in its fields, whose tags say how:
//
//	cmd:""             the field is a subcommand
//	arg:""             an argument, or the rest of them if it is a slice; else a flag
//	optional:""        the argument may be left out
//	required:""        the flag may not
//	name:"input"       its name, else the field's: RuntimeDir is --runtime-dir
//	short:"o"          one letter for it
//	placeholder:"FILE" what stands for the value
//	default:"10m"      the value without it
//	env:"A,B"          the variables that the default comes from, the first that is set
//	enum:"a,b"         the values that are allowed
//	hidden:""          not in help and completion
//
// Methods are called by interfaces and not by names: a name that is made while
// the program runs keeps Go's linker from leaving out any method of any type,
// which was 1.9 MB of the package and 1.4 MB of the agent's memory.
type command interface{ Run() error }

// A validator says what is wrong with what it was asked, before it runs.
type validator interface{ Validate() error }

// newCommand makes the command that fills in target, a pointer to a struct.
func newCommand(name, help string, target any) *cobra.Command {
	c := &cobra.Command{
		Use: name, Short: help, Long: help,
		SilenceErrors: true, SilenceUsage: true,
	}
	c.CompletionOptions.DisableDefaultCmd = true
	var args arguments
	eachField(reflect.ValueOf(target).Elem(), func(f reflect.StructField, v reflect.Value) {
		_, isCommand := f.Tag.Lookup("cmd")
		_, isArgument := f.Tag.Lookup("arg")
		switch {
		case isCommand:
			sub := newCommand(nameOf(f), f.Tag.Get("help"), v.Addr().Interface())
			_, sub.Hidden = f.Tag.Lookup("hidden")
			c.AddCommand(sub)
		case isArgument:
			args = append(args, newArgument(f, v))
		default:
			addFlag(c, f, v)
		}
	})
	c.Use += args.String()
	if runs, ok := target.(command); ok {
		c.Args = func(_ *cobra.Command, given []string) error { return args.take(given) }
		c.RunE = func(*cobra.Command, []string) error { return run(runs) }
	}
	c.Flags().SortFlags = false
	c.ValidArgsFunction = args.complete
	c.SetHelpFunc(func(c *cobra.Command, _ []string) { printHelp(c, args) })
	return c
}

// run marks the errors of a command that was understood: all others are of
// whoever typed it.
func run(c command) error {
	if v, ok := c.(validator); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	err := c.Run()
	if _, ok := errors.AsType[exitError](err); ok || err == nil {
		return err
	}
	return exitError{exitFailure, err}
}

// eachField calls do for the fields of v and of the structs embedded in it.
func eachField(v reflect.Value, do func(reflect.StructField, reflect.Value)) {
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.Anonymous {
			eachField(v.Field(i), do)
		} else if f.IsExported() {
			do(f, v.Field(i))
		}
	}
}

// nameOf is a field's name on the command line: RuntimeDir is runtime-dir.
func nameOf(f reflect.StructField) string {
	if name := f.Tag.Get("name"); name != "" {
		return name
	}
	var b strings.Builder
	for i, r := range f.Name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && f.Name[i-1] >= 'a' && f.Name[i-1] <= 'z' {
			b.WriteByte('-')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// An argument is a field that is filled in by its place.
type argument struct {
	name, help string
	optional   bool
	one        *string
	rest       *[]string
}

type arguments []argument

func newArgument(f reflect.StructField, v reflect.Value) argument {
	a := argument{name: strings.ToUpper(nameOf(f)), help: tag(f, "help")}
	_, a.optional = f.Tag.Lookup("optional")
	switch p := v.Addr().Interface().(type) {
	case *string:
		a.one = p
	case *[]string:
		a.rest = p
	default:
		panic(fmt.Sprintf("argument %s is a %T", a.name, p))
	}
	return a
}

func (a arguments) String() string {
	var b strings.Builder
	for _, arg := range a {
		text := arg.name
		if arg.rest != nil {
			text += "..."
		}
		if arg.optional {
			text = "[" + text + "]"
		}
		b.WriteString(" " + text)
	}
	return b.String()
}

// take fills in the fields, each with the word in its place.
func (a arguments) take(given []string) error {
	for _, arg := range a {
		switch {
		case len(given) == 0 && arg.optional:
		case len(given) == 0:
			return fmt.Errorf("no %s is given", arg.name)
		case arg.rest != nil:
			*arg.rest, given = given, nil
		default:
			*arg.one, given = given[0], given[1:]
		}
	}
	if len(given) > 0 {
		return fmt.Errorf("unexpected argument %q", given[0])
	}
	return nil
}
