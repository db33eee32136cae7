package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// A Summary is what the consumer has seen. Counts that are not 0 in a good run
// are Frames, Lost (frames that the driver or the agent dropped, by the gaps
// of the driver's sequence), and Sessions, how often the agent's ring was new.
type Summary struct {
	Frames    int    `json:"frames"`
	Skipped   uint64 `json:"skipped"`   // published, but a newer one was there already
	Overtaken int    `json:"overtaken"` // written over while being looked at
	Lost      uint64 `json:"lost"`
	Sessions  int    `json:"sessions"`
	PID       int    `json:"pid"`
	Format    string `json:"format"`
	FirstSeq  uint64 `json:"first_sequence"`
	LastSeq   uint64 `json:"last_sequence"`

	BadSequence  int `json:"bad_sequence"`  // not later than the one before
	BadTimestamp int `json:"bad_timestamp"` // not later than the one before, or not plausible
	BadVerdict   int `json:"bad_verdict"`
	BadNumber    int `json:"bad_number"` // the picture's number moved unlike the sequence

	BarError   int      `json:"bar_error"` // largest difference to the expected colours
	Bars       [][3]int `json:"bars,omitempty"`
	IntervalMS float64  `json:"interval_ms"` // median, by the driver's time stamps
	GapMS      float64  `json:"gap_ms"`      // the longest one in which nothing was published
	AgeP50MS   float64  `json:"age_p50_ms"`  // capture to published
	AgeP99MS   float64  `json:"age_p99_ms"`
	Example    string   `json:"example,omitempty"` // of implausible times
	Error      string   `json:"error,omitempty"`

	expected  [][3]int
	numbered  bool
	session   *reader.Description
	timestamp time.Duration // of the frame before
	published time.Duration // likewise
	number    int
	intervals []time.Duration
	ages      []time.Duration
}

// take looks at one frame. An error says that nothing can be told of it.
func (s *Summary) take(f *reader.Frame) error {
	d := f.Description
	if d.Encode != "raw" || d.DType != "uint8" || d.Layout != "hwc" {
		return fmt.Errorf("the consumer reads raw uint8 hwc, not %s %s %s", d.Encode, d.DType, d.Layout)
	}
	pixels := picture{f.Data, f.Width, f.Height, d.Shape[2]}
	number, bars := pixels.number(), pixels.bars()
	if !f.Valid() {
		s.Overtaken++
		return nil
	}
	s.Frames++
	s.Skipped += f.Skipped
	// A virtual machine may take a second over a frame.
	if f.Verdict&^reader.Stale != 0 {
		s.BadVerdict++
	}
	if !plausible(f) {
		s.BadTimestamp++
		s.Example = fmt.Sprintf("sequence %d: captured %v, dequeued %v, published %v, age %v", f.Sequence, f.Timestamp, f.Dequeued, f.Published, f.Age())
	}
	if d == s.session {
		s.follow(f, number)
	} else {
		s.begin(f)
	}
	if s.expected != nil {
		s.BarError = max(s.BarError, difference(bars, s.expected))
		s.Bars = bars
	}
	if s.published != 0 {
		s.GapMS = max(s.GapMS, float64((f.Published-s.published).Microseconds())/1000)
	}
	s.published = f.Published
	s.ages = append(s.ages, f.Published-f.Timestamp)
	s.LastSeq, s.number = f.Sequence, number
	s.timestamp = f.Timestamp
	return nil
}

// plausible: the times are of one clock, and in order. The driver's may be
// ahead: vivid stamps a frame with when its last line would have come.
func plausible(f *reader.Frame) bool {
	const near = 2 * time.Second
	return f.Timestamp > f.Dequeued-near && f.Timestamp < f.Dequeued+near && f.Timestamp != f.Dequeued &&
		f.Dequeued <= f.Published && f.Published <= f.Timestamp+f.Age()
}

// begin notes the first frame of a ring.
func (s *Summary) begin(f *reader.Frame) {
	s.session = f.Description
	s.Sessions++
	s.PID, s.FirstSeq = f.Description.PID, f.Sequence
	s.Format = fmt.Sprintf("%dx%d %s", f.Width, f.Height, f.Description.Color)
}

// follow compares a frame with the one before it.
func (s *Summary) follow(f *reader.Frame, number int) {
	if f.Sequence <= s.LastSeq {
		s.BadSequence++
		return
	}
	step := f.Sequence - s.LastSeq
	s.Lost += step - 1 - min(step-1, f.Skipped)
	if s.numbered && (number-s.number)&0xFFFF != int(step&0xFFFF) {
		s.BadNumber++
	}
	if f.Timestamp <= s.timestamp {
		s.BadTimestamp++
	}
	s.intervals = append(s.intervals, (f.Timestamp-s.timestamp)/time.Duration(step))
}

func (s *Summary) finish() {
	s.IntervalMS = quantile(s.intervals, 0.5)
	s.AgeP50MS, s.AgeP99MS = quantile(s.ages, 0.5), quantile(s.ages, 0.99)
}

// quantile is in milliseconds.
func quantile(d []time.Duration, q float64) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, int(float64(len(d))*q))].Microseconds()) / 1000
}
