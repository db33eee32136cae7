package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/edge-agent/agent/agent/output"
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
	if !c.due(f) {
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
	} else {
		c.view.hold(f)
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
	err = c.publish(ctx, verdict)
	now := c.ledger.lap(stagePublish, began)
	c.tell(changed, sequence)
	switch {
	case errors.Is(err, output.ErrUnwanted):
		drop(DropNotDue, "publish", nil)
	case err != nil:
		drop(DropOutput, "publish", err)
		return
	default:
		c.quality.count(verdict)
		counted = true
		c.ledger.publish(now)
		c.ledger.age.Observe(now - dequeued)
		c.ledger.total.Observe(now - timestamp)
	}
	c.delivers(now)
}

// delivers notes that a frame was good for all that it was wanted for.
func (c *camera) delivers(now time.Duration) {
	c.ledger.sound.Add(1)
	c.fresh.Store(int64(now))
	c.streak = 0
	if !c.publishing.Load() {
		c.setState(Publishing, nil)
		c.publishing.Store(true)
	}
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

// due picks the images to make of a frame. Where it is for nobody but the view
// and is shown as it came, or where no frame has shown yet that the camera
// delivers, an image is made all the same, as a proof that the frame is good.
func (c *camera) due(f *capture.Frame) bool {
	due, viewed := false, false
	for i, s := range c.sinks {
		c.images[i] = s.next(f.Timestamp)
		if c.images[i] == nil {
			continue
		}
		if viewed = c.view != nil && s == c.view.sink && c.view.passes(c.cfg.View, f); viewed {
			c.images[i] = nil
			continue
		}
		due = true
	}
	c.view.begin(viewed)
	if c.proof = !due && (viewed || !c.publishing.Load()); c.proof {
		c.images[0] = c.sinks[0].blank()
	}
	return due || c.proof
}

// publish writes the images that were made. It fails only when no output took
// any: with [output.ErrUnwanted] when none had a use for one.
func (c *camera) publish(ctx context.Context, verdict preproc.Verdict) error {
	var errs []error
	taken := c.view.show(verdict) == nil
	for i, s := range c.sinks {
		if c.images[i] == nil || c.proof {
			continue
		}
		switch err := s.write(ctx); err {
		case nil:
			taken = true
		case output.ErrUnwanted:
		default:
			errs = append(errs, fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err))
		}
	}
	switch {
	case taken:
		return nil
	case len(errs) == 0:
		return output.ErrUnwanted
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
