package health

import (
	"slices"
	"time"
)

const (
	// driftLaps is of how many laps a Drift learns what is usual, and how many
	// in a row must agree before it says anything.
	driftLaps, driftAgree = 15, 5
)

// A Drift compares how long something takes with what it took at first: the
// median, and the slowest in a hundred. What is usual is learnt from the first
// laps, and may only become less. One goroutine uses it; the zero value has to
// learn.
type Drift struct {
	newest [2][driftLaps]time.Duration // rings, of the median and the slowest
	laps   int
	usual  [2]time.Duration // known once there were driftLaps laps
	is     [2]time.Duration // of the newest lap
	slow   Condition
}

// Where it begins to be slow, by the usual, and from where on it no longer is.
// The constants keep the steps of a histogram and of a scheduler from counting.
var driftBounds = [2]struct {
	enter, leave func(usual time.Duration) time.Duration
}{
	{func(d time.Duration) time.Duration { return d*3/2 + 2*time.Millisecond },
		func(d time.Duration) time.Duration { return d*5/4 + time.Millisecond }},
	{func(d time.Duration) time.Duration { return 2*d + 10*time.Millisecond },
		func(d time.Duration) time.Duration { return d*3/2 + 5*time.Millisecond }},
}

// Forget has it learn anew, because something else is usual from now on.
func (d *Drift) Forget() { *d = Drift{} }

// Observe notes a lap, and says whether it has become slow, or is so no longer.
func (d *Drift) Observe(median, slowest time.Duration) (changed bool) {
	d.is = [2]time.Duration{median, slowest}
	slow := false
	for i, is := range d.is {
		d.newest[i][d.laps%driftLaps] = is
		if d.laps < driftLaps {
			continue
		}
		b := driftBounds[i]
		if d.slow.On() {
			slow = slow || is > b.leave(d.usual[i])
		} else {
			slow = slow || is > b.enter(d.usual[i])
		}
	}
	d.laps++
	if d.laps >= driftLaps {
		d.learn()
	}
	d.slow.Frames = driftAgree
	return d.slow.Observe(slow, 0)
}

// learn takes the median of the newest laps for the usual, if it is less.
func (d *Drift) learn() {
	for i := range d.usual {
		sorted := d.newest[i]
		slices.Sort(sorted[:])
		if m := sorted[driftLaps/2]; d.usual[i] == 0 || m < d.usual[i] {
			d.usual[i] = m
		}
	}
}

// Slow says that it takes lastingly longer than usual.
func (d *Drift) Slow() bool { return d.slow.On() }

// Usual and Is are the median and the slowest in a hundred, as learnt and in
// the newest lap.
func (d *Drift) Usual() (median, slowest time.Duration) { return d.usual[0], d.usual[1] }
func (d *Drift) Is() (median, slowest time.Duration)    { return d.is[0], d.is[1] }
