package health

import "time"

// Steps are the upper bounds of a [Histogram]: powers of two of a microsecond,
// where those of a [Latency] meet them, so that nothing is estimated; from 1/4 ms
// to 8 s.
var Steps = func() (b [16]time.Duration) {
	for i := range b {
		b[i] = time.Microsecond << (8 + i)
	}
	return b
}()

// A Histogram is a Latency in few steps.
type Histogram struct {
	// Counts are below each of Steps and not below the one before; the last is
	// what is beyond them.
	Counts [len(Steps) + 1]uint64
	// Count is the sum of Counts.
	Count uint64
	Sum   time.Duration
}

// Histogram is what was observed so far. Durations that are observed meanwhile may
// be in the sum and not yet in the counts.
func (l *Latency) Histogram() (h Histogram) {
	h.fill(func(i int) uint64 { return l.buckets[i].Load() })
	h.Sum = time.Duration(l.sum.Load())
	return h
}

// Histogram is what was observed in the lap; without the sum.
func (p *Lap) Histogram() (h Histogram) {
	h.fill(func(i int) uint64 { return p.in[i] })
	return h
}

func (h *Histogram) fill(bucket func(i int) uint64) {
	step := 0
	for i := range buckets {
		for step < len(Steps) && upper(i) > Steps[step] {
			step++
		}
		h.Counts[step] += bucket(i)
		h.Count += bucket(i)
	}
}

// Count is how many were observed in the lap.
func (p *Lap) Count() uint64 { return p.count }
