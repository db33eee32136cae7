package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/agent/queue"
	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
	"github.com/edge-agent/agent/systemd"
)

// stallSlack is what a stage that captures may take beyond the stall deadline.
const stallSlack = 2 * time.Second

// camera runs the pipeline of one camera until a reload or the process ends it: it
// opens the source, streams until that fails, and does what its ladder says.
type camera struct {
	cfg    config.Camera
	ground footing // what it stands on besides
	origin origin
	*annals
	succession
	proc   preproc.Processor
	worker *worker.Processor      // proc, where it is one
	renew  atomic.Pointer[string] // why the worker has to be replaced between two frames
	// processLimit is how long proc may take for a frame, whatever happens.
	processLimit time.Duration

	sinks   []*sink
	images  []*preproc.Image // for Process; one for each sink, nil when not due
	view    *view            // nil for none
	proof   bool             // the image that is made is for nobody
	quality *quality
	prover  prover
	frames  atomic.Pointer[queue.DropOldest[*capture.Frame]] // of the newest session

	// throttle is of the stage that reads.
	throttle throttle
	drift    drift // of the budget
	log      zerolog.Logger
	monitor  *health.Monitor

	evidence   *quarantine.Store         // nil when frames that go wrong are not kept
	flight     *quarantine.Flight        // of the frame that is being preprocessed
	openFlight func() *quarantine.Flight // makes it
	blamed     bool                      // a worker had to go over that frame

	state   atomic.Pointer[State]
	changed func() // called after each change of state, from any goroutine

	// Of the stage that reads.
	firstSequence func() uint64 // see Options
	base          uint64        // what is added to a source's sequence numbers

	// portRecord is the file with the USB port that is being reset; empty when
	// none may be.
	portRecord string
	hangRecord string // the file that says when a process was given up for this camera

	// Of the goroutine that supervises.
	ladder  recovery.Ladder
	refused time.Time                 // since when its device may not be opened; zero when it may
	tried   atomic.Int32              // the rung of the newest failure
	nextTry atomic.Pointer[time.Time] // when wait ends, nil while it does not wait
	barren  barren
	least   *atomic.Int32 // the fallback mode that is opened at best, as the budget has it

	// Of the session, for one stage at a time.
	format     capture.Format
	notes      []string    // what the source has to say of the format and the controls
	fallback   int         // of the modes; 0 is the wanted one
	publishing atomic.Bool // a frame was published since the stream began
	absent     string      // why the camera is not available; empty once it publishes
	unwatched  string      // why devices cannot be watched, as it was told last

	streak int // frames in a row that ended a worker each, of the stage that preprocesses
}

// String names the service for the supervisor.
func (c *camera) String() string { return "camera " + c.cfg.Name }

// Serve implements suture.Service.
func (c *camera) Serve(ctx context.Context) error {
	<-c.serving
	defer c.serving.give()
	if c.over {
		return suture.ErrDoNotRestart
	}
	for {
		if c.parked == nil {
			c.setState(Opening, nil)
		}
		err := c.session(ctx)
		switch {
		case ctx.Err() != nil:
			if !c.succeeded.Load() {
				c.setState(Stopped, nil)
			}
			return ctx.Err()
		case errors.Is(err, io.EOF):
			c.setState(Ended, nil)
			return suture.ErrDoNotRestart
		}
	}
}

// session is one device from its opening to its closing, and the pause before
// the next one.
func (c *camera) session(ctx context.Context) error {
	s := &session{
		pulse:  c.monitor.Pulse(c.cfg.Name+" capture", c.cfg.StallAfter+stallSlack, nil),
		parted: make(chan struct{}), behind: &c.behind,
	}
	defer c.monitor.Remove(s.pulse)
	step, err := c.run(ctx, s)
	if errors.Is(err, context.Canceled) {
		c.park(s)
	}
	if !errors.Is(err, errLost) && s.src != nil {
		err = c.closeSource(ctx, s, err)
	}
	if !errors.Is(err, errLost) && step.Rung == recovery.Reset {
		if e := c.drive(ctx, s, "reset", c.resetPort); errors.Is(e, errLost) {
			err = e
		}
	}
	if errors.Is(err, errLost) {
		return err
	}
	if step.After > 0 {
		_ = c.wait(ctx, s.pulse, step.After) // the end of ctx is looked at anyway
	}
	return err
}

// run opens the device and streams, with the same device for as long as that
// is of use. It says what to do then.
func (c *camera) run(ctx context.Context, s *session) (recovery.Step, error) {
	c.ladder.Least = int(c.least.Load())
	c.fallback = c.ladder.Mode()
	err := c.openSource(ctx, s)
	if err == nil {
		err = contained(func() error { return c.fit(s.src.Format()) })
	}
	for {
		if err == nil {
			err = c.stream(ctx, s)
		}
		switch {
		case err == nil:
			continue // a call came back that was no longer waited for
		case ctx.Err() != nil || errors.Is(err, errLost) || errors.Is(err, io.EOF) || errors.Is(err, errMode):
			return recovery.Step{}, err
		}
		step := c.failed(err, s.src)
		if step.Rung != recovery.Restart {
			return step, err
		}
		if step.After > 0 {
			if err := c.wait(ctx, s.pulse, step.After); err != nil {
				return recovery.Step{}, err
			}
		}
		err = c.drive(ctx, s, "restart the stream", capture.RestarterOf(s.src).Restart)
	}
}

// openSource opens the device for a session, or goes on with the one that its
// predecessor had open.
func (c *camera) openSource(ctx context.Context, s *session) error {
	if c.unpark(s) {
		return nil
	}
	return c.drive(ctx, s, "open", func() (err error) {
		if c.portRecord != "" {
			err = c.welcome()
		}
		if err == nil {
			s.src, err = c.origin.Open(ctx, c.mode())
		}
		return err
	})
}

// closeSource closes the device of a session. It returns why, or that the session is
// lost in it.
func (c *camera) closeSource(ctx context.Context, s *session, why error) error {
	src := s.src
	s.src = nil
	err := c.drive(ctx, s, "close", src.Close)
	if errors.Is(err, errLost) {
		return err
	}
	if err != nil {
		c.log.Warn().Err(err).Msg("closing the camera failed")
	}
	return why
}

// drive makes one call into the driver.
func (c *camera) drive(ctx context.Context, s *session, what string, f func() error) error {
	err := s.simply(ctx, what, f)
	if h, ok := errors.AsType[*hang](err); ok {
		return c.endure(ctx, s, h)
	}
	return err
}

// fit makes the outputs ready for pictures of that format.
func (c *camera) fit(format capture.Format) error {
	for _, s := range c.sinks {
		if err := s.fit(c.cfg.View, format); err != nil {
			return fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err)
		}
	}
	return nil
}

// wait lets time pass between two tries: the full time without a hint, less
// when a device appeared.
func (c *camera) wait(ctx context.Context, pulse *health.Pulse, atMost time.Duration) error {
	pulse.Allow(atMost + stallSlack)
	end := time.Now().Add(atMost)
	c.nextTry.Store(&end)
	defer c.nextTry.Store(nil)
	limited, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if err := c.origin.Wait(limited); err != nil && limited.Err() == nil {
		if reason := err.Error(); reason != c.unwatched {
			c.unwatched = reason
			c.log.Warn().Str("message_id", systemd.MessageDiscoveryFailing).Err(err).Msg("watching for devices failed")
		}
		<-limited.Done()
	}
	return ctx.Err()
}

// workerReplaced counts and tells that the camera's worker had to go. The
// frame that it had is dropped by whoever gave it.
func (c *camera) workerReplaced(r worker.Replacement) {
	c.ledger.replaced.count(r.Reason)
	c.blamed = r.InFrame
	e := c.log.Error().Str("message_id", systemd.MessageStageRestarted).Str("stage", "worker").Str("error", r.Cause).
		Uint64("total", r.Total)
	if r.InFrame {
		e = e.Stringer("drop_reason", r.Reason).Uint64("frame_seq", r.Sequence).Int64("duration_us", r.After.Microseconds())
	}
	if r.Trace != "" {
		e = e.Str("trace", r.Trace)
	}
	e.Msg("worker replaced")
}
