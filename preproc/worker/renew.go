package worker

import "github.com/edge-agent/agent/preproc"

// PID is the process ID of the newest child, 0 before the first. It may have
// ended, and its number may be another process's by now: whoever asks from
// another goroutine, which is allowed, looks whose child it is.
func (p *Processor) PID() int { return int(p.pid.Load()) }

// Renew ends a child that does nothing wrong but, say, hold too much memory,
// and starts another one. It is called between frames, as Process is, and costs
// none.
func (p *Processor) Renew(cause string) {
	if p.child != nil {
		p.replace(Replacement{Reason: preproc.ReasonFailed, Cause: cause})
	}
}
