package health

import (
	"math/rand/v2"
	"testing"
	"time"
)

// laps feeds laps of frames that take about d, with a tail, and returns the
// numbers of those at which the Drift changed its mind.
func laps(d *Drift, l *Latency, lap *Lap, n int, each func(i int) time.Duration) (changes []int) {
	for i := range n {
		for range 300 {
			l.Observe(each(i))
		}
		lap.Next(l)
		if d.Observe(lap.Quantile(0.5), lap.Quantile(0.99)) {
			changes = append(changes, i)
		}
	}
	return changes
}

// noisy takes about d: a tenth of the frames half as much more, one in 200 four times as
// much, and all of it a tenth more or less from lap to lap.
func noisy(rng *rand.Rand, d time.Duration) func(int) time.Duration {
	return func(i int) time.Duration {
		of := 1 + 0.1*float64(i%3-1) + 0.1*rng.NormFloat64()
		switch n := rng.IntN(200); {
		case n == 0:
			of *= 4
		case n < 20:
			of *= 1.5
		}
		return time.Duration(of * float64(d))
	}
}

func TestDriftIsToldOnceAndItsEnd(t *testing.T) {
	for _, usual := range []time.Duration{3 * time.Millisecond, 12 * time.Millisecond, 150 * time.Millisecond} {
		rng := rand.New(rand.NewPCG(1, 1))
		d, l, lap := &Drift{}, &Latency{}, &Lap{}
		if changes := laps(d, l, lap, 2000, noisy(rng, usual)); len(changes) > 0 {
			t.Fatalf("%v: nothing has changed, and it says so at %v", usual, changes)
		}
		slower := usual*2 + 4*time.Millisecond
		if changes := laps(d, l, lap, 100, noisy(rng, slower)); len(changes) != 1 || changes[0] != driftAgree-1 || !d.Slow() {
			t.Errorf("%v that become %v: changes at %v", usual, slower, changes)
		}
		if median, _ := d.Usual(); median > usual*5/4 {
			t.Errorf("%v are %v in its memory, after it was slow for long", usual, median)
		}
		if changes := laps(d, l, lap, 100, noisy(rng, usual)); len(changes) != 1 || d.Slow() {
			t.Errorf("%v again: changes at %v", usual, changes)
		}
	}
}

func TestDriftOfTheTailAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d, l, lap := &Drift{}, &Latency{}, &Lap{}
	each := noisy(rng, 10*time.Millisecond)
	laps(d, l, lap, 100, each)
	changes := laps(d, l, lap, 20, func(i int) time.Duration {
		if rng.IntN(50) == 0 {
			return 80 * time.Millisecond
		}
		return each(i)
	})
	if len(changes) != 1 {
		t.Errorf("changes at %v", changes)
	}
}

func TestSpikesAreNoDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d, l, lap := &Drift{}, &Latency{}, &Lap{}
	each := noisy(rng, 10*time.Millisecond)
	if changes := laps(d, l, lap, 1000, func(i int) time.Duration {
		if i%10 < 3 && i > driftLaps {
			return 3 * each(i)
		}
		return each(i)
	}); len(changes) > 0 {
		t.Errorf("changes at %v", changes)
	}
}

func TestWhatIsUsualMayBecomeLess(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	d, l, lap := &Drift{}, &Latency{}, &Lap{}
	laps(d, l, lap, 50, noisy(rng, 40*time.Millisecond))
	laps(d, l, lap, 50, noisy(rng, 10*time.Millisecond))
	if changes := laps(d, l, lap, 50, noisy(rng, 40*time.Millisecond)); len(changes) != 1 {
		t.Errorf("changes at %v", changes)
	}
	if d.Forget(); len(laps(d, l, lap, 50, noisy(rng, 80*time.Millisecond))) != 0 {
		t.Error("it has not forgotten")
	}
}
