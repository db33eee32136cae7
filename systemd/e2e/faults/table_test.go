package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// kept is a result that keeps the bars of the test below.
func kept() result {
	r := result{Fault: "x", Accounts: 2}
	for i := range 4 {
		at := time.Duration(i) * time.Second
		r.add(episode{struck: at, noticed: at + 10*ms, recovered: at + 90*ms})
	}
	return r
}

func TestRowFailsByTheBarItMisses(t *testing.T) {
	b := bars{detectedMedian: 20 * ms, detectedMax: 200 * ms, recoveredMedian: 100 * ms, recoveredMax: 200 * ms, lost: 1}
	for _, test := range []struct {
		spoil func(*result)
		says  string
	}{
		{func(*result) {}, ""},
		{func(r *result) { r.add(episode{struck: 1, noticed: 300 * ms}) }, "detected (max) 299 ms, bar 200 ms"},
		{func(r *result) { r.Detected = []time.Duration{1, 30 * ms, 40 * ms} }, "detected (median) 30 ms, bar 20 ms"},
		{func(r *result) { r.Recovered = []time.Duration{1, 101 * ms, 102 * ms} }, "recovered (median) 101 ms, bar 100 ms"},
		{func(r *result) { r.add(episode{struck: 1, mended: ms, recovered: 202 * ms}) }, "recovered (max) 201 ms, bar 200 ms"},
		{func(r *result) { r.Lost = 4 }, ""},
		{func(r *result) { r.Lost = 5 }, "5 frames lost, bar 4"},
		{func(r *result) { r.OtherLost = 1 }, "the other camera lost 1 frames, bar 0"},
		{func(r *result) { r.Off = -2 }, "accounting off by -2"},
	} {
		r := kept()
		test.spoil(&r)
		if got := strings.Join(b.missed(&r), "; "); got != test.says {
			t.Errorf("%q, want %q", got, test.says)
		}
	}
}

func TestTableSaysWhatFailed(t *testing.T) {
	good, bad := kept(), kept()
	bad.Fault, bad.Off, bad.Killed = "y", 3, 1
	bad.Wrong = []string{"accounting off by 3"}
	var out bytes.Buffer
	if failed := print(&out, []result{good, bad}); failed != 1 {
		t.Errorf("%d rows failed, want 1", failed)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i, want := range []string{
		"FAULT TIMES DETECTED (median, max) RECOVERED (median, max) LOST LOST BY OTHERS IDENTITY VERDICT",
		"x 4 10 ms, 10 ms 90 ms, 90 ms 0 0 exact ok",
		"y 4 10 ms, 10 ms 90 ms, 90 ms 0 0 off by 3 (1 killed) FAILED: accounting off by 3",
	} {
		if got := strings.Join(strings.Fields(lines[i]), " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestDurationIsShort(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.0 ms", 4242 * time.Microsecond: "4.2 ms", 99*ms + 1: "99 ms", 1310 * ms: "1.31 s"} {
		if got := short(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}

// Each row has a name of its own, by which -rows finds it.
func TestRowsAreToldApart(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range rows(options{}) {
		if seen[r.fault] || r.strike == nil || r.times == 0 || r.short > r.times {
			t.Errorf("row %q is there twice, or not whole", r.fault)
		}
		seen[r.fault] = true
	}
}
