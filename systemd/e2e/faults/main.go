// Faults does to the installed agent what happens to devices at night, and says
// what each of it cost: one line a fault, with how often it was made, when it
// was detected and recovered from, the frames that were lost, those that a
// healthy camera beside lost, and whether every frame is accounted for.
//
//	faults -deb FILE -hooks FILE [-report FILE] [-short] [-rows REGEXP] [-times N] [-corpus DIR]
//
// It starts the guests that the rows want, installs the package, and runs itself
// there, with -inside. What happens and when is taken from the journal and from
// the frames that a consumer got, both by CLOCK_MONOTONIC. The exit code is 1
// when a row misses one of its bars.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	var o options
	flag.StringVar(&o.deb, "deb", "", "the package")
	flag.StringVar(&o.hooks, "hooks", "", "the binary with test hooks")
	flag.StringVar(&o.corpus, "corpus", os.Getenv("AGENT_JPEG_CORPUS"), "a directory of JPEGs, most of them broken, beside those made here")
	flag.StringVar(&o.report, "report", "faults.txt", "where the table goes as well, and beside it the journals")
	flag.StringVar(&o.rows, "rows", ".", "the rows to run")
	flag.BoolVar(&o.short, "short", false, "the rows of the short form, a few times each")
	flag.IntVar(&o.times, "times", 0, "how often each fault is made, instead of what the rows say")
	inside := flag.String("inside", "", "the kind of guest that this is; then it writes JSON")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, place(*inside)); err != nil {
		fmt.Fprintln(os.Stderr, "faults:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, inside place) error {
	rows, err := o.choose()
	if err != nil {
		return err
	}
	if inside == "" {
		return campaign(ctx, o, rows)
	}
	return runInside(ctx, o, rows, inside)
}

// runInside makes the faults of the rows of this place, and tells of each.
func runInside(ctx context.Context, o options, rows []row, here place) error {
	record := newRecord()
	stopped, err := record.follow(ctx)
	if err != nil {
		return err
	}
	defer stopped()
	out := json.NewEncoder(os.Stdout)
	for _, r := range rows {
		if r.place != here {
			continue
		}
		if err := out.Encode(r.run(ctx, record, o.count(r))); err != nil {
			return err
		}
	}
	return nil
}
