package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// process makes the images that are due of one frame and publishes them. A
// panic costs the frame.
func (c *camera) process(ctx context.Context, f *capture.Frame) {
	sequence, timestamp, dequeued, held, counted := f.Sequence, f.Timestamp, f.Dequeued, f, false
	defer func() {
		if r := recover(); r != nil {
			c.panicked(fmt.Errorf("panic: %v\n%s", r, debug.Stack()), held, sequence, counted)
		}
	}()
	drop := func(d Drop, stage string, err error) {
		counted = true
		c.troubles.dropped(d, stage, sequence, err)
	}
	if !c.due(f.Timestamp) {
		held = nil
		f.Release()
		drop(DropNotDue, "process", nil)
		c.fresh.Store(int64(capture.Monotonic()))
		return
	}
	c.blamed = false
	c.flight.Begin(f)
	began := capture.Monotonic()
	measure, err := c.proc.Process(ctx, f, c.images)
	c.ledger.lap(stagePreprocess, began)
	c.flight.End()
	if err != nil {
		c.keep(f, dropOf(err), err)
	}
	// The driver gets its buffer back before anything is written.
	held = nil
	f.Release()
	if err != nil {
		if c.blamed {
			c.streak++
		}
		drop(dropOf(err), "process", err)
		return
	}
	verdict, changed := c.pass(measure, dequeued, timestamp)
	began = capture.Monotonic()
	err = c.publish(ctx)
	now := c.ledger.lap(stagePublish, began)
	c.tell(changed, sequence)
	if err != nil {
		drop(DropOutput, "publish", err)
		return
	}
	c.quality.count(verdict)
	counted = true
	c.ledger.publish(now)
	c.fresh.Store(int64(now))
	c.streak = 0
	if !c.publishing.Load() {
		c.setState(Publishing, nil)
		c.publishing.Store(true)
	}
	c.ledger.age.Observe(now - dequeued)
	c.ledger.total.Observe(now - timestamp)
}

// panicked ends a frame whose processing panicked, unless it was counted before.
func (c *camera) panicked(err error, held *capture.Frame, sequence uint64, counted bool) {
	if held != nil {
		c.flight.End()
		c.keep(held, DropFailed, err)
		held.Release()
	}
	if counted {
		c.log.Error().Str("message_id", systemd.MessageStageRestarted).Str("stage", "publish").Uint64("frame_seq", sequence).Err(err).
			Msg("panic after a frame was accounted for")
		return
	}
	c.troubles.dropped(DropFailed, "process", sequence, err)
}

// due picks the images to make of a frame of that time.
func (c *camera) due(timestamp time.Duration) bool {
	due := false
	for i, s := range c.sinks {
		c.images[i] = s.next(timestamp)
		due = due || c.images[i] != nil
	}
	return due
}

// publish writes the images that were made. It fails only when no output took any.
func (c *camera) publish(ctx context.Context) error {
	var errs []error
	taken := false
	for i, s := range c.sinks {
		if c.images[i] == nil {
			continue
		}
		if err := s.write(ctx); err != nil {
			errs = append(errs, fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err))
			continue
		}
		taken = true
	}
	if taken {
		return nil
	}
	return errors.Join(errs...)
}

// dropOf is the name of the drop for an error of the preprocessor.
func dropOf(err error) Drop {
	if refused, ok := errors.AsType[*preproc.Error](err); ok {
		return dropOfReason[refused.Reason]
	}
	if errors.Is(err, context.Canceled) {
		return DropShutdown
	}
	return DropFailed
}
