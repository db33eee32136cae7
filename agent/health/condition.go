package health

import "time"

// A Condition is what many observations in a row agree on, so that a single one
// that says otherwise changes nothing. It begins off, and changes when every
// observation has contradicted it for its time, and Frames of them at the least.
// One goroutine uses it. Times are of any clock that does not go back.
type Condition struct {
	// Enter is for how long it must hold before it is on, Leave for how long it
	// must not hold before it is off.
	Enter, Leave time.Duration
	// Frames is how many observations must agree; 1 or less is one.
	Frames int

	on       bool
	contrary int           // observations against the state, in a row
	turned   time.Duration // the first of them
	since    time.Duration
}

// Observe notes whether it holds now, and says whether the state changed.
func (c *Condition) Observe(holds bool, now time.Duration) (changed bool) {
	if holds == c.on {
		c.contrary = 0
		return false
	}
	if c.contrary == 0 {
		c.turned = now
	}
	c.contrary++
	limit := c.Enter
	if c.on {
		limit = c.Leave
	}
	if c.contrary < c.Frames || now-c.turned < limit {
		return false
	}
	c.on, c.contrary, c.since = holds, 0, c.turned
	return true
}

// On says whether it holds.
func (c *Condition) On() bool { return c.on }

// Since is when the state began: the first of the observations that brought it
// about.
func (c *Condition) Since() time.Duration { return c.since }
