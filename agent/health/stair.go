package health

import "time"

// Pressure says how short something is.
type Pressure uint8

const (
	// Relieved: there is so much of it that what was given up may be had again.
	Relieved Pressure = iota
	// Steady: neither.
	Steady
	// Short: something should be given up.
	Short
)

// Marks are where the use of something begins to matter. Between Relief and
// Soft nothing changes.
type Marks struct {
	Relief, Soft float64
	// Hard is where degrading is over and something has to be restarted.
	Hard float64
}

// Pressure is that of a use.
func (m Marks) Pressure(use float64) Pressure {
	switch {
	case use >= m.Soft:
		return Short
	case use < m.Relief:
		return Relieved
	}
	return Steady
}

// A Stair is how far something has been degraded: a step up after each time Up
// for which it was short, a step down after each time Down for which it was
// relieved. Down doubles, up to MostDown, whenever a step down did not last for
// that time, until one did. One goroutine uses it.
type Stair struct {
	Top                int
	Up, Down, MostDown time.Duration

	step    int
	since   time.Duration // of the pressure that is on
	last    Pressure
	down    time.Duration // what Down has become
	lowered time.Duration // when the last step down was
	fell    bool          // there was one, and no step up since
}

// Step is how far it has been degraded, 0 for not at all.
func (s *Stair) Step() int { return s.step }

// Resize is for another stair, of which step is as high as Step was.
func (s *Stair) Resize(top, step int) { s.Top, s.step = top, step }

// Observe notes the pressure at the time now, and says whether the step changed.
func (s *Stair) Observe(p Pressure, now time.Duration) (changed bool) {
	s.down = max(s.down, s.Down)
	if p != s.last {
		s.last, s.since = p, now
	}
	switch lasted := now - s.since; {
	case p == Short && s.step < s.Top && lasted >= s.Up:
		s.up(now)
	case p == Relieved && s.step > 0 && lasted >= s.down:
		s.step--
		s.lowered, s.fell = now, true
	default:
		return false
	}
	s.since = now
	return true
}

func (s *Stair) up(now time.Duration) {
	s.step++
	if !s.fell {
		return
	}
	s.fell = false
	if now-s.lowered <= s.down {
		s.down = min(2*s.down, max(s.MostDown, s.Down))
	} else {
		s.down = s.Down
	}
}
