package health

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestQuantilesAreWithinAnEighth(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var l Latency
	var all []time.Duration
	for range 10000 {
		d := time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
		all = append(all, d)
		l.Observe(d)
	}
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 0.999} {
		want := all[int(q*float64(len(all)))]
		got := l.Quantile(q)
		if got < want || got > want+want/7+time.Microsecond {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
}

func TestLatencyExtremes(t *testing.T) {
	var l Latency
	if got := l.Quantile(0.5); got != 0 {
		t.Errorf("empty: %v", got)
	}
	l.Observe(-time.Second)
	if got := l.Quantile(0.5); got != time.Microsecond {
		t.Errorf("negative: %v", got)
	}
	l.Observe(1000 * time.Hour)
	if got := l.Quantile(1); got < time.Hour {
		t.Errorf("beyond the last bucket: %v", got)
	}
}

func TestBucketBoundsAgree(t *testing.T) {
	for us := time.Duration(0); us < 1<<22; us += 1 + us/64 {
		d := us * time.Microsecond
		if i := bucket(d); d >= upper(i) || (i > 0 && d < upper(i-1)) {
			t.Fatalf("%v is in bucket %d, which ends at %v", d, i, upper(i))
		}
	}
}
