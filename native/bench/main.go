// Command bench measures the preprocessor and what one would use in its place,
// on the same frames in one run, and writes the table of its README.
//
// What enters: recordings of frames, and the programs of peers/ and gocv/ that
// were built; each is a contender with one or more ways to do a job. What
// leaves: CPU time a frame of each, as ratios to ours that were measured side
// by side, and how close the pictures are to a reference. It decides nothing by
// the clock on the wall, and a contender that gives garbage is a failure.
//
// Time: each round runs ours and then one contender, a batch of frames each, in
// processes that stay, and takes the CPU time of all their threads, user and
// system. The result is the median of the rounds; so is the ratio, of the pairs.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type options struct {
	programs, frames string // directories
	jobs             string
	rounds, batch    int
	paced            time.Duration
	instructions     bool
	agent            string
	readme, json     string
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "ours" {
		exit(contend(os.Args[2:], os.Stdin, os.Stdout))
	}
	var o options
	flag.StringVar(&o.programs, "programs", ".", "`directory` of the contenders")
	flag.StringVar(&o.frames, "frames", ".", "`directory` with seen/ and unseen/ frames")
	flag.StringVar(&o.jobs, "jobs", "", "only jobs whose name contains one of these `words`, parted by commas")
	flag.IntVar(&o.rounds, "rounds", 5, "how `often` each pair is measured")
	flag.IntVar(&o.batch, "batch", 30, "`frames` of a round")
	flag.DurationVar(&o.paced, "paced", 0, "how long each works at 30 frames a second; 0 for not at all")
	flag.BoolVar(&o.instructions, "instructions", false, "count instructions as well, for minutes")
	flag.StringVar(&o.agent, "agent", "bin/agent", "the daemon, for -paced")
	flag.StringVar(&o.readme, "readme", "", "`file` whose section gets the table")
	flag.StringVar(&o.json, "json", "", "`file` for all numbers")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(bench(ctx, o))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench: "+err.Error())
		os.Exit(1)
	}
	os.Exit(0)
}

// bench measures the jobs one after the other and writes what came of it.
func bench(ctx context.Context, o options) error {
	var results []result
	for _, j := range jobs {
		if !j.matches(o.jobs) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s\n", j.name)
		r, err := measure(ctx, j, o)
		if err != nil {
			return fmt.Errorf("%s: %w", j.name, err)
		}
		results = append(results, r)
	}
	if len(results) == 0 {
		return fmt.Errorf("-jobs %q: no such job; there are: %s", o.jobs, strings.Join(names(), ", "))
	}
	counts, runs, err := extras(ctx, o)
	if err != nil {
		return err
	}
	table := tables(results, machine()) + tallyTable(counts) + pacedTable(runs)
	fmt.Print(table)
	return errors.Join(save(o.json, map[string]any{"jobs": results, "instructions": counts, "paced": runs}), insert(o.readme, table), garbage(results))
}

// extras are what was asked for besides.
func extras(ctx context.Context, o options) (counts []tally, runs []run, err error) {
	if o.instructions {
		if counts, err = tallies(ctx, o); err != nil {
			return nil, nil, err
		}
	}
	if o.paced > 0 {
		fmt.Fprintln(os.Stderr, "at 30 frames a second")
		runs, err = pacedRuns(ctx, o)
	}
	return counts, runs, err
}

func names() []string {
	var all []string
	for _, j := range jobs {
		all = append(all, j.name)
	}
	return all
}

// save writes the results for machines.
func save(name string, results any) error {
	if name == "" {
		return nil
	}
	text, err := json.MarshalIndent(results, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(text, '\n'), 0o644)
}

// The marks of the section of README that is ours.
const (
	sectionBegin = "<!-- begin: make bench -->\n"
	sectionEnd   = "<!-- end: make bench -->\n"
)

// insert puts the table between the marks of a file.
func insert(name, table string) error {
	if name == "" {
		return nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before, rest, begins := strings.Cut(string(text), sectionBegin)
	_, after, ends := strings.Cut(rest, sectionEnd)
	if !begins || !ends {
		return fmt.Errorf("%s: has no section between %q and %q", name, sectionBegin, sectionEnd)
	}
	return os.WriteFile(name, []byte(before+sectionBegin+table+sectionEnd+after), 0o644)
}

// garbage names the contenders that did not do the job they were measured for.
func garbage(results []result) error {
	var faults []error
	for _, r := range results {
		for _, c := range r.Contenders {
			if c.PSNR != 0 && c.PSNR < 25 {
				faults = append(faults, fmt.Errorf("%s: %s: %.1f dB to the reference: not that picture", r.Job, c.Name, c.PSNR))
			}
		}
	}
	return errors.Join(faults...)
}

func (j job) matches(words string) bool {
	if words == "" {
		return true
	}
	return slices.ContainsFunc(strings.Split(words, ","), func(w string) bool { return strings.Contains(j.name, w) })
}

func (j job) path(dir string) string { return filepath.Join(dir, j.set, j.file) }
