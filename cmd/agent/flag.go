package main

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// addFlag makes a flag of c that fills in v.
func addFlag(c *cobra.Command, f reflect.StructField, v reflect.Value) {
	flags, name, short, help := c.Flags(), nameOf(f), f.Tag.Get("short"), usage(f)
	switch p := v.Addr().Interface().(type) {
	case *bool:
		flags.BoolVarP(p, name, short, initial(f, strconv.ParseBool), help)
	case *string:
		text := initial(f, func(s string) (string, error) { return s, nil })
		if allowed := f.Tag.Get("enum"); allowed != "" {
			*p = text
			flags.VarP(&choice{p, strings.Split(allowed, ",")}, name, short, help)
		} else {
			flags.StringVarP(p, name, short, text, help)
		}
	case *float64:
		flags.Float64VarP(p, name, short, initial(f, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) }), help)
	case *int:
		flags.IntVarP(p, name, short, initial(f, strconv.Atoi), help)
	case *time.Duration:
		flags.DurationVarP(p, name, short, initial(f, time.ParseDuration), help)
	default:
		panic(fmt.Sprintf("flag --%s is a %T", name, p))
	}
	flag := flags.Lookup(name)
	flag.Annotations = map[string][]string{placeholderKey: {f.Tag.Get("placeholder")}}
	if _, required := f.Tag.Lookup("required"); required {
		flag.Annotations[cobra.BashCompOneRequiredFlag] = []string{"true"}
	}
	_, flag.Hidden = f.Tag.Lookup("hidden")
	completeFlag(c, f, name)
}

// tag is the value of a tag, in which ${default_config} stands for that file.
func tag(f reflect.StructField, key string) string {
	return strings.ReplaceAll(f.Tag.Get(key), "${default_config}", defaultConfig)
}

const placeholderKey = "placeholder"

// placeholder stands for a flag's value.
func placeholder(f *pflag.Flag) string {
	if word := f.Annotations[placeholderKey]; len(word) > 0 && word[0] != "" {
		return word[0]
	}
	return "VALUE"
}

// usage is what help says of a flag.
func usage(f reflect.StructField) string {
	text := tag(f, "help")
	for i, name := range variables(f) {
		text += []string{" From $" + name, ", else $" + name}[min(i, 1)]
	}
	if len(variables(f)) > 0 {
		text += "."
	}
	return text
}

func variables(f reflect.StructField) []string {
	return strings.FieldsFunc(f.Tag.Get("env"), func(r rune) bool { return r == ',' })
}

// initial is the value that a flag has when it is not given. A tag that cannot be
// read is a mistake of ours, and a variable that cannot be is left alone.
func initial[T any](f reflect.StructField, parse func(string) (T, error)) T {
	for _, name := range variables(f) {
		if v, err := parse(os.Getenv(name)); os.Getenv(name) != "" && err == nil {
			return v
		}
	}
	var none T
	text := tag(f, "default")
	if text == "" {
		return none
	}
	v, err := parse(text)
	if err != nil {
		panic(fmt.Sprintf("default of %s: %v", f.Name, err))
	}
	return v
}

// A choice is a flag with few values.
type choice struct {
	value   *string
	allowed []string
}

func (c *choice) String() string { return *c.value }
func (c *choice) Type() string   { return "string" }

func (c *choice) Set(text string) error {
	if !slices.Contains(c.allowed, text) {
		return fmt.Errorf("allowed are %s", strings.Join(c.allowed, ", "))
	}
	*c.value = text
	return nil
}
