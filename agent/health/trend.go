package health

import (
	"slices"
	"time"
)

// A Trend finds out whether something grows without end, long before it is too
// much: a leak. It looks at two spans, an hour in medians of two minutes, for
// what leaks fast, and four days in medians of an hour. What grows must do so in
// each third of the span, so that neither a start nor a step is a leak, and by
// more than it jumps about, so that the sawtooth of a heap is none.
//
// It takes about 1.5 kB, and one goroutine uses it.
type Trend struct {
	// Least is the growth within an hour that counts; less is noise. Within days
	// it is half as much again.
	Least float64

	hour, days span
	on         *span // that told of growth
}

// The spans of a Trend.
const (
	hourPoint, daysPoint = 2 * time.Minute, time.Hour
	hourMost, daysMost   = 30, 96
	// of how many points a span is judged at least: 40 minutes and half a day.
	hourLeast, daysLeast = 20, 12
)

// A Growth is what a Trend tells of.
type Growth struct {
	On bool
	// PerHour is how much there is more of each hour; Over is the time that it
	// was seen in.
	PerHour float64
	Over    time.Duration
}

// A span is a series of medians of equal length.
type span struct {
	every  time.Duration // between points
	most   int
	fewest int       // to be judged
	least  float64   // growth
	within []float64 // samples since the last point
	began  time.Duration
	points []float64 // the newest last
	agreed int       // judgements in a row that contradict what was told
	slope  float64   // per point, as judged last
}

// Forget begins anew, because what is measured is another thing now.
func (t *Trend) Forget() { *t = Trend{Least: t.Least} }

// Observe notes a sample and says whether there is something to tell: that it
// grows, or that it does so no longer.
func (t *Trend) Observe(value float64, now time.Duration) (g Growth, changed bool) {
	if t.hour.every == 0 {
		t.hour = span{every: hourPoint, most: hourMost, fewest: hourLeast, least: t.Least, began: now}
		t.days = span{every: daysPoint, most: daysMost, fewest: daysLeast, least: 1.5 * t.Least, began: now}
	}
	point, ok := t.hour.add(value, now)
	if !ok {
		return g, false
	}
	told := t.judge(&t.hour)
	if _, ok := t.days.add(point, now); ok {
		told = t.judge(&t.days) || told
	}
	if t.on != nil {
		g = Growth{
			On:      true,
			PerHour: t.on.slope * float64(time.Hour) / float64(t.on.every),
			Over:    time.Duration(len(t.on.points)) * t.on.every,
		}
	}
	return g, told
}

// judge looks at a span that has a new point, and says whether the Trend's word
// changes. It takes two judgements in a row.
func (t *Trend) judge(s *span) (changed bool) {
	if len(s.points) < s.fewest {
		return false
	}
	var grows bool
	s.slope, grows = rising(s.points, s.least)
	contrary := grows && t.on == nil || t.on == s && s.slope*float64(len(s.points)-1) < s.least/2
	if !contrary {
		s.agreed = 0
		return false
	}
	if s.agreed++; s.agreed < 2 {
		return false
	}
	s.agreed = 0
	if t.on == nil {
		t.on = s
	} else {
		t.on = nil
	}
	return true
}

// add notes a sample, and returns the median of the samples since the last
// point when they make a new one.
func (s *span) add(value float64, now time.Duration) (point float64, ok bool) {
	s.within = append(s.within, value)
	if now-s.began < s.every {
		return 0, false
	}
	point = median(s.within)
	s.within, s.began = s.within[:0], now
	if len(s.points) == s.most {
		s.points = append(s.points[:0], s.points[1:]...)
	}
	s.points = append(s.points, point)
	return point, true
}

// rising says whether points grow: by so much in all at least, in each third
// at nearly half the pace of the whole at least, in the last third at most of the
// pace of the first, and by four times as much as they stray from the line. The slope, per point, is that of Theil and Sen: the
// median of the slopes of all pairs, which three in ten points may spoil.
func rising(points []float64, least float64) (slope float64, ok bool) {
	slope = theilSen(points)
	n := len(points)
	rise := slope * float64(n-1)
	if rise < least {
		return slope, false
	}
	first, second, last := theilSen(points[:n/3]), theilSen(points[n/3:2*n/3]), theilSen(points[2*n/3:])
	if min(first, second, last) < 0.4*slope || last < 0.7*first {
		return slope, false
	}
	strays := make([]float64, n)
	for i, v := range points {
		strays[i] = v - slope*float64(i)
	}
	middle := median(strays)
	for i := range strays {
		strays[i] = max(strays[i]-middle, middle-strays[i])
	}
	return slope, rise >= 4*median(strays)
}

func theilSen(points []float64) float64 {
	slopes := make([]float64, 0, len(points)*(len(points)-1)/2)
	for i := range points {
		for j := i + 1; j < len(points); j++ {
			slopes = append(slopes, (points[j]-points[i])/float64(j-i))
		}
	}
	return median(slopes)
}

// median sorts v.
func median(v []float64) float64 {
	slices.Sort(v)
	if len(v)%2 == 1 {
		return v[len(v)/2]
	}
	return (v[len(v)/2-1] + v[len(v)/2]) / 2
}
