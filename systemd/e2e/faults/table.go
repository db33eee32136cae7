package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A result is what one row cost.
type result struct {
	Fault     string
	Times     int
	Detected  []time.Duration
	Recovered []time.Duration
	Lost      uint64 // frames of the faulty camera
	OtherLost uint64 // frames of the healthy one
	Off       int64  // captured frames that no column has
	Accounts  int    // that were checked
	Killed    int    // processes that could not make their account
	Whole     bool   // the agent itself went, and both cameras with it
	Wrong     []string
	Took      time.Duration
}

func (r *result) add(e episode) {
	r.Times++
	if e.noticed > 0 {
		r.Detected = append(r.Detected, e.noticed-e.struck)
	}
	if from := max(e.struck, e.mended); e.recovered > 0 {
		r.Recovered = append(r.Recovered, e.recovered-from)
	}
}

// missed says which bars the result does not keep.
func (b bars) missed(r *result) (wrong []string) {
	slow := func(what string, got, bar time.Duration) {
		if bar > 0 && got > bar {
			wrong = append(wrong, fmt.Sprintf("%s %s, bar %s", what, short(got), short(bar)))
		}
	}
	slow("detected (median)", median(r.Detected), b.detectedMedian)
	slow("detected (max)", longest(r.Detected), b.detectedMax)
	slow("recovered (median)", median(r.Recovered), b.recoveredMedian)
	slow("recovered (max)", longest(r.Recovered), b.recoveredMax)
	if most := b.lost * float64(r.Times); r.Times > 0 && float64(r.Lost) > most && !b.whole {
		wrong = append(wrong, fmt.Sprintf("%d frames lost, bar %.0f", r.Lost, most))
	}
	if r.OtherLost > 0 && !b.whole {
		wrong = append(wrong, fmt.Sprintf("the other camera lost %d frames, bar 0", r.OtherLost))
	}
	if r.Off != 0 {
		wrong = append(wrong, fmt.Sprintf("accounting off by %d", r.Off))
	}
	return wrong
}

func median(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(d))[len(d)/2]
}

func longest(d []time.Duration) time.Duration {
	if len(d) == 0 {
		return 0
	}
	return slices.Max(d)
}

// short is a duration as a table has it: "4.2 ms", "1.31 s".
func short(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1e3)
}

// times is the median and the maximum.
func times(d []time.Duration) string {
	if len(d) == 0 {
		return "-"
	}
	return short(median(d)) + ", " + short(longest(d))
}

func (r *result) identity() string {
	s := "exact"
	switch {
	case r.Off != 0:
		s = fmt.Sprintf("off by %d", r.Off)
	case r.Accounts == 0:
		return "-"
	}
	if r.Killed > 0 {
		s += fmt.Sprintf(" (%d killed)", r.Killed)
	}
	return s
}

func (r *result) verdict() string {
	if len(r.Wrong) == 0 {
		return "ok"
	}
	first, _, _ := strings.Cut(strings.Join(r.Wrong, "; "), "\n")
	return "FAILED: " + first
}

// print writes the table, and says how many rows failed.
func print(w io.Writer, results []result) (failed int) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nFAULT\tTIMES\tDETECTED (median, max)\tRECOVERED (median, max)\tLOST\tLOST BY OTHERS\tIDENTITY\tVERDICT")
	for _, r := range results {
		other := fmt.Sprint(r.OtherLost)
		if r.Whole {
			other = "(all went)"
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%s\t%s\t%s\n",
			r.Fault, r.Times, times(r.Detected), times(r.Recovered), r.Lost, other, r.identity(), r.verdict())
		if len(r.Wrong) > 0 {
			failed++
		}
	}
	t.Flush()
	return failed
}
