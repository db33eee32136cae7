package worker

import "time"

// A rate bounds how often children are started: a number of them in quick
// succession, then one a period. A child costs some 20 ms of CPU, so that frames
// that crash it one after the other cost at most that much a period.
type rate struct {
	burst  int
	period time.Duration
	now    func() time.Time

	used int       // of the burst
	last time.Time // when used was brought up to date
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
