package replay

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/capture"
)

const interval = 40 * time.Millisecond

// small is a pattern that costs next to nothing to draw.
var small = Config{Format: capture.GREY, Width: 64, Height: 48, Rate: 25}

// numbered reads a frame of the small pattern and checks its number.
func numbered(t *testing.T, s capture.Source) *capture.Frame {
	t.Helper()
	f := read(t, s)
	if n, ok := ReadFrameNumber(lumaOf(f), 64, 48); !ok || uint64(n) != f.Sequence {
		t.Errorf("frame %d shows number %d, %v", f.Sequence, n, ok)
	}
	return f
}

func TestFramesComeWhenTheyAreDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openPattern(t, small)
		start := capture.Monotonic()
		for i := range 10 {
			f := numbered(t, s)
			due := time.Duration(i) * interval
			if f.Timestamp != start+due || f.Dequeued != f.Timestamp || capture.Monotonic() != f.Timestamp {
				t.Errorf("frame %d: taken at %v, dequeued at %v, want both at %v", i, f.Timestamp-start, f.Dequeued-start, due)
			}
			if f.Sequence != uint64(i) || f.Lost != 0 || f.Format.Interval != interval {
				t.Errorf("frame %d: %+v", i, f)
			}
			f.Release()
		}
	})
}

// A reader takes 100 ms for each frame of 40 ms: what he misses is told, and
// what he gets is the newest.
func TestASlowReaderLosesFramesAndIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openPattern(t, small)
		start := capture.Monotonic()
		var delivered, lost uint64
		for range 50 {
			f := numbered(t, s)
			if delivered++; f.Lost > 0 && f.Dequeued-f.Timestamp >= interval {
				t.Errorf("frame %d came after a loss and is not the newest", f.Sequence)
			}
			lost += f.Lost
			if f.Sequence+1 != delivered+lost {
				t.Fatalf("sequence %d after %d delivered and %d lost", f.Sequence, delivered, lost)
			}
			if f.Timestamp != start+time.Duration(f.Sequence)*interval {
				t.Errorf("frame %d is of %v", f.Sequence, f.Timestamp-start)
			}
			if age := f.Dequeued - f.Timestamp; age < 0 || age >= defaultBuffers*interval {
				t.Errorf("frame %d is %v old when it arrives", f.Sequence, age)
			}
			f.Release()
			time.Sleep(100 * time.Millisecond)
		}
		if lost < 70 || lost > 75 {
			t.Errorf("%d lost beside %d delivered", lost, delivered)
		}
	})
}

// A hiccup that a camera's buffers would have bridged costs nothing; with
// buffers on loan there are fewer to bridge it.
func TestFreeBuffersBridgeAHiccup(t *testing.T) {
	for onLoan, lost := range []uint64{0, 0, 3} {
		synctest.Test(t, func(t *testing.T) {
			s := openPattern(t, small)
			for range onLoan {
				defer numbered(t, s).Release()
			}
			numbered(t, s).Release()
			time.Sleep(3*interval + interval/2) // late for the next by 2.5
			if onLoan == 2 {
				time.Sleep(interval / 2) // and 3, which two buffers do not bridge
			}
			f := numbered(t, s)
			f.Release()
			if f.Lost != lost {
				t.Errorf("%d lost with %d on loan, want %d", f.Lost, onLoan, lost)
			}
		})
	}
}

// After an hour's pause it goes on, instead of rushing through an hour.
func TestALongPauseDelaysTheRecording(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openPattern(t, small)
		numbered(t, s).Release()
		time.Sleep(time.Hour + interval/2)
		f := numbered(t, s)
		if f.Lost != maxPassed || f.Sequence != maxPassed+1 || f.Dequeued-f.Timestamp != interval/2 {
			t.Errorf("frame %d, %d lost, %v old", f.Sequence, f.Lost, f.Dequeued-f.Timestamp)
		}
		f.Release()
		next := numbered(t, s)
		defer next.Release()
		if next.Lost != 0 || next.Timestamp-f.Timestamp != interval {
			t.Errorf("the one after it: %d lost, %v later", next.Lost, next.Timestamp-f.Timestamp)
		}
	})
}

// A rate at which even passing over is too slow.
func TestARateBeyondTheMachineStillGivesFrames(t *testing.T) {
	s := openPattern(t, Config{Rate: 1e8})
	for range 20 {
		f := read(t, s)
		if f.Lost > maxPassed {
			t.Errorf("%d lost", f.Lost)
		}
		f.Release()
	}
}

func TestNoRateIsTooExtremeToComputeWith(t *testing.T) {
	for _, c := range []struct {
		rate float64
		tag  string
		want time.Duration
	}{
		{1e15, "F1:1", time.Microsecond}, {1e-15, "F1:1", time.Hour},
		{0, "F1:2147483647", time.Hour}, {0, "F2147483647:3", time.Microsecond},
	} {
		s, err := NewReader(bytes.NewReader(y4mFile("W4 H2 Cmono "+c.tag, 8, 1)), Config{Rate: c.rate})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Format().Interval; got != c.want {
			t.Errorf("%+v gave %v", c, got)
		}
	}
}

func TestALosslessRecordingWaitsForItsReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := small
		cfg.Lossless = true
		s := openPattern(t, cfg)
		last := capture.Monotonic() - interval
		for i := range 20 {
			f := numbered(t, s)
			if f.Sequence != uint64(i) || f.Lost != 0 || f.Timestamp-last < interval || f.Dequeued != f.Timestamp {
				t.Errorf("frame %d: sequence %d, %d lost, %v after the one before, %v old",
					i, f.Sequence, f.Lost, f.Timestamp-last, f.Dequeued-f.Timestamp)
			}
			last = f.Timestamp
			f.Release()
			if i%4 == 0 {
				time.Sleep(110 * time.Millisecond)
			}
		}
	})
}

func TestUnpacedFramesTakeNoTimeButHaveTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := small
		cfg.Unpaced = true
		s := openPattern(t, cfg)
		start := capture.Monotonic()
		last := start - 1
		for range 100 {
			f := numbered(t, s)
			if f.Timestamp <= last || f.Lost != 0 {
				t.Fatalf("frame %d: %v after %v, %d lost", f.Sequence, f.Timestamp, last, f.Lost)
			}
			if last = f.Timestamp; last-start > 100 {
				t.Fatalf("frame %d is of %v", f.Sequence, last-start)
			}
			f.Release()
		}
		if took := capture.Monotonic() - start; took != 0 {
			t.Errorf("100 frames took %v", took)
		}
	})
}

func TestACancelledReadReturnsAtOnceAndCostsNoFrame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openPattern(t, small)
		numbered(t, s).Release()
		for range 10 { // more often than there are buffers
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			if _, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("a Read that was cancelled gave %v", err)
			}
			if err := ctx.Err(); err == nil {
				t.Fatal("Read returned before the end of its context")
			}
			cancel()
		}
		f := numbered(t, s)
		defer f.Release()
		if f.Sequence != 1 || f.Lost != 0 {
			t.Errorf("then came frame %d with %d lost", f.Sequence, f.Lost)
		}
	})
}

func TestMemoryOnLoanIsNotWrittenTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := small
		cfg.Unpaced, cfg.Buffers = true, 3
		s := openPattern(t, cfg)
		held := numbered(t, s)
		picture := bytes.Clone(held.Planes[0])
		for range 20 {
			numbered(t, s).Release()
		}
		if !bytes.Equal(held.Planes[0], picture) {
			t.Error("the picture changed while it was on loan")
		}
		second, third := numbered(t, s), numbered(t, s)

		// All three are on loan: Read waits, until one is released or ctx ends.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a fourth frame of three: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			second.Release()
		}()
		numbered(t, s).Release()
		third.Release()
		held.Release()
	})
}

func TestFramesOutliveTheirSource(t *testing.T) {
	s, err := Open(t.Context(), Config{Pattern: "bars", Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n, ok := ReadFrameNumber(lumaOf(f), 1280, 720); n != 0 || !ok {
		t.Errorf("read %d, %v", n, ok)
	}
	f.Release()
	if _, err := s.Read(t.Context()); err == nil {
		t.Error("a closed source gave a frame")
	}
}

func TestALoopCountsOn(t *testing.T) {
	file := y4mFile("W4 H2 Cmono", 8, 3)
	s, err := NewReader(bytes.NewReader(file), Config{Loop: true, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		f := read(t, s)
		if f.Sequence != uint64(i) || f.Planes[0][0] != byte('a'+i%3) {
			t.Errorf("frame %d: sequence %d, %q", i, f.Sequence, f.Planes[0])
		}
		f.Release()
	}
	pipe := io.MultiReader(bytes.NewReader(file))
	if _, err := NewReader(pipe, Config{Loop: true}); err == nil || !strings.Contains(err.Error(), "cannot be read a second time") {
		t.Errorf("a pipe in a loop gave %v", err)
	}
}

func TestARecordingEndsWithEOF(t *testing.T) {
	s, err := NewReader(bytes.NewReader(y4mFile("W4 H2 Cmono", 8, 1)), Config{Unpaced: true, Buffers: 1})
	if err != nil {
		t.Fatal(err)
	}
	read(t, s).Release()
	for range 3 {
		if _, err := s.Read(t.Context()); err != io.EOF {
			t.Errorf("after the last frame: %v", err)
		}
	}
}
