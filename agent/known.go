package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
	"github.com/edge-agent/agent/systemd"
)

// A worker that gave a wrong answer is replaced, and asked again with the next
// frame; one that follows it and is wrong as well, once in wrongPeriod.
const wrongPeriod = time.Second

// unlearntPeriod is after what time it is tried again to learn an answer. It says
// nothing against the camera's worker that it cannot be learnt.
const unlearntPeriod = 10 * time.Second

// A prover sends a known frame through a camera's own worker, soon after the first
// frame that was published and then once a period: in the camera's format, into
// the memory that the camera's images lie in. It is of the stage that preprocesses.
type prover struct {
	known  *worker.Known // nil until it was learnt
	learnt chan lesson   // nil while nobody learns
	// learners are what learns beside the stream, so that no frame waits.
	learners sync.WaitGroup

	next   time.Time
	unlike int   // wrong answers in a row
	wrong  error // the last answer, when it was wrong
}

type lesson struct {
	known *worker.Known
	err   error
}

// proven are the outputs that known frames are made into: all but the view, which
// takes no memory as long as nobody looks.
func (c *camera) proven() []preproc.Spec {
	specs := c.cfg.Specs()
	if c.view != nil {
		return specs[:len(specs)-1]
	}
	return specs
}

// desk is for the one that learns: it takes a process, and all cameras start at
// the same time, with a bound on the threads of all.
var desk = make(chan struct{}, 1)

func (c *camera) lesson(ctx context.Context, f capture.Format) (l lesson) {
	select {
	case desk <- struct{}{}:
		defer func() { <-desk }()
		l.known, l.err = worker.Learn(ctx, c.cfg.View, c.proven(), f)
	case <-ctx.Done():
		l.err = ctx.Err()
	}
	return l
}

// prove does what is due between two frames of that format.
func (c *camera) prove(ctx context.Context, f capture.Format, pulse *health.Pulse) {
	p := &c.prover
	if c.worker == nil || !c.publishing.Load() || time.Now().Before(p.next) {
		return
	}
	if p.known == nil || !p.known.Of(f) {
		c.learn(ctx, f)
		return
	}
	images := make([]*preproc.Image, len(c.sinks))
	for i := range c.proven() {
		images[i] = c.sinks[i].blank()
	}
	pulse.Beat()
	c.proved(c.worker.Verify(ctx, p.known, images))
}

// learn begins to learn what becomes of a frame of that format, or takes what
// was learnt.
func (c *camera) learn(ctx context.Context, f capture.Format) {
	p := &c.prover
	if p.learnt == nil {
		learnt := make(chan lesson, 1)
		p.learnt = learnt
		p.learners.Go(func() { learnt <- c.lesson(ctx, f) })
		return
	}
	select {
	case l := <-p.learnt:
		if p.known, p.learnt = l.known, nil; l.err != nil {
			p.next = time.Now().Add(unlearntPeriod)
		}
	default:
	}
}

// endLessons waits for what learns beside a stream whose context has ended.
func (p *prover) endLessons() {
	p.learners.Wait()
	p.learnt = nil
}

// proved notes an answer to a known frame, and tells when it is another one
// than before.
func (c *camera) proved(err error) {
	p := &c.prover
	if errors.Is(err, context.Canceled) || errors.Is(err, worker.ErrNone) {
		return // nobody answered; what is wrong is told of frames
	}
	was := p.wrong
	p.wrong, p.next = err, time.Now().Add(selfTestPeriod)
	if err == nil {
		p.unlike = 0
	} else if p.unlike++; p.unlike == 1 {
		p.next = time.Time{}
	} else {
		p.known = nil // two against one: it is learnt anew
		p.next = time.Now().Add(wrongPeriod)
	}
	if (was == nil) == (err == nil) {
		return
	}
	if err != nil {
		c.log.Error().Str("message_id", systemd.MessageSelfTestFailed).Str("stage", "worker").Err(err).Msg("worker fails on a known frame")
	} else {
		c.log.Info().Str("message_id", systemd.MessageSelfTestPassed).Str("stage", "worker").Msg("worker passes known frames again")
	}
	s := *c.state.Load()
	c.show(&s)
}
