package docs

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
)

//go:embed commands.txt
var table string

// Places where commands are proved.
const (
	Host      = "host"      // here, with bin/agent and the test pattern
	Lab       = "lab"       // a container with systemd and the installed package
	VM        = "vm"        // a machine with cameras and the installed package
	Make      = "make"      // a target of the Makefile: that it exists, CI runs the main ones
	Synopsis  = "synopsis"  // no command, but its form: that the flags exist
	Elsewhere = "elsewhere" // not run by this test, for a reason
)

// A Row says where a command is run, and how.
type Row struct {
	Place, Text string
	// As is what is run in its place: with a name for a placeholder, or a limit for what
	// does not end.
	As string
	// Prints is what the output has to match.
	Prints *regexp.Regexp
	// Fails: its exit status is not 0, and that is right.
	Fails bool
	// Because is why it is not run here, or where else it is.
	Because string
}

// Command is what is run.
func (r *Row) Command() string {
	if r.As != "" {
		return r.As
	}
	return r.Text
}

// Plan reads commands.txt: "place: command" a row, and indented below it "as command", "=>
// pattern", "fails", "because reason". Lines that begin with # are remarks.
func Plan() ([]*Row, error) { return parse(table) }

func parse(text string) ([]*Row, error) {
	var rows []*Row
	for i, line := range strings.Split(text, "\n") {
		var err error
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case line[0] != ' ':
			place, command, ok := strings.Cut(line, ": ")
			if !ok || !placed[place] {
				return nil, fmt.Errorf("commands.txt:%d: %q is no place", i+1, place)
			}
			rows = append(rows, &Row{Place: place, Text: command})
		case len(rows) == 0:
			err = fmt.Errorf("no command above it")
		default:
			err = rows[len(rows)-1].detail(strings.TrimSpace(line))
		}
		if err != nil {
			return nil, fmt.Errorf("commands.txt:%d: %w", i+1, err)
		}
	}
	return rows, nil
}

var placed = map[string]bool{Host: true, Lab: true, VM: true, Make: true, Synopsis: true, Elsewhere: true}

func (r *Row) detail(line string) (err error) {
	key, value, _ := strings.Cut(line, " ")
	switch key {
	case "as":
		r.As = value
	case "=>":
		r.Prints, err = regexp.Compile(value)
	case "fails":
		r.Fails = true
	case "because":
		r.Because = value
	default:
		err = fmt.Errorf("%q is none of as, =>, fails, because", key)
	}
	return err
}

// Judge says what is wrong with how a command ended, nil for nothing.
func (r *Row) Judge(output string, failed bool) error {
	switch {
	case failed != r.Fails:
		return fmt.Errorf("%s: failed: %v, want %v:\n%s", r.Text, failed, r.Fails, output)
	case r.Prints != nil && !r.Prints.MatchString(output):
		return fmt.Errorf("%s: does not print %q:\n%s", r.Text, r.Prints, output)
	}
	return nil
}

// Script is a bash script that runs the row's command in the directory where the row before
// it ended. sudo is done without, as there is nothing but root.
func (r *Row) Script() string {
	return `sudo() { "$@"; }; cd "$(cat /tmp/docs.pwd 2>/dev/null || echo /tmp)" || exit; ` +
		"trap 'pwd >/tmp/docs.pwd' EXIT; set -o pipefail\n" + r.Command() + "\n"
}
