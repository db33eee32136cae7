package queue

import "time"

// What a Throttle goes by. Windows are about a second long.
const (
	// behindFor is for how many windows in a row frames must have been evicted,
	// one in ten at least, before fewer are let in; one in three counts double.
	behindFor = 10
	// roomFor is for how many windows in a row there must have been room before
	// more are let in. It doubles, up to roomForMost, with each time that this
	// did not last for trial windows, until it did for steady windows.
	roomFor, roomForMost = 10, 600
	trial, steady        = 60, 600
	// busy is how much of its time the taker may be at work once fewer frames
	// are let in, and busyAgain how much once more are: they differ, so that
	// what was just lowered is not raised at once.
	busy, busyAgain = 0.8, 0.7
	// longest is the interval that no throttle goes beyond: a camera must not
	// fall silent.
	longest = time.Second
)

// A Throttle finds how many of a camera's frames to let into a queue, so that
// the one who takes them keeps up and none is evicted: every frame, every
// second one, every third. It decides by what it is told of each window of
// about a second, and knows no clock. One goroutine uses it; the zero value
// lets every frame in.
type Throttle struct {
	steps int // less one: of so many frames one is let in
	floor int // less one: the least steps, imposed from outside

	behind, room int // windows in a row
	patience     int // in doublings of roomFor
	now          int // windows so far
	raised       int // when more were let in for the last time; 0 for never
}

// A Window is what happened in about a second.
type Window struct {
	// Interval is that at which the camera has frames when it is left alone.
	Interval time.Duration
	// Admitted are the frames that were let into the queue, Evicted those that
	// had to leave it, and Taken those that were worked on, for Busy altogether.
	Admitted, Evicted, Taken uint64
	Busy                     time.Duration
}

// Steps says that one of so many frames is to be let in; 1 is all.
func (t *Throttle) Steps() int { return 1 + max(t.steps, t.floor) }

// Impose lets in one of so many frames at most, whatever the windows say.
func (t *Throttle) Impose(steps int) { t.floor = max(steps, 1) - 1 }

// Observe notes a window and says whether Steps changed.
func (t *Throttle) Observe(w Window) (changed bool) {
	t.now++
	before := t.Steps()
	switch {
	case w.Evicted > 0 && 3*w.Evicted >= w.Admitted:
		t.behind, t.room = t.behind+2, 0
	case w.Evicted > 0 && 10*w.Evicted >= w.Admitted:
		t.behind, t.room = t.behind+1, 0
	case t.steps > 0 && w.Taken > 0 && w.fit(busyAgain) <= t.steps:
		t.behind, t.room = 0, t.room+1
	default:
		t.behind, t.room = 0, 0
	}
	switch {
	case t.behind >= behindFor:
		t.lower(w)
	case t.room >= min(roomFor<<t.patience, roomForMost):
		t.raise(w)
	}
	return t.Steps() != before
}

// lower lets fewer frames in: as many as fit, and fewer than now.
func (t *Throttle) lower(w Window) {
	if w.Interval <= 0 {
		return
	}
	switch lasted := t.now - t.raised; {
	case t.raised == 0: // lowered twice in a row
	case lasted <= trial && roomFor<<t.patience < roomForMost:
		t.patience++
	case lasted > steady:
		t.patience = 0
	}
	most := max(1, int(longest/w.Interval))
	t.steps = max(t.steps, min(most, max(t.Steps()+1, w.fit(busy)))-1)
	t.behind, t.raised = 0, 0
}

// raise lets in as many as fit.
func (t *Throttle) raise(w Window) {
	t.steps = w.fit(busyAgain) - 1
	t.room, t.raised = 0, t.now
}

// fit is the least number of steps at which the taker is at work for no more
// than the given part of its time.
func (w *Window) fit(part float64) int {
	if w.Taken == 0 || w.Interval <= 0 {
		return 1
	}
	each := float64(w.Busy) / float64(w.Taken)
	steps := int(each / (part * float64(w.Interval)))
	if float64(steps)*part*float64(w.Interval) < each {
		steps++
	}
	return max(steps, 1)
}
