package health

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// subBuckets divides each power of two: quantiles are exact to 1/8 of their value.
const subBuckets = 8

const buckets = 40 * subBuckets

// Latency is a histogram of durations of fixed size: from a microsecond to an
// hour, in logarithmic steps. It is safe for concurrent use and allocates nothing.
type Latency struct {
	buckets [buckets]atomic.Uint64
	count   atomic.Uint64
	sum     atomic.Int64
}

// Observe counts one duration. Negative ones count as zero.
func (l *Latency) Observe(d time.Duration) {
	l.buckets[bucket(d)].Add(1)
	l.count.Add(1)
	l.sum.Add(int64(max(d, 0)))
}

// Count is how many durations were observed.
func (l *Latency) Count() uint64 { return l.count.Load() }

// Quantile is the upper bound of the bucket that holds the q-quantile (0 to 1),
// 0 when nothing was observed.
func (l *Latency) Quantile(q float64) time.Duration {
	return quantile(q, l.count.Load(), func(i int) uint64 { return l.buckets[i].Load() })
}

func quantile(q float64, count uint64, bucket func(i int) uint64) time.Duration {
	rank := uint64(q * float64(count))
	var seen uint64
	for i := range buckets {
		seen += bucket(i)
		if seen > rank || (seen == rank && q == 1 && seen > 0) {
			return upper(i)
		}
	}
	return 0
}

// A Lap is what was observed between two moments. One goroutine uses it.
type Lap struct {
	until [buckets]uint64 // as counted at its end
	total uint64          // of until
	in    [buckets]uint64
	count uint64 // of in
}

// Next makes p what was observed since its end.
func (p *Lap) Next(l *Latency) {
	p.count = 0
	for i := range l.buckets {
		n := l.buckets[i].Load()
		p.in[i], p.until[i] = n-p.until[i], n
		p.count += p.in[i]
	}
	p.total += p.count
}

// Pending is how many were observed since its end.
func (p *Lap) Pending(l *Latency) uint64 { return l.Count() - p.total }

// Quantile is as that of a [Latency].
func (p *Lap) Quantile(q float64) time.Duration {
	return quantile(q, p.count, func(i int) uint64 { return p.in[i] })
}

// bucket is the index for d: linear below subBuckets microseconds, then
// subBuckets steps for each power of two.
func bucket(d time.Duration) int {
	us := uint64(max(d, 0) / time.Microsecond)
	if us < subBuckets {
		return int(us)
	}
	e := bits.Len64(us) - bits.Len(subBuckets) // us>>e lies in [subBuckets, 2*subBuckets)
	i := (e+1)*subBuckets + int(us>>e) - subBuckets
	return min(i, buckets-1)
}

// upper is the exclusive upper bound of bucket i.
func upper(i int) time.Duration {
	if i < subBuckets {
		return time.Duration(i+1) * time.Microsecond
	}
	e := i/subBuckets - 1
	return time.Duration(uint64(i%subBuckets+subBuckets+1)<<e) * time.Microsecond
}
