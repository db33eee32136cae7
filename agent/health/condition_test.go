package health

import (
	"testing"
	"time"
)

// observe feeds a frame each 100 ms, one for each letter: x holds, . does not.
// It returns a letter for each: the state after it.
func observe(c *Condition, holds string) string {
	var states []byte
	for i, letter := range holds {
		c.Observe(letter == 'x', time.Duration(i)*100*time.Millisecond)
		state := byte('.')
		if c.On() {
			state = 'x'
		}
		states = append(states, state)
	}
	return string(states)
}

func TestConditionFollowsWhatLasts(t *testing.T) {
	for name, c := range map[string]struct {
		condition   Condition
		given, want string
	}{
		"at once":             {Condition{}, ".x.x", ".x.x"},
		"a spike is nothing":  {Condition{Enter: 300 * time.Millisecond}, ".x..xxx.", "........"},
		"what lasts":          {Condition{Enter: 300 * time.Millisecond}, ".xxxxx.", "....xx."},
		"a gap is nothing":    {Condition{Leave: 200 * time.Millisecond}, "xx.x..x...x", "xxxxxxxxx.x"},
		"a number of frames":  {Condition{Frames: 3}, "xxxx..x...", "..xxxxxxx."},
		"time and frames":     {Condition{Enter: 100 * time.Millisecond, Frames: 3}, "xx.xxx", ".....x"},
		"flicker never lasts": {Condition{Enter: 200 * time.Millisecond, Frames: 2}, "x.x.x.x.x.xx", "............"},
	} {
		if got := observe(&c.condition, c.given); got != c.want {
			t.Errorf("%s: %s becomes %s, want %s", name, c.given, got, c.want)
		}
	}
}

func TestConditionIsDatedFromItsFirstObservation(t *testing.T) {
	c := Condition{Enter: 300 * time.Millisecond, Leave: 100 * time.Millisecond}
	observe(&c, "..xxxx")
	if !c.On() || c.Since() != 200*time.Millisecond {
		t.Errorf("on is %v since %v", c.On(), c.Since())
	}
	if c.Observe(false, time.Second) || !c.Observe(false, 2*time.Second) || c.Since() != time.Second {
		t.Errorf("off since %v", c.Since())
	}
}
