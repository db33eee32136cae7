package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"regexp"
	"time"
)

// A place is a kind of guest.
type place string

const (
	// container: real systemd on the host's kernel and at its speed, no cameras.
	container place = "container"
	// machine: Debian's kernel with its camera drivers, emulated where there is
	// no KVM, and then ten times slower.
	machine place = "machine"
)

// A row is one fault: how it is made, and what must hold.
type row struct {
	fault string
	place place
	times int // how often it is made
	short int // likewise in the short form; 0 is never

	agent   string // of the config, beside the cameras
	faulty  string // the camera that the fault is for; a test pattern unless given
	healthy string // the one beside it, likewise
	// hooks is the environment of a binary with test hooks; without any, the
	// package's own binary runs.
	hooks []string
	// prepare comes before the agent starts; what it registers with later is
	// undone after its end.
	prepare func(ctx context.Context, b *bench) error
	strike  strike
	// afresh has the agent start anew after each strike: a camera that fails
	// again soon is given longer pauses, which is a row of its own.
	afresh bool
	// check looks at the accounts of the whole row; optional.
	check func(times int, accounts map[string]account) error

	bars bars
}

// A strike makes its fault once, and returns when the agent is over it.
type strike func(ctx context.Context, b *bench) (episode, error)

// An episode is when things happened, by CLOCK_MONOTONIC; 0 is never.
type episode struct {
	struck    time.Duration
	noticed   time.Duration // by the agent or its service manager
	mended    time.Duration // by us, or the service manager; recovery counts from here
	recovered time.Duration // when the next frame was published
}

// bars are what a row must keep. Times of 0 are no bar.
type bars struct {
	detectedMedian, detectedMax   time.Duration
	recoveredMedian, recoveredMax time.Duration
	// lost is how many frames of the faulty camera each strike may cost on the
	// average.
	lost float64
	// whole says that the agent itself goes, and both cameras with it.
	whole bool
}

// outage: while a camera is away its frames are lost, or were never taken.
var outage = math.Inf(1)

// options are the command line.
type options struct {
	deb, hooks, corpus, report, rows string
	short                            bool
	times                            int
}

// choose picks the rows of the campaign.
func (o options) choose() ([]row, error) {
	wanted, err := regexp.Compile("(?i)" + o.rows)
	if err != nil {
		return nil, fmt.Errorf("rows: %w", err)
	}
	var chosen []row
	for _, r := range rows(o) {
		if wanted.MatchString(r.fault) && o.count(r) > 0 {
			chosen = append(chosen, r)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no row matches %q", o.rows)
	}
	return chosen, nil
}

// count is how often the fault of r is made.
func (o options) count(r row) int {
	if o.short {
		return min(r.short, cmp.Or(o.times, r.short))
	}
	return cmp.Or(o.times, r.times)
}

// run makes the fault of r that often, and tells what it cost.
func (r row) run(ctx context.Context, record *record, times int) result {
	b := &bench{record: record, row: r, began: monotonic()}
	res := result{Fault: r.fault, Whole: r.bars.whole}
	err := b.live(ctx, func() error {
		for range times {
			e, err := r.strike(ctx, b)
			if err != nil {
				return fmt.Errorf("strike %d: %w", res.Times+1, err)
			}
			res.add(e)
			if r.afresh {
				if err := b.bring(ctx, "restart"); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err == nil {
		err = res.settle(b)
	}
	if err != nil {
		res.Wrong = append(res.Wrong, err.Error())
	} else {
		res.Wrong = r.bars.missed(&res)
	}
	res.Took = monotonic() - b.began
	return res
}
