package agent

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
)

// A call into a driver may never return. None is made on the goroutine that
// supervises the camera: that one waits for it, and sees how long it takes.
const (
	// lookPeriod is how often that is looked at.
	lookPeriod = time.Second
	// hangAfter is after what time a call hangs. uvcvideo alone waits 5 s for
	// each control request, and a camera that answers none of them costs several.
	hangAfter = 15 * time.Second
	// kernelPatience is after what time it is a matter for the watchdog.
	kernelPatience = 30 * time.Second
	// stopGrace is how long it may take when the camera is to stop.
	stopGrace = 600 * time.Millisecond
	// maxBehind is how many calls that hang a camera may leave behind. Each holds
	// a thread, a descriptor and the driver's buffers for as long as it hangs.
	maxBehind = 3
)

// Where the goroutine of a session is.
const (
	outside int32 = iota
	inDriver
	lost // in the driver, and nobody waits for it any more
)

// A session is one device from its opening to its closing, and the goroutines
// that call into its driver, one after the other.
type session struct {
	pulse  *health.Pulse
	src    capture.Source // once it is open, until it is closed
	where  atomic.Int32
	parted chan struct{} // closed when the session is lost
	behind *atomic.Int32 // how many sessions of the camera are lost
}

// enter and leave stand around what calls into the driver. leave says false
// when the session was lost meanwhile: then the camera is another's, and all
// that may be touched is the source.
func (s *session) enter() {
	s.pulse.Allow(kernelPatience)
	s.where.Store(inDriver)
}

func (s *session) leave() bool { return s.where.CompareAndSwap(inDriver, outside) }

// errLost is the end of a session whose call into the driver was left behind.
var errLost = errors.New("left behind in the driver")

// A hang is a call into the driver that has not returned.
type hang struct {
	what string
	done <-chan error
}

func (h *hang) Error() string { return h.what + ": " + recovery.ErrHang.Error() }
func (h *hang) Unwrap() error { return recovery.ErrHang }

// call runs f, which calls into the driver, on a goroutine of its own. It
// returns f's error, or a [hang] when f is in the driver for longer than limit,
// or does not return soon when the camera is to stop, which is ctx's end.
// Meanwhile look is called.
func (s *session) call(ctx context.Context, what string, limit time.Duration, f func() error, look func()) error {
	done := make(chan error)
	go func() {
		err := contained(f)
		select {
		case done <- err:
		case <-s.parted: // too late: nobody else closes it
			if s.src != nil {
				_ = s.src.Close()
			}
			s.behind.Add(-1)
		}
	}()
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-tick.C:
			if look != nil {
				look()
			}
			if s.pulse.Silent() > limit {
				return &hang{what, done}
			}
		case <-ctx.Done():
			return s.grace(what, done)
		}
	}
}

// grace is the time that a call has to return when the camera is to stop.
func (s *session) grace(what string, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-time.After(stopGrace):
		return &hang{what, done}
	}
}

// simply is call for what is one call into the driver.
func (s *session) simply(ctx context.Context, what string, f func() error) error {
	s.enter()
	return s.call(ctx, what, hangAfter, func() error {
		defer s.leave()
		return f()
	}, nil)
}

// part leaves a call that hangs behind, with all that it may still touch. It
// says false when the call is just about to return.
func (s *session) part() bool {
	if !s.where.CompareAndSwap(inDriver, lost) {
		return false
	}
	s.behind.Add(1)
	close(s.parted)
	return true
}
