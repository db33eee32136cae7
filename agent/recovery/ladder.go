package recovery

import (
	"math/rand/v2"
	"time"
)

// tries are how often a rung is taken in a row before the next one. Lower has
// as many as there are modes, and [Reset] a number an hour.
var tries = [Rungs]int{Restart: 2, Reopen: 3, Reset: 2}

// Pauses. Before a rung is taken for the first time there is the first one, but
// for [Restart], which has none; each further try doubles it.
const (
	firstPause = 100 * time.Millisecond
	// absentPause bounds it for a camera that is not there: hot-plug events
	// end the wait anyway.
	absentPause = 2 * time.Second
	// takenPause bounds it for one that another program has: no event tells
	// when that lets go, and a try costs the two of them next to nothing.
	takenPause = 500 * time.Millisecond
	// longestPause bounds it when all rungs were tried.
	longestPause = 5 * time.Second
)

const (
	// Quiet is for how long a camera must publish until all is forgotten that
	// was tried.
	Quiet = 30 * time.Second
	// A better mode is tried after FirstRaise of publishing in a lower one. It
	// doubles each time when the better mode does not last that long.
	FirstRaise = time.Minute
	LastRaise  = time.Hour
	// ResetPeriod is in which time there may be two resets.
	ResetPeriod = time.Hour
	// ProcessPeriod is in which time the process may be given up once. A driver
	// that hangs for the next process as well is no reason to take it from the
	// other cameras again and again.
	ProcessPeriod = time.Hour
)

// A Step is what is done next.
type Step struct {
	Rung Rung
	// Try counts the times on this rung. Of is how many there are before the
	// next one; 0 is without end.
	Try, Of int
	// Mode is what to open: 0 is the wanted mode, n the n-th fallback.
	Mode int
	// After is the pause before it. A device that appears may end it early.
	After time.Duration
	// News says that the step before was not on the same rung.
	News bool
}

// A Ladder is where one camera stands. The zero value is a camera without
// fallback modes. One goroutine uses it; all times are of one clock.
type Ladder struct {
	// Fallbacks is how many modes there are besides the wanted one.
	Fallbacks int
	// Resets says that the USB port may be reset.
	Resets bool
	// Least is the mode that is opened at best: the device may be short of
	// something that a better one takes.
	Least int
	// Given is when a process was last given up for this camera, this one or one
	// before it, as its owner knows. Zero is never.
	Given time.Time

	rung    Rung       // the highest since it was quiet, or opened in this mode
	told    Rung       // of the last step that was none of waiting
	taken   [Rungs]int // tries in a row
	spent   bool       // all was tried
	absence int        // waits in a row
	mode    int
	good    time.Time // since when it publishes; zero while it does not

	probing bool          // the mode was raised and has not been quiet yet
	raised  time.Time     // when it was last raised
	patient time.Duration // in a lower mode before it is raised
	resets  []time.Time   // the last ones
}

// Mode is what to open.
func (l *Ladder) Mode() int { return min(max(l.mode, l.Least), l.Fallbacks) }

// Failed is the step after a failure.
func (l *Ladder) Failed(c Cause, now time.Time) Step {
	l.settle(now)
	l.good = time.Time{}
	if c == Absent {
		// It will be as if it was started anew. What it was tried with before
		// says little, and being pulled again and again nothing at all.
		l.forget()
	}
	switch {
	case spans[c].last == Wait:
		l.absence++
		longest := absentPause
		if c == Taken {
			longest = takenPause
		}
		return Step{Rung: Wait, Try: l.absence, Mode: l.Mode(), After: pause(l.absence, longest), News: l.absence == 1}
	case c == Hang:
		return l.hang(now)
	}
	l.absence = 0
	if l.probing && l.allowed(Lower, now) {
		return l.lower(now)
	}
	for r := max(l.rung, spans[c].first); r <= spans[c].last; r++ {
		if l.allowed(r, now) {
			return l.take(r, now)
		}
	}
	// All was tried, or is of no use. It stays with the least that may help.
	l.taken[Reopen]++
	s := l.step(Reopen, l.taken[Reopen], 0, pause(l.taken[Reopen], longestPause))
	s.News, l.spent = !l.spent, true
	return s
}

// hang is beside the other rungs: when the call returns after all, they are
// where they were.
func (l *Ladder) hang(now time.Time) Step {
	switch {
	case l.allowed(Reset, now):
		return l.reset(now)
	case l.Given.IsZero() || now.Sub(l.Given) >= ProcessPeriod:
		l.taken[Process]++
		return l.step(Process, l.taken[Process], 0, 0)
	}
	l.absence++
	return Step{Rung: Wait, Try: l.absence, Mode: l.Mode(), After: ProcessPeriod - now.Sub(l.Given), News: true}
}

func (l *Ladder) allowed(r Rung, now time.Time) bool {
	switch r {
	case Lower:
		return l.Mode() < l.Fallbacks
	case Reset:
		return l.Resets && (len(l.resets) < tries[Reset] || now.Sub(l.resets[0]) >= ResetPeriod)
	}
	return l.taken[r] < tries[r]
}

func (l *Ladder) take(r Rung, now time.Time) Step {
	if r == Lower {
		return l.lower(now)
	}
	l.rung = r
	if r == Reset {
		return l.reset(now)
	}
	l.taken[r]++
	n := l.taken[r]
	if r == Restart {
		n-- // the first one at once
	}
	return l.step(r, l.taken[r], tries[r], pause(n, longestPause))
}

func (l *Ladder) reset(now time.Time) Step {
	if len(l.resets) == tries[Reset] {
		l.resets = append(l.resets[:0], l.resets[1:]...)
	}
	l.resets = append(l.resets, now)
	return l.step(Reset, len(l.resets), tries[Reset], 0)
}

// lower goes to the next mode, in which everything may be tried again.
func (l *Ladder) lower(now time.Time) Step {
	switch {
	case l.probing || !l.raised.IsZero() && now.Sub(l.raised) < l.patient:
		l.patient = min(2*l.patient, LastRaise)
	default:
		l.patient = FirstRaise
	}
	l.forget()
	l.probing = false
	l.mode = l.Mode() + 1
	return l.step(Lower, l.mode, l.Fallbacks, pause(1, longestPause))
}

func (l *Ladder) step(r Rung, try, of int, after time.Duration) Step {
	s := Step{Rung: r, Try: try, Of: of, Mode: l.Mode(), After: after, News: r != l.told}
	l.told = r
	return s
}

// forget makes the foot of the ladder the next step.
func (l *Ladder) forget() {
	l.rung, l.told, l.spent, l.taken = Wait, Wait, false, [Rungs]int{}
}

// Published says that frames are published from now on.
func (l *Ladder) Published(now time.Time) {
	l.absence = 0
	if l.good.IsZero() {
		l.good = now
	}
}

// settle forgets what was tried when the camera has been quiet, and says
// whether there was anything.
func (l *Ladder) settle(now time.Time) (settled bool) {
	if l.good.IsZero() || now.Sub(l.good) < Quiet {
		return false
	}
	settled = l.told != Wait
	l.forget()
	l.probing = false
	return settled
}

// Improve is asked while the camera publishes: settled says that it has been
// quiet for long enough that all is forgotten that was tried, and raised that
// a better mode is to be tried now, which is [Ladder.Mode].
func (l *Ladder) Improve(now time.Time) (settled, raised bool) {
	settled = l.settle(now)
	if l.mode <= l.Least || l.good.IsZero() || now.Sub(l.good) < max(Quiet, l.patient) {
		return settled, false
	}
	l.mode--
	l.good, l.probing, l.raised = time.Time{}, true, now
	return settled, true
}

// pause before the n-th try; 0 is none. It is spread, as cameras on one bus
// often fail together.
func pause(n int, longest time.Duration) time.Duration {
	if n == 0 {
		return 0
	}
	d := longest
	if n < 10 {
		d = min(firstPause<<(n-1), longest)
	}
	return d*4/5 + rand.N(d*2/5)
}
