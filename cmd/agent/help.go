package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	helpColumns = 100
	widestTerm  = 26 // what is wider has its text below
)

// printHelp is `agent COMMAND --help`.
func printHelp(c *cobra.Command, args arguments) {
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s\n\nUsage: %s\n", c.Long, usageLine(c))
	if c.HasAvailableSubCommands() {
		fmt.Fprintln(out, "\nCommands:")
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				printTerm(out, sub.Name(), sub.Short)
			}
		}
	}
	for i, a := range args {
		if i == 0 {
			fmt.Fprintln(out, "\nArguments:")
		}
		printTerm(out, a.name, a.help)
	}
	fmt.Fprintln(out, "\nFlags:")
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			printTerm(out, flagTerm(f), flagText(f))
		}
	})
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(out, "\nMore of a command: %s COMMAND --help, man %s\n", c.CommandPath(), c.Name())
	}
}

// helpCommand is `agent help COMMAND`. That of cobra exits with 0 when there is no such
// command.
func helpCommand(program *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command.", Hidden: true,
		RunE: func(_ *cobra.Command, given []string) error {
			c, _, err := program.Find(given)
			if err != nil {
				return err
			}
			c.InitDefaultHelpFlag()
			return c.Help()
		},
	}
}

func usageLine(c *cobra.Command) string {
	line := strings.TrimSuffix(c.UseLine(), " [flags]")
	if c.HasAvailableSubCommands() {
		line += " COMMAND"
	}
	c.LocalFlags().VisitAll(func(f *pflag.Flag) {
		if f.Annotations[cobra.BashCompOneRequiredFlag] != nil {
			line += " --" + f.Name + " " + placeholder(f)
		}
	})
	return line + " [flags]"
}

// flagTerm is a flag as it is typed.
func flagTerm(f *pflag.Flag) string {
	term := "    --" + f.Name
	if f.Shorthand != "" {
		term = "-" + f.Shorthand + ", --" + f.Name
	}
	if f.Value.Type() != "bool" {
		term += " " + placeholder(f)
	}
	return term
}

func flagText(f *pflag.Flag) string {
	if f.Name == "help" {
		return "Show this."
	}
	if f.Value.Type() == "bool" || f.DefValue == "" || strings.Contains(f.Usage, f.DefValue) {
		return f.Usage
	}
	return f.Usage + " Default: " + f.DefValue + "."
}

// printTerm prints a term and, in a column beside it, the text on it.
func printTerm(out io.Writer, term, text string) {
	const indent = widestTerm + 4
	head := fmt.Sprintf("  %-*s", indent-2, term)
	if len(term) > widestTerm {
		head += "\n" + strings.Repeat(" ", indent)
	}
	column := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case column+1+len(word) > helpColumns-indent:
			head, column = head+"\n"+strings.Repeat(" ", indent), 0
		default:
			head, column = head+" ", column+1
		}
		head, column = head+word, column+len(word)
	}
	fmt.Fprintln(out, strings.TrimRight(head, " "))
}
