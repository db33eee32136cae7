package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/agent/queue"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
	"github.com/edge-agent/agent/systemd"
)

// Between two tries to open a camera. The wait ends early when a device appears.
const (
	retryFirst = 100 * time.Millisecond
	retryMax   = 2 * time.Second
	// steady is how long a stream must have lasted for its end to be news.
	steady = 10 * time.Second
)

// stallSlack is what a stage that captures may take beyond the stall deadline.
const stallSlack = 2 * time.Second

// kernelPatience is how long a call into the driver may take before the camera
// counts as stuck. uvcvideo alone waits 5 s for a control request.
const kernelPatience = 30 * time.Second

// An origin is where a camera's frames come from.
type origin interface {
	// Open blocks for as long as the driver does.
	Open(ctx context.Context) (capture.Source, error)
	// Wait returns when opening may succeed where it failed before, at the
	// latest at the end of ctx.
	Wait(ctx context.Context) error
	Close() error
}

// camera runs the pipeline of one camera for as long as the process lives:
// it opens the source, streams until that fails, and opens it again.
type camera struct {
	cfg    config.Camera
	origin origin
	proc   preproc.Processor
	worker *worker.Processor      // proc, where it is one
	renew  atomic.Pointer[string] // why the worker has to be replaced between two frames
	// processLimit is how long proc may take for a frame, whatever happens.
	processLimit time.Duration

	sinks   []*sink
	images  []*preproc.Image // for Process; one for each sink, nil when not due
	quality *quality
	frames  atomic.Pointer[queue.DropOldest[*capture.Frame]] // of the newest session

	// throttle is of the stage that reads.
	throttle throttle
	log      zerolog.Logger
	monitor  *health.Monitor

	evidence *quarantine.Store  // nil when frames that go wrong are not kept
	flight   *quarantine.Flight // of the frame that is being preprocessed
	blamed   bool               // a worker had to go over that frame

	ledger   Ledger
	troubles troubles
	state    atomic.Pointer[State]
	changed  func() // called after each change of state, from any goroutine

	// Of the stage that reads.
	firstSequence func() uint64 // see Options
	base          uint64        // what is added to a source's sequence numbers
	last          uint64        // the newest sequence number that was read

	// Of the session, for one stage at a time.
	format capture.Format
	notes  []string // what the source has to say of the format and the controls
	live   bool     // a frame of this session was published
	lost   string   // why the camera is not available; empty once it publishes
}

// String names the service for the supervisor.
func (c *camera) String() string { return "camera " + c.cfg.Name }

// Serve implements suture.Service.
func (c *camera) Serve(ctx context.Context) error {
	pulse := c.monitor.Pulse(c.cfg.Name+" capture", c.cfg.StallAfter+stallSlack, nil)
	defer c.monitor.Remove(pulse)
	retry := retryFirst
	for {
		c.setState(Opening, nil)
		began := time.Now()
		err := c.session(ctx, pulse)
		switch {
		case ctx.Err() != nil:
			c.setState(Stopped, nil)
			return ctx.Err()
		case errors.Is(err, io.EOF):
			c.setState(Ended, nil)
			return suture.ErrDoNotRestart
		}
		if time.Since(began) > steady {
			retry = retryFirst
		}
		c.setState(Waiting, err)
		if err := c.wait(ctx, pulse, jitter(retry)); err != nil {
			c.setState(Stopped, nil)
			return err
		}
		retry = min(2*retry, retryMax)
	}
}

// session opens the source, streams, and closes it. Calls into the driver may
// hang for ever: they hold up this camera only, and the pulse tells.
func (c *camera) session(ctx context.Context, pulse *health.Pulse) error {
	pulse.Allow(kernelPatience)
	src, err := c.origin.Open(ctx)
	if err != nil {
		return err
	}
	defer func() {
		pulse.Allow(kernelPatience)
		if err := src.Close(); err != nil {
			c.log.Warn().Err(err).Msg("closing the camera failed")
		}
	}()
	for _, s := range c.sinks {
		if err := s.fit(c.cfg.View, src.Format()); err != nil {
			return fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err)
		}
	}
	return c.stream(ctx, src, pulse)
}

// wait lets time pass between two tries: the full time without a hint, less
// when a device appeared.
func (c *camera) wait(ctx context.Context, pulse *health.Pulse, atMost time.Duration) error {
	pulse.Rest()
	limited, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	if err := c.origin.Wait(limited); err != nil && limited.Err() == nil {
		c.log.Warn().Err(err).Msg("watching for devices failed")
		<-limited.Done()
	}
	return ctx.Err()
}

// jitter spreads the tries of several cameras on one bus.
func jitter(d time.Duration) time.Duration {
	return d*4/5 + rand.N(d*2/5)
}

// openSinks opens the outputs whose size does not depend on the camera's, so
// that consumers may connect before it is there.
func (c *camera) openSinks() error {
	for _, s := range c.sinks {
		if s.cfg.Spec.Width == 0 {
			continue
		}
		// Without the view: whether a crop fits shows when there is a picture.
		if err := s.fit(preproc.View{}, capture.Format{}); err != nil {
			return fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err)
		}
	}
	return nil
}

// openProcessor makes what preprocesses, where the config wants it.
func (c *camera) openProcessor(isolation config.Isolation) (err error) {
	if isolation == config.None {
		c.processLimit = processLimit
		c.proc, err = preproc.New(c.cfg.View, c.cfg.Specs())
		return err
	}
	c.processLimit = worker.StartLimit + worker.SlowLimit + workerSlack
	p, err := worker.New(worker.Config{
		Name: c.cfg.Name, View: c.cfg.View, Specs: c.cfg.Specs(), Deadline: c.cfg.ProcessDeadline, Replaced: c.workerReplaced,
	})
	if err != nil {
		return err
	}
	c.proc, c.worker = p, p
	for _, s := range c.sinks {
		s.share, s.forget = p.Share, p.Forget
	}
	return nil
}

// workerReplaced counts and tells that the camera's worker had to go. The
// frame that it had is dropped by whoever gave it.
func (c *camera) workerReplaced(r worker.Replacement) {
	c.ledger.replaced.Add(1)
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

// close gives back what newCamera took. The camera must not be served any more.
func (c *camera) close() error {
	errs := []error{c.origin.Close(), c.proc.Close(), c.flight.Close()}
	for _, s := range c.sinks {
		errs = append(errs, s.close())
	}
	return errors.Join(errs...)
}
