package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// A tally is the instructions of a frame, in millions, by contender.
type tally struct {
	Job      string
	Millions map[string]float64
}

// tallies counts for the jobs whose name is that of a format and a size, with
// the contenders that are one process: callgrind slows down by fifty.
func tallies(ctx context.Context, o options) ([]tally, error) {
	var all []tally
	for _, j := range jobs {
		if !mainSet(j) || !j.matches(o.jobs) {
			continue
		}
		t := tally{j.name, map[string]float64{}}
		candidates := append([]way{{name: oursName, program: "bench", way: "ours"}}, ways...)
		for _, w := range candidates {
			program := filepath.Join(o.programs, w.program)
			if _, err := os.Stat(program); err != nil || w.program == "gocv" || w.jobs != nil && !w.jobs(j) {
				continue
			}
			arguments := append([]string{program}, j.arguments(w.way, o)...)
			if w.jobs == nil {
				arguments = append([]string{program, "ours"}, j.arguments(w.way, o)...)
			}
			n, err := instructions(ctx, arguments)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", j.name, w.name, err)
			}
			t.Millions[w.name] = n / 1e6
			fmt.Fprintf(os.Stderr, "  %s: %-26s %6.1f M instructions\n", j.name, w.name, n/1e6)
		}
		all = append(all, t)
	}
	return all, nil
}

// instructions of a frame are half of what four frames take more than two: the
// start cancels out.
func instructions(ctx context.Context, arguments []string) (float64, error) {
	two, err := callgrind(ctx, arguments, 2)
	if err != nil {
		return 0, err
	}
	four, err := callgrind(ctx, arguments, 4)
	return (four - two) / 2, err
}

var collected = regexp.MustCompile(`Collected : (\d+)`)

func callgrind(ctx context.Context, arguments []string, frames int) (float64, error) {
	command := exec.CommandContext(ctx, "valgrind", append([]string{"--tool=callgrind", "--callgrind-out-file=/dev/null"}, arguments...)...)
	// valgrind loses its way in the signals by which Go's scheduler interrupts.
	command.Env = append(os.Environ(), "GODEBUG=asyncpreemptoff=1")
	command.Stdin = strings.NewReader(fmt.Sprintf("run %d\n", frames))
	out, err := command.CombinedOutput()
	found := collected.FindSubmatch(out)
	if err != nil || found == nil {
		return 0, fmt.Errorf("valgrind: %w: %s", err, out[:min(len(out), 2000)])
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// tallyTable is nothing without tallies.
func tallyTable(all []tally) string {
	if len(all) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Millions of instructions a frame, by callgrind, without AVX-512:\n\n| |")
	for _, t := range all {
		b.WriteString(" " + t.Job + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(all)) + "\n")
	for _, name := range append([]string{oursName}, wayNames()...) {
		row, any := "", false
		for _, t := range all {
			cell := ""
			if n, ok := t.Millions[name]; ok {
				cell, any = fmt.Sprintf("%.1f", n), true
			}
			row += " " + cell + " |"
		}
		if any {
			b.WriteString("| " + name + " |" + row + "\n")
		}
	}
	return b.String() + "\n"
}
