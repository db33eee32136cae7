package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

// udevTime is how long permissions may be wrong when a node appears: the kernel
// makes it, and udev hands it to its group a moment later.
const udevTime = time.Second

// stormAfter is how many frames in a row may end a worker each before the
// camera is taken for the cause.
const stormAfter = 5

// errMode ends a stream that is to go on in another mode.
var errMode = errors.New("another mode is opened")

// mode is what to open the camera in.
func (c *camera) mode() capture.Request {
	return c.modeOf(c.ladder.Mode())
}

// modeOf is fallback mode n, or with 0 the wanted one.
func (c *camera) modeOf(n int) capture.Request {
	if n > 0 {
		return c.cfg.Fallback[n-1]
	}
	return c.cfg.Mode
}

// failed notes a failure and decides what is done next. Each step on another
// rung is told.
func (c *camera) failed(err error, src capture.Source) recovery.Step {
	if !c.settling(err) {
		c.setState(Waiting, err)
	}
	cause := recovery.CauseOf(err)
	if cause == recovery.Broken && (src == nil || capture.RestarterOf(src) == nil) {
		cause = recovery.Failed
	}
	step := c.ladder.Failed(cause, time.Now())
	c.ledger.recoveries[step.Rung].Add(1)
	c.tried.Store(int32(step.Rung))
	if step.News {
		c.tellStep(step, err)
	}
	return step
}

// settling says that the camera has only just appeared, and udev may be about
// to change its permissions.
func (c *camera) settling(err error) bool {
	if !errors.Is(err, capture.ErrPermission) {
		c.refused = time.Time{}
		return false
	}
	if c.refused.IsZero() {
		c.refused = time.Now()
	}
	return time.Since(c.refused) < udevTime
}

func (c *camera) tellStep(step recovery.Step, err error) {
	e := c.log.Warn().Err(err).Stringer("rung", step.Rung)
	switch step.Rung {
	case recovery.Wait:
		if errors.Is(err, recovery.ErrHang) {
			e.Dur("for", step.After).Str("message_id", systemd.MessageRecoveryStep).
				Msg("the driver hangs again, and the other cameras are spared a restart")
		} // else the state says it
	case recovery.Reset: // an event of its own says what came of it
	case recovery.Lower:
		e.Str("message_id", systemd.MessageModeLowered).Str("mode", c.mode().String()).Int("fallback", step.Mode).
			Msg("camera goes down to a fallback mode")
	default:
		if step.Of > 0 {
			e = e.Int("tries", step.Of)
		}
		e.Str("message_id", systemd.MessageRecoveryStep).Msg("camera failed, next remedy")
	}
}

// improve is called while the camera streams. What it decides ends the stream.
func (c *camera) improve(end func(error)) {
	now := time.Now()
	if c.publishing.Load() {
		c.ladder.Published(now)
	}
	c.ladder.Least = int(c.least.Load())
	if settled, _ := c.ladder.Improve(now); settled {
		c.log.Info().Str("message_id", systemd.MessageRecoverySettled).Msg("camera holds again")
	}
	if mode := c.ladder.Mode(); mode != c.fallback {
		e, id, message := c.log.Info(), systemd.MessageModeRaised, "camera is tried in a better mode"
		if mode > c.fallback {
			e, id, message = c.log.Warn().Str("error", "the device is short of something"), systemd.MessageModeLowered, "camera goes down to a fallback mode"
		}
		e.Str("message_id", id).Str("mode", c.mode().String()).Int("fallback", mode).Msg(message)
		end(errMode)
	}
	if err := c.barren.look(&c.ledger, now); err != nil && c.cfg.Device.Live() {
		end(err)
	}
}

// endure waits for a call that hangs, and returns its error when it returns, or
// errLost: the camera stops, or was found at another node.
func (c *camera) endure(ctx context.Context, s *session, h *hang) error {
	began := time.Now()
	var next <-chan time.Time
	if ctx.Err() == nil {
		next = c.remedy(s, h)
	}
	tick := time.NewTicker(lookPeriod)
	defer tick.Stop()
	elsewhere := c.elsewhere(ctx)
	for {
		select {
		case err := <-h.done:
			c.log.Info().Str("call", h.what).Int64("duration_us", time.Since(began).Microseconds()).Msg("the driver returned after all")
			return err
		case <-next:
			next = c.remedy(s, h)
		case <-tick.C:
			if s.pulse.Silent() > kernelPatience {
				c.giveUp()
			}
			if found := c.behind.Load() < maxBehind && elsewhere(); found && s.part() {
				c.log.Warn().Str("message_id", systemd.MessageDriverHangs).Str("call", h.what).Int32("left_behind", c.behind.Load()).
					Msg("the camera is found elsewhere: the call that hangs is left behind")
				return errLost
			}
		case <-ctx.Done():
			if s.part() {
				c.log.Warn().Str("message_id", systemd.MessageDriverHangs).Str("call", h.what).Msg("stopped without the driver's answer")
				return errLost
			}
			return <-h.done
		}
	}
}

// remedy does what there is to be done against a call that hangs, and says when
// it is time for the next remedy.
func (c *camera) remedy(s *session, h *hang) <-chan time.Time {
	switch step := c.failed(h, nil); step.Rung {
	case recovery.Reset: // when its device leaves, a call may return
		s.pulse.Allow(kernelPatience)
		// Not even this may be waited for: it takes the locks of the same drivers.
		go func() { _ = c.resetPort() }() // it says itself what comes of it
		return time.After(hangAfter)
	case recovery.Wait:
		s.pulse.Rest()
		return time.After(step.After)
	}
	return nil // the session's pulse runs out
}

// giveUp notes that the process is given up for this camera, also for the next
// one: see [recovery.ProcessPeriod]. The clock is that of the time since boot, as
// the directory is one that no boot outlives.
func (c *camera) giveUp() {
	if !c.ladder.Given.IsZero() && time.Since(c.ladder.Given) < recovery.ProcessPeriod {
		return
	}
	c.ladder.Given = time.Now()
	if err := os.WriteFile(c.hangRecord, strconv.AppendInt(nil, int64(capture.Monotonic()), 10), 0o600); err != nil {
		c.log.Warn().Str("message_id", systemd.MessageDriverHangs).Err(err).Msg("the next process will not know of the driver that hangs")
	}
}

// givenUp is when a process was last given up for this camera, zero for never.
func (c *camera) givenUp() time.Time {
	b, err := os.ReadFile(c.hangRecord)
	if err != nil {
		return time.Time{}
	}
	at, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil {
		return time.Time{} // cut short when the process died: it was not long ago, and will be told again
	}
	return time.Now().Add(time.Duration(at) - capture.Monotonic())
}

// elsewhere gives a function that says whether the camera was found at another
// node than the one that hangs. It does not wait: the look-up may open nodes
// and hang as well, and is done on a goroutine of its own, one at a time.
func (c *camera) elsewhere(ctx context.Context) func() bool {
	moved, found, looking := make(chan bool, 1), false, false
	return func() bool {
		select {
		case found = <-moved:
			looking = false
		default:
		}
		if !looking && !found && ctx.Err() == nil {
			looking = true
			go func() { moved <- c.origin.Moved() }()
		}
		return found
	}
}

// storm is the error of the stage that preprocesses when no frame gets through.
// A recording is what it is: it is not at fault for what it shows.
func (c *camera) storm() error {
	if c.streak < stormAfter || !c.cfg.Device.Live() {
		return nil
	}
	return fmt.Errorf("%w: %d frames in a row ended it", recovery.ErrStorm, c.streak)
}
