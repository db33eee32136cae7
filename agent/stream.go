package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/queue"
	"github.com/edge-agent/agent/capture"
)

// processLimit is how long one frame may take in this process before its stage
// counts as stuck. The slowest frame on record, a malformed JPEG, took 0.12 s.
const processLimit = 3 * time.Second

// workerSlack is what the replacement of a worker may take beyond the limits
// for its start and for a frame.
const workerSlack = 500 * time.Millisecond

// stream moves frames from the source to the outputs until one side ends. Two
// stages run side by side, the queue between them; each frame has one holder,
// which hands it on or drops it into the ledger.
func (c *camera) stream(ctx context.Context, s *session) error {
	frames := queue.New[*capture.Frame](c.cfg.Queue.Capacity)
	pending := func() bool { return frames.Stats().Len > 0 }
	c.frames.Store(frames)
	processing := c.monitor.Pulse(c.cfg.Name+" process", c.processLimit, pending)
	defer c.monitor.Remove(processing)

	c.publishing.Store(false)
	c.barren.begin(&c.ledger, time.Now())
	c.format, c.notes, c.streak = s.src.Format(), capture.Notes(s.src), 0
	if c.worker != nil {
		c.worker.ShareFrames(capture.MemoriesOf(s.src))
		defer c.worker.ForgetFrames()
	}
	// A stage that fails ends the other one: the reader by its context, the
	// taker by the end of the queue, which it empties first.
	reading, end := context.WithCancelCause(ctx)
	defer end(nil)
	done := make(chan struct{})
	go func() {
		defer close(done)
		end(contained(func() error { return c.take(ctx, frames, processing) }))
	}()
	err := s.call(ctx, "read", c.cfg.StallAfter+stallSlack,
		func() error { return c.read(reading, s, frames) }, func() { c.improve(end) })
	frames.Close()
	h, hangs := errors.AsType[*hang](err)
	if !hangs { // what the taker does is watched by its own pulse
		s.pulse.Rest()
	}
	<-done
	for f := range frames.Drain() {
		c.drop(f, DropShutdown, "queue", nil)
	}
	if hangs {
		end(nil) // if it comes back, it does not go on
		if err = c.endure(ctx, s, h); errors.Is(err, context.Canceled) && ctx.Err() == nil {
			return nil
		}
		return err
	}
	if cause := context.Cause(reading); errors.Is(err, context.Canceled) && !errors.Is(cause, queue.ErrClosed) {
		return cause
	}
	return err
}

// read is the stage that captures: each frame goes into the queue, or back to
// its source when it is faulty.
func (c *camera) read(ctx context.Context, s *session, frames *queue.DropOldest[*capture.Frame]) error {
	c.throttle.open(s.src)
	for first := true; ; first = false {
		if !c.pace(s) {
			return errLost
		}
		s.enter()
		f, err := s.src.Read(ctx)
		if !s.leave() {
			return c.late(f, err)
		}
		if err != nil {
			return err
		}
		s.pulse.Beat()
		if first && !c.joined {
			c.resume(f.Sequence)
		}
		c.joined = false
		c.last = c.base + f.Sequence
		f.Sequence = c.last
		c.ledger.capture(f)
		if f.Fault != capture.FaultNone {
			c.keep(f, dropOfFault[f.Fault], nil)
			c.drop(f, dropOfFault[f.Fault], "capture", nil)
			continue
		}
		if c.cfg.Queue.Policy != config.Block && !c.throttle.admits(f) {
			c.drop(f, DropSkipped, "capture", nil)
			continue
		}
		if err := c.enqueue(ctx, frames, f, s.pulse); err != nil {
			return err
		}
	}
}

// late ends what Read returned to a session that was lost meanwhile.
func (c *camera) late(f *capture.Frame, err error) error {
	if err == nil {
		c.ledger.capture(f)
		c.drop(f, DropShutdown, "capture", nil)
	}
	return err
}

// resume counts a reopened source on from the last frame of the one before, so
// that sequence numbers never go back.
func (c *camera) resume(sequence uint64) {
	switch {
	case c.ledger.captured.Load() > 0:
		c.base = c.last + 1 - sequence
	case c.firstSequence != nil:
		c.base = c.firstSequence() - sequence
	}
}

// SequenceByClock is a number for the first frame of a camera that is beyond
// all that earlier processes gave, however they ended: CLOCK_MONOTONIC in
// 1/1024 ms, which advances faster than any camera counts. It starts anew with
// the machine. Its last 10 bits are 0, and doubles hold it for 200 years.
func SequenceByClock() uint64 { return uint64(capture.Monotonic()/time.Millisecond) << 10 }

// enqueue applies the policy of the config.
func (c *camera) enqueue(ctx context.Context, frames *queue.DropOldest[*capture.Frame], f *capture.Frame, pulse *health.Pulse) error {
	if c.cfg.Queue.Policy == config.Block {
		pulse.Rest() // the taker's pulse tells when it does not take
		if err := frames.PushWait(ctx, f); err != nil {
			c.drop(f, DropShutdown, "queue", nil)
			return err
		}
		return nil
	}
	if old, evicted := frames.Push(f); evicted {
		c.throttle.evicted++
		c.drop(old, DropEvicted, "queue", nil)
	}
	return nil
}

// take is the stage that preprocesses and publishes.
func (c *camera) take(ctx context.Context, frames *queue.DropOldest[*capture.Frame], pulse *health.Pulse) error {
	proving, end := context.WithCancel(ctx)
	defer c.prover.endLessons()
	defer end()
	for {
		pulse.Rest()
		f, err := frames.Pop(ctx)
		if err != nil {
			return err
		}
		pulse.Beat()
		began := capture.Monotonic()
		c.ledger.taken(f, began)
		c.renewWorker()
		format := f.Format
		c.process(ctx, f)
		c.throttle.worked(capture.Monotonic() - began)
		if err := c.storm(); err != nil {
			return err
		}
		c.prove(proving, format, pulse)
	}
}

// renewWorker replaces the worker between two frames, if it has to be.
func (c *camera) renewWorker() {
	if c.worker == nil {
		return
	}
	if cause := c.renew.Swap(nil); cause != nil {
		c.worker.Renew(*cause)
	}
}

// queued is how many frames wait to be preprocessed.
func (c *camera) queued() int {
	if frames := c.frames.Load(); frames != nil {
		return frames.Stats().Len
	}
	return 0
}

// drop ends a frame that will not be published.
func (c *camera) drop(f *capture.Frame, d Drop, stage string, cause error) {
	sequence := f.Sequence
	f.Release()
	c.troubles.dropped(d, stage, sequence, cause)
}

// contained turns a panic of a stage into its error, so that it costs the
// stage and not the process.
func contained(stage func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return stage()
}
