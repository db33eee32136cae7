package agent

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/queue"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

// throttleWindow is how often the rate of a camera is looked at.
const throttleWindow = time.Second

// A throttle lets so many of a camera's frames into the queue as may be
// preprocessed: all of them, or with the policy slow-input as many as the
// preprocessor keeps up with, or fewer because the device is short of something.
// A driver that can do so while it streams is asked for fewer frames; of what
// comes all the same, frames are skipped before anybody looks into them.
//
// It is the stage's that reads, but for the atomics.
type throttle struct {
	adaptive bool          // the policy is slow-input
	imposed  *atomic.Int32 // one of so many frames at most; 0 for no limit
	control  queue.Throttle
	steps    atomic.Int32 // one of so many frames is let in; 0 for all

	taken atomic.Int64 // frames that were preprocessed since the window began
	busy  atomic.Int64 // nanoseconds that this took

	began             time.Duration // of the window; 0 before its first frame
	arrived           uint64        // captured or lost by the driver, in the window
	admitted, evicted uint64

	own    time.Duration // between frames, by the mode that was opened
	native time.Duration // as measured while the driver was not asked for fewer
	last   time.Duration // Timestamp of the frame that was let in last
	told   int           // of how many frames one is let in, as logged last

	source capture.Source
	asked  int  // one of so many frames, as its driver was asked for
	paced  bool // it agreed to fewer than the mode has
	refuse bool // it does not change its rate while it streams
}

// open begins with a source: one that was opened anew is in the mode that was
// asked for, one whose stream was restarted is as it was left.
func (t *throttle) open(src capture.Source) {
	t.began, t.told = 0, max(t.told, 1)
	if src == t.source {
		return
	}
	t.source, t.own, t.asked, t.refuse, t.paced = src, src.Format().Interval, 1, false, false
	if t.native == 0 || t.own > 0 {
		t.native = t.own
	}
}

func (t *throttle) effective() int { return max(1, int(t.steps.Load())) }

// worked notes what the preprocessing of a frame took.
func (t *throttle) worked(d time.Duration) {
	t.taken.Add(1)
	t.busy.Add(int64(d))
}

// admits says whether a frame is let in.
func (t *throttle) admits(f *capture.Frame) bool {
	t.arrived += f.Lost
	t.look(f)
	t.arrived++
	// Half of a frame's time is the tolerance: time stamps jitter.
	least := time.Duration(t.effective())*t.native - t.native/2
	if t.effective() > 1 && f.Timestamp-t.last < least && f.Timestamp >= t.last {
		return false
	}
	t.last = f.Timestamp
	t.admitted++
	return true
}

// look ends the window when its time is over, and finds the rate from now on.
func (t *throttle) look(f *capture.Frame) {
	t.control.Impose(int(t.imposed.Load()))
	length := f.Dequeued - t.began
	switch {
	case t.began == 0 || length > 3*throttleWindow: // the camera was away
		t.forget(f.Dequeued)
	case length >= throttleWindow:
		if !t.paced {
			t.native = length / time.Duration(t.arrived)
		}
		if t.adaptive {
			t.control.Observe(queue.Window{
				Interval: t.native, Admitted: t.admitted, Evicted: t.evicted,
				Taken: uint64(t.taken.Load()), Busy: time.Duration(t.busy.Load()),
			})
		}
		t.forget(f.Dequeued)
	}
	t.steps.Store(int32(t.control.Steps()))
}

// forget begins a window.
func (t *throttle) forget(now time.Duration) {
	t.began, t.arrived, t.admitted, t.evicted = now, 0, 0, 0
	t.taken.Store(0)
	t.busy.Store(0)
}

// wish is the interval that the driver should have, ok when it has another.
func (t *throttle) wish() (interval time.Duration, ok bool) {
	steps := t.effective()
	if steps == t.asked || t.refuse || t.native <= 0 {
		return 0, false
	}
	t.asked = steps
	if steps == 1 && t.own > 0 {
		return t.own, true
	}
	return time.Duration(steps) * t.native, true
}

// answered notes what the driver made of a wish.
func (t *throttle) answered(agreed time.Duration, err error) {
	t.refuse = err != nil
	t.paced = err == nil && agreed > t.own
}

// cause is why frames are skipped, in the words of the config.
func (t *throttle) cause() string {
	if int32(t.effective()) == t.imposed.Load() {
		return "limits"
	}
	return "slow-input"
}

// String is what STATUS says of it: nothing while every frame is let in.
func (t *throttle) String() string {
	steps := t.effective()
	if steps == 1 {
		return ""
	}
	return fmt.Sprintf("1 of %d frames (%s)", steps, t.cause())
}

// pace asks the driver for the rate that was found, and tells of it. It says
// false when the session was lost meanwhile.
func (c *camera) pace(s *session) bool {
	if interval, ok := c.throttle.wish(); ok {
		s.enter()
		agreed, err := capture.Pace(s.src, interval)
		if !s.leave() {
			return false
		}
		c.throttle.answered(agreed, err)
	}
	if c.throttle.effective() != c.throttle.told {
		c.tellRate()
	}
	return true
}

// tellRate logs that another part of the camera's frames is let in, and shows it.
func (c *camera) tellRate() {
	t := &c.throttle
	before := t.told
	t.told = t.effective()
	e, id, message := c.log.Info(), systemd.MessageRateRaised, "more frames are taken"
	if t.told > before {
		e, id, message = c.log.Warn(), systemd.MessageRateLowered, "fewer frames are taken"
	}
	by := "driver"
	if !t.paced {
		by = "skipping"
	}
	if t.told == 1 {
		by = "none"
	}
	rate := 0.0
	if t.native > 0 {
		rate = float64(time.Second) / float64(t.native*time.Duration(t.effective()))
	}
	e.Str("message_id", id).Int("one_of", t.effective()).Int("before", before).
		Float64("rate", float64(int(10*rate))/10).Str("by", by).Str("cause", t.cause()).Msg(message)
	c.changed()
}
