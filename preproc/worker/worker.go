package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

// Config says what a processor is for. Zero values are the defaults named here.
type Config struct {
	// Name is shown by ps.
	Name  string
	View  preproc.View
	Specs []preproc.Spec
	// Deadline is how long one frame may take, not counting what the child waits
	// for the CPU, up to SlowLimit; 200 ms by default.
	Deadline time.Duration
	// Burst is how many children may be started in quick succession, 8 by
	// default, and Period how long one more takes; 10 times the CPU time of a
	// start by default.
	Burst  int
	Period time.Duration
	// Replaced is called for each child that had to go, by the goroutine that
	// calls Process; it may be nil.
	Replaced func(Replacement)
}

// A Processor is a [preproc.Processor] whose work is done by a child process.
// One goroutine at a time calls it.
type Processor struct {
	cfg    Config
	rate   rate
	closed bool
	total  uint64 // children that have gone

	child *child // nil while there is none
	pid   atomic.Int64

	format   capture.Format // that the plan was made for
	planned  bool
	lens     lens.Lens // for that format
	shapes   []shape
	memories []memory      // the area, and those that are shared
	version  uint64        // of memories
	frame    int           // bytes of the area that are for the frame
	drawn    preproc.Drawn // the mark of output 0 by this child with this plan
	reserve  int           // the least of them for this format

	request request
	answer  answer
	asked   time.Time // when the frame was handed over
}

var _ preproc.Processor = (*Processor)(nil)

// New makes a processor and starts its first child, so that it is ready when
// the first frame is. It reports every fault of the config at once.
func New(cfg Config) (*Processor, error) {
	check, err := preproc.New(cfg.View, cfg.Specs)
	if err != nil {
		return nil, err
	}
	if err := check.Close(); err != nil {
		return nil, err
	}
	cfg.Specs = slices.Clone(cfg.Specs)
	cfg.Deadline = cmp.Or(cfg.Deadline, 200*time.Millisecond)
	p := &Processor{
		cfg:      cfg,
		rate:     newRate(cmp.Or(cfg.Burst, 8), cfg.Period),
		shapes:   make([]shape, len(cfg.Specs)),
		memories: make([]memory, 1),
	}
	births.Hold()
	_, _ = p.launch() // the first frame tries again, and tells
	return p, nil
}

// Close kills the child and gives the memory back. It may be called again.
func (p *Processor) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	if p.child != nil {
		p.child.end()
		p.child = nil
	}
	births.Drop()
	err := p.memories[0].close()
	p.memories = p.memories[:1]
	return err
}

// Process has the child fill the images that are not nil. A child that does not
// answer within the deadline, that dies or that lies is replaced; the error is
// a [preproc.Error] of ReasonTimedOut or ReasonCrashed then, and the images may
// be half written, but by nobody any more. The end of ctx costs the child too.
func (p *Processor) Process(ctx context.Context, f *capture.Frame, images []*preproc.Image) (preproc.Measure, error) {
	return p.process(ctx, askFrame, f, images)
}

func (p *Processor) process(ctx context.Context, what uint64, f *capture.Frame, images []*preproc.Image) (preproc.Measure, error) {
	if err := ctx.Err(); err != nil {
		return preproc.Measure{}, err
	}
	if p.closed {
		return preproc.Measure{}, &preproc.Error{Reason: preproc.ReasonFailed, Detail: "the preprocessor was closed"}
	}
	if err := p.plan(f.Format); err != nil {
		return preproc.Measure{}, err
	}
	if err := p.lay(f, images); err != nil {
		return preproc.Measure{}, err
	}
	if err := p.engage(ctx); err != nil {
		return preproc.Measure{}, err
	}
	if err := p.ask(ctx, what, f.Sequence); err != nil {
		return preproc.Measure{}, err
	}
	p.deliver(f, images)
	return p.answer.Measure, nil
}

// engage waits for a child that is ready.
func (p *Processor) engage(ctx context.Context) error {
	if err := p.refresh(); err != nil {
		return &preproc.Error{Reason: preproc.ReasonCrashed, Detail: err.Error()}
	}
	if p.child == nil {
		if wait, err := p.launch(); err != nil {
			return &preproc.Error{Reason: preproc.ReasonCrashed, Detail: err.Error()}
		} else if wait > 0 {
			return &preproc.Error{Reason: preproc.ReasonCrashed, Detail: fmt.Sprintf(
				"%d workers have gone, the next one starts in %v", p.total, wait.Round(time.Millisecond))}
		}
	}
	if p.child.ready {
		return nil
	}
	n, err := p.child.receive(ctx, &p.answer, p.child.patience(StartLimit, StartLimit))
	if err == nil && (n != len(memoryOf(&p.answer)) || p.answer.Serial != ready || p.answer.Status != done) {
		err = errors.New("worker: not ready, but: " + p.answer.refusal().Detail)
	}
	if err != nil {
		return p.fail(err, StartLimit, nil)
	}
	p.child.ready, p.child.thread = true, int(p.answer.Lengths[0])
	p.rate.cost(p.child.cpuTime())
	return nil
}

// launch starts a child, unless there were too many of late: then it says how
// long to wait.
func (p *Processor) launch() (wait time.Duration, err error) {
	if wait, ok := p.rate.take(); !ok {
		return wait, nil
	}
	return 0, p.spawn()
}

func (p *Processor) spawn() error {
	c, err := start(p.cfg.Name)
	if err != nil {
		return err
	}
	p.child = c
	p.pid.Store(int64(c.pid))
	// What the one before it has written is not to be trusted.
	p.drawn, p.request.Bordered = preproc.NewDrawn(), 0
	return nil
}

// ask sends the frame that was laid out, and waits for its answer. A child
// that was dead before is not this frame's doing: another one gets it.
func (p *Processor) ask(ctx context.Context, what, sequence uint64) error {
	p.request.Ask, p.request.Sequence = what, sequence
	p.request.Serial++
	if err := p.hand(); err != nil {
		failure := p.fail(errEnded, 0, nil)
		if p.child == nil || p.engage(ctx) != nil || p.hand() != nil {
			return failure
		}
	}
	wait := p.child.patience(p.cfg.Deadline, SlowLimit)
	p.asked = wait.began
	n, err := p.child.receive(ctx, &p.answer, wait)
	if err == nil {
		err = p.answer.check(n, &p.request, p.shapes)
	}
	if err != nil {
		if what == askKnown {
			return p.fail(err, p.cfg.Deadline, nil)
		}
		return p.fail(err, p.cfg.Deadline, &sequence)
	}
	if p.answer.Status == done {
		return nil
	}
	refusal := p.answer.refusal()
	if refusal.Reason == preproc.ReasonFailed {
		// Out of memory, or a library that failed: what it left is not trusted.
		p.replace(Replacement{Reason: preproc.ReasonFailed, Cause: refusal.Detail, Sequence: sequence, InFrame: what == askFrame})
	}
	return refusal
}
