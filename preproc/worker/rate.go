package worker

import (
	"cmp"
	"time"
)

// A rate bounds how often children are started: a number of them in quick
// succession, then one a period. The period follows from what a start costs on
// this device, so that a camera whose every frame is a crash takes a known part
// of its CPU, and one that crashes now and then never waits.
type rate struct {
	burst  int
	period time.Duration
	fixed  bool // the period is
	now    func() time.Time

	used int       // of the burst
	last time.Time // when used was brought up to date
}

// restraint is how many times what a start costs has to pass until the next
// one. The end of a child, with its trace, costs as much again: a fifth of one
// CPU goes into a camera of which no frame gets through.
const restraint = 10

// firstPeriod stands until a child has started.
const firstPeriod = 100 * time.Millisecond

func newRate(burst int, period time.Duration) rate {
	return rate{burst: burst, period: cmp.Or(period, firstPeriod), fixed: period != 0, now: time.Now}
}

// cost notes the CPU time that a child took until it was ready.
func (r *rate) cost(cpu time.Duration) {
	if !r.fixed && cpu > 0 {
		r.period = min(restraint*cpu, time.Second)
	}
}

// take says whether a child may be started now, and if not, when.
func (r *rate) take() (wait time.Duration, ok bool) {
	now := r.now()
	if regained := int(now.Sub(r.last) / r.period); regained > 0 {
		r.used = max(0, r.used-regained)
		r.last = r.last.Add(time.Duration(regained) * r.period)
	}
	if r.used == 0 {
		r.last = now
	}
	if r.used < r.burst {
		r.used++
		return 0, true
	}
	return r.last.Add(r.period).Sub(now), false
}
