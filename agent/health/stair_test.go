package health

import (
	"testing"
	"time"
)

func stair() *Stair {
	return &Stair{Top: 3, Up: 30 * time.Second, Down: time.Minute, MostDown: 8 * time.Minute}
}

// climb observes p every 5 s for d and returns when, from its begin on, steps
// were made.
func climb(s *Stair, now *time.Duration, p Pressure, d time.Duration) (changes []time.Duration) {
	for begin := *now; *now < begin+d; *now += 5 * time.Second {
		if s.Observe(p, *now) {
			changes = append(changes, *now-begin)
		}
	}
	return changes
}

func TestStairTakesOneStepAtATime(t *testing.T) {
	s, now := stair(), time.Hour
	up := climb(s, &now, Short, 5*time.Minute)
	if len(up) != 3 || up[0] != 30*time.Second || up[2] != 90*time.Second || s.Step() != 3 {
		t.Errorf("up at %v to %d", up, s.Step())
	}
	if between := climb(s, &now, Steady, time.Hour); len(between) > 0 {
		t.Errorf("between the marks it changed at %v", between)
	}
	down := climb(s, &now, Relieved, 5*time.Minute)
	if len(down) != 3 || down[0] != time.Minute || down[2] != 3*time.Minute || s.Step() != 0 {
		t.Errorf("down at %v to %d", down, s.Step())
	}
}

func TestStairIsNotMovedBySpikes(t *testing.T) {
	s, now := stair(), time.Hour
	for range 100 {
		if up := climb(s, &now, Short, 25*time.Second); len(up) > 0 {
			t.Fatalf("a spike of 25 s moved it at %v", up)
		}
		climb(s, &now, Relieved, 5*time.Second)
	}
}

// What is short because of what was given up goes up and down: ever more seldom.
func TestStairDoesNotFlap(t *testing.T) {
	s, now, changes := stair(), time.Hour, [2]int{}
	for half := range changes {
		for end := now + 2*time.Hour; now < end; now += 5 * time.Second {
			p := Relieved
			if s.Step() == 0 {
				p = Short
			}
			if s.Observe(p, now) {
				changes[half]++
			}
		}
	}
	if changes[0] > 40 || changes[1] > 30 {
		t.Errorf("%d changes in two hours, then %d", changes[0], changes[1])
	}
	// A quiet time makes it trust again.
	climb(s, &now, Relieved, time.Hour)
	climb(s, &now, Short, 30*time.Second+5*time.Second)
	if down := climb(s, &now, Relieved, 20*time.Minute); len(down) != 1 || down[0] != time.Minute {
		t.Errorf("after a quiet hour the step down came at %v", down)
	}
}
