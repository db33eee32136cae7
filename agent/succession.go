package agent

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// Annals are what a camera has counted since the process began, or since the
// config has named it: its pipelines follow one another and count on.
type annals struct {
	ledger   Ledger
	troubles troubles                        // of the ledger
	verdicts [preproc.Verdicts]atomic.Uint64 // of published frames
	meter    meter
	past     cameraPast // of the sampler, under the agent's past
	// fresh is when the last frame was published, or was as good as that and not
	// due, in nanoseconds of CLOCK_MONOTONIC.
	fresh  atomic.Int64
	last   uint64       // the newest sequence number; of the stage that reads
	behind atomic.Int32 // calls into the driver that were left behind and still hang
}

// newAnnals begins those of a camera, or goes on with its predecessor's.
func newAnnals(before *camera, log zerolog.Logger) *annals {
	if before != nil {
		return before.annals
	}
	n := &annals{}
	n.troubles.log, n.troubles.ledger = log, &n.ledger
	n.meter.sample(&n.ledger)
	return n
}

// A succession is what one pipeline of a camera leaves to the next one.
type succession struct {
	token   suture.ServiceToken
	serving baton // of who serves it
	over    bool  // it is not to be served again; of who has serving
	// leaving says that it was told to stop, and has not yet.
	leaving atomic.Bool
	awaited bool // a reload goes on with it once it has stopped; of whoever builds
	// succeeded says that another pipeline of the camera follows this one, and
	// bequeaths that it goes on with the same source.
	succeeded, bequeaths atomic.Bool

	// Of the goroutine that serves, and after that of whoever follows.
	parked     *parked
	joined     bool // the first frame is of a source that was parked
	originGone bool // the successor has it
}

// A parked source is open and streams, and nobody reads from it.
type parked struct {
	src      capture.Source
	fallback int    // the mode it was opened in
	base     uint64 // see camera
}

// park leaves the source of a session that was told to end to the next pipeline.
// One whose driver was asked for fewer frames is opened anew.
func (c *camera) park(s *session) {
	if s.src != nil && c.bequeaths.Load() && !c.throttle.paced {
		c.parked = &parked{s.src, c.fallback, c.base}
		s.src = nil
	}
}

// closeParked closes a source that nobody took over. Its driver may hang, which is
// not waited for.
func (c *camera) closeParked() error {
	p := c.parked
	if p == nil {
		return nil
	}
	c.parked = nil
	closed := make(chan error, 1)
	go func() { closed <- p.src.Close() }()
	select {
	case err := <-closed:
		return err
	case <-time.After(stopGrace):
		return fmt.Errorf("close %s: %w", c.cfg.Device.String(), recovery.ErrHang)
	}
}

// unpark goes on with what the predecessor left: the gap in the driver's sequence
// numbers is what was missed.
func (c *camera) unpark(s *session) bool {
	p := c.parked
	if p == nil {
		return false
	}
	c.parked, c.joined = nil, true
	s.src, c.fallback, c.base = p.src, p.fallback, p.base
	return true
}

// follow takes over from the predecessor, which is served no more, what is as good
// as new: an open source, and the outputs whose config is the same, with all who
// are connected to them.
func (c *camera) follow(before *camera) error {
	if was := *before.state.Load(); was.Phase != Ended { // a recording begins anew
		c.state.Store(&was)
	}
	c.absent = before.absent
	if before.bequeaths.Load() {
		err := c.origin.Close()
		c.origin, before.originGone = before.origin, true
		c.parked, before.parked = before.parked, nil
		fallbacks, resets := c.ladder.Fallbacks, c.ladder.Resets
		c.ladder = before.ladder
		c.ladder.Fallbacks, c.ladder.Resets = fallbacks, resets
		if err != nil {
			return err
		}
	}
	for _, s := range c.sinks {
		if old := before.sinkOf(s.cfg.Spec.Name); old != nil && c.keeps(before, s, old) {
			s.adopt(old)
		}
	}
	return nil
}

func (c *camera) sinkOf(output string) *sink {
	for _, s := range c.sinks {
		if s.cfg.Spec.Name == output {
			return s
		}
	}
	return nil
}

// adopt takes over the outputs of another sink for the same images, and the memory
// that these are written into. What it knows of borders is not: see worker.
func (s *sink) adopt(old *sink) {
	s.outputs, s.ailing, s.lender, s.buffer, s.due, s.tap = old.outputs, old.ailing, old.lender, old.buffer, old.due, old.tap
	s.adopted = true
	s.image = preproc.Image{Spec: &s.cfg.Spec, Width: old.image.Width, Height: old.image.Height}
	s.drawn = map[*byte]preproc.Drawn{}
	s.opened.Store(old.opened.Load())
	if m, ok := s.lender.(output.Sharer); ok && s.share != nil {
		s.share(m.Memory())
	}
	// The worker of the old one ends with all that it has mapped.
	old.outputs, old.lender = nil, nil
	old.opened.Store(nil)
}
