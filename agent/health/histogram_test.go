package health

import (
	"math/rand/v2"
	"testing"
	"time"
)

// What a histogram says is exact: no bucket of a Latency lies across a step.
func TestHistogramIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	var l Latency
	var lap Lap
	var want Histogram
	for i := range 20000 {
		if i == 10000 {
			lap.Next(&l)
			if h := lap.Histogram(); h.Counts != want.Counts {
				t.Errorf("first lap: got %v, want %v", h.Counts, want.Counts)
			}
		}
		d := time.Duration(rng.ExpFloat64()*float64(20*time.Millisecond)) + 2*time.Duration(i)*time.Microsecond
		l.Observe(d)
		step := 0
		for step < len(Steps) && d >= Steps[step] {
			step++
		}
		want.Counts[step]++
		want.Count++
		want.Sum += d
	}
	if got := l.Histogram(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	lap.Next(&l)
	if h := lap.Histogram(); h.Count != 10000 || lap.Count() != 10000 {
		t.Errorf("second lap: %d and %d, want 10000", h.Count, lap.Count())
	}
}
