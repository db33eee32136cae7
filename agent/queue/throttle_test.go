package queue

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// A simulation is a camera, a Throttle, the queue and a taker, by a clock of its
// own: every frame is let in or skipped, and taken or evicted.
type simulation struct {
	throttle Throttle
	interval time.Duration
	// cost is what the taker needs for a frame that it begins at that time.
	cost func(at time.Duration) time.Duration

	frames  *DropOldest[time.Duration] // when they came
	now     time.Duration
	free    time.Duration // when the taker is
	last    time.Duration // of the frames that were let in
	window  Window
	changes int
	ages    []time.Duration // of those that were taken, when they were done
	evicted int
	working time.Duration
}

func simulate(interval time.Duration, cost func(time.Duration) time.Duration) *simulation {
	return &simulation{interval: interval, cost: cost, frames: New[time.Duration](2), last: -time.Hour}
}

// run lets time pass, with or without the throttle's help, and forgets what
// was counted before.
func (s *simulation) run(d time.Duration, throttled bool) *simulation {
	s.changes, s.ages, s.evicted, s.working = 0, nil, 0, 0
	for end := s.now + d; s.now < end; s.now += s.interval {
		s.take()
		if steps := s.throttle.Steps(); !throttled || s.now-s.last >= time.Duration(steps)*s.interval {
			s.last = s.now
			s.window.Admitted++
			if _, evicted := s.frames.Push(s.now); evicted {
				s.window.Evicted++
				s.evicted++
			}
		}
		if s.now/time.Second != (s.now+s.interval)/time.Second {
			s.window.Interval = s.interval
			if s.throttle.Observe(s.window) {
				s.changes++
			}
			s.window = Window{}
		}
	}
	return s
}

// take has the taker work until now.
func (s *simulation) take() {
	for s.frames.Stats().Len > 0 {
		if s.free > s.now {
			return
		}
		came, _ := s.frames.Pop(context.Background())
		begin := max(s.free, came)
		cost := s.cost(begin)
		s.free = begin + cost
		s.window.Taken++
		s.window.Busy += cost
		s.working += cost
		s.ages = append(s.ages, s.free-came)
	}
}

func (s *simulation) median() time.Duration {
	slices.Sort(s.ages)
	return s.ages[len(s.ages)/2]
}

const frame = 33 * time.Millisecond

func always(d time.Duration) func(time.Duration) time.Duration {
	return func(time.Duration) time.Duration { return d }
}

func TestThrottleKeepsFramesYoung(t *testing.T) {
	for _, cost := range []time.Duration{40 * time.Millisecond, 50 * time.Millisecond, 120 * time.Millisecond, 700 * time.Millisecond} {
		without := simulate(frame, always(cost)).run(time.Minute, false)
		with := simulate(frame, always(cost))
		with.run(12*time.Second, true)
		if with.changes == 0 {
			t.Fatalf("cost %v: 10 s and the rate is as before", cost)
		}
		with.run(time.Minute, true)
		if with.changes > 0 || with.evicted > 0 {
			t.Errorf("cost %v: %d changes and %d evictions after it has settled at %d", cost, with.changes, with.evicted, with.throttle.Steps())
		}
		t.Logf("cost %v: every %d. frame, age %v instead of %v, at work %v of a minute instead of %v", cost,
			with.throttle.Steps(), with.median(), without.median(), with.working, without.working)
		if with.median() != cost || without.median() < cost+frame {
			t.Errorf("cost %v: median age %v, without the throttle %v", cost, with.median(), without.median())
		}
	}
}

func TestThrottleLetsAFastTakerAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	// A frame in fifty takes 150 ms: the queue evicts a few.
	s := simulate(frame, func(time.Duration) time.Duration {
		if rng.IntN(50) == 0 {
			return 150 * time.Millisecond
		}
		return 25 * time.Millisecond
	})
	s.run(time.Hour, true)
	if s.changes > 0 || s.evicted == 0 {
		t.Errorf("%d changes with %d evictions", s.changes, s.evicted)
	}
}

func TestThrottleIsRestored(t *testing.T) {
	cost := 80 * time.Millisecond
	s := simulate(frame, func(time.Duration) time.Duration { return cost })
	s.run(10*time.Second, true)
	if s.throttle.Steps() < 3 {
		t.Fatalf("every %d. frame at a cost of %v", s.throttle.Steps(), cost)
	}
	cost = 10 * time.Millisecond
	s.run(8*time.Second, true)
	if s.changes > 0 {
		t.Fatalf("restored after %v", s.now)
	}
	if s.run(8*time.Second, true); s.changes != 1 || s.throttle.Steps() != 1 {
		t.Fatalf("%d changes, every %d. frame", s.changes, s.throttle.Steps())
	}
}

// A load that comes whenever there is room makes it flap, ever more seldom.
func TestThrottleDoesNotFlap(t *testing.T) {
	s := simulate(frame, nil)
	s.cost = func(time.Duration) time.Duration {
		if s.throttle.Steps() == 1 {
			return 50 * time.Millisecond
		}
		return 20 * time.Millisecond
	}
	hourly := make([]int, 4)
	for i := range hourly {
		hourly[i] = s.run(time.Hour, true).changes
	}
	t.Log("changes in each hour:", hourly)
	if hourly[0] > 30 || hourly[3] > 12 {
		t.Errorf("it flaps: %v changes", hourly)
	}
	// Noise about the limit does not make it change either.
	rng := rand.New(rand.NewPCG(1, 2))
	for _, mean := range []float64{0.6, 0.7, 0.75, 0.8, 0.9, 1, 1.1, 1.4, 1.6, 2} {
		s := simulate(frame, func(time.Duration) time.Duration {
			return time.Duration(mean * (0.7 + 0.6*rng.Float64()) * float64(frame))
		})
		s.run(time.Minute, true)
		if s.run(time.Hour, true); s.changes > 6 {
			t.Errorf("cost of %v intervals: %d changes in an hour", mean, s.changes)
		}
	}
}

func TestThrottleIsSlowToForgetAndNeverSilent(t *testing.T) {
	s := simulate(frame, always(5*time.Second))
	s.run(time.Minute, true)
	if steps := s.throttle.Steps(); time.Duration(steps)*frame > longest {
		t.Errorf("a frame each %v", time.Duration(steps)*frame)
	}
	slow := simulate(2*time.Second, always(time.Minute))
	if slow.run(time.Hour, true); slow.throttle.Steps() != 1 {
		t.Errorf("a camera of one frame in 2 s has every %d.", slow.throttle.Steps())
	}
}

func TestImposedStepsHoldUntilTheyAreLifted(t *testing.T) {
	var th Throttle
	th.Impose(4)
	if th.Steps() != 4 {
		t.Fatal(th.Steps())
	}
	idle := Window{Interval: frame, Admitted: 30, Taken: 30, Busy: 30 * time.Millisecond}
	for range 100 {
		if th.Observe(idle) {
			t.Fatal("changed what is not its own")
		}
	}
	// What is imposed may not be enough.
	for range behindFor {
		th.Observe(Window{Interval: frame, Admitted: 8, Evicted: 2, Taken: 6, Busy: time.Second})
	}
	if th.Steps() < 5 {
		t.Fatal(th.Steps())
	}
	th.Impose(1)
	if th.Steps() < 5 {
		t.Fatal("lifting the floor lifted the rest")
	}
}
