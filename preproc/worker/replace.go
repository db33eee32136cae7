package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// A Replacement is the end of a child.
type Replacement struct {
	Reason preproc.Reason
	// Cause is how it ended, in a line: "SIGKILL", or what the runtime said of
	// a signal that it caught.
	Cause string
	// Trace is what it said last, 40 lines at most, for a bug report.
	Trace string
	// Sequence is that of the frame it worked on, and After how long it had had
	// it; InFrame says that there was one.
	Sequence uint64
	After    time.Duration
	InFrame  bool
	// Total is how many have gone.
	Total uint64
}

// fail replaces the child because of err, and says what that means for the
// frame it had, if any.
func (p *Processor) fail(err error, limit time.Duration, sequence *uint64) error {
	r := Replacement{Reason: preproc.ReasonCrashed}
	if sequence != nil {
		r.Sequence, r.InFrame = *sequence, true
	}
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// The child may still be writing; and there is nothing to report.
		p.child.end()
		p.child = nil
		return err
	case err == errSilent:
		r.Reason, r.Cause = preproc.ReasonTimedOut, fmt.Sprintf("no answer within %v", limit)
	case err != errEnded:
		r.Cause = err.Error()
	}
	cause := p.replace(r)
	return &preproc.Error{Reason: r.Reason, Detail: "worker: " + cause}
}

// replace ends the child, starts the next one, and tells of it. The images
// are the caller's again when it returns.
func (p *Processor) replace(r Replacement) (cause string) {
	if r.InFrame {
		r.After = time.Since(p.asked)
	}
	ended, trace := p.child.end()
	p.child = nil
	p.total++
	r.Trace, r.Total, r.Cause = trace, p.total, cmp.Or(r.Cause, ended)
	_, _ = p.launch() // the next frame tries again, and tells
	if p.cfg.Replaced != nil {
		p.cfg.Replaced(r)
	}
	return r.Cause
}
