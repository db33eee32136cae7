package agent

import (
	"fmt"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// A Phase is what a camera is doing.
type Phase uint8

const (
	// Opening: the device is being looked for, opened and configured.
	Opening Phase = iota
	// Publishing: frames arrive and leave.
	Publishing
	// Waiting: the device is absent, busy or failed; it is tried again.
	Waiting
	// Ended: a recording came to its end.
	Ended
	// Stopped: the agent was told to stop.
	Stopped
)

func (p Phase) String() string {
	return [...]string{"opening", "publishing", "waiting", "ended", "stopped"}[p]
}

// A State is a camera's phase, the reason for it, and when it began.
type State struct {
	Phase Phase
	Err   error // of Waiting
	Since time.Time
	// Format is what the source delivers, empty before it was open.
	Format string
	// Fallback is the mode it runs in: 0 is the wanted one, n the n-th of
	// Fallbacks.
	Fallback, Fallbacks int
	// Verdict is what has lastingly been wrong with its pictures, and BadSince
	// since when, unless it is Good.
	Verdict  preproc.Verdict
	BadSince time.Time
	// Wrong is how its worker failed on a known frame, nil since it passed.
	Wrong error
}

// Healthy says that the camera publishes good frames.
func (s State) Healthy() bool {
	return s.Phase == Publishing && s.Verdict == preproc.Good && s.Wrong == nil
}

// String is the state in a line of STATUS.
func (s State) String() string {
	text := s.Phase.String()
	if s.Phase == Publishing && s.Fallback > 0 {
		text += fmt.Sprintf(", fallback %d of %d", s.Fallback, s.Fallbacks)
	}
	switch {
	case s.Err != nil:
		return fmt.Sprintf("%s (%v)", text, s.Err)
	case s.Phase == Publishing && s.Wrong != nil:
		return fmt.Sprintf("%s, not to be trusted (%v)", text, s.Wrong)
	case s.Phase == Publishing && s.Verdict != preproc.Good:
		return fmt.Sprintf("%s, %v for %v", text, s.Verdict, time.Since(s.BadSince).Round(time.Second))
	}
	return text
}

// setState notes a change and logs what an operator wants to know of it: that
// a camera publishes, that it is lost and why, that it is back. Tries that
// fail for the same reason again are not news. The two stages of a camera call
// it, never at the same time.
func (c *camera) setState(p Phase, err error) {
	if p == Opening && c.absent != "" {
		return // still lost, until a try succeeds
	}
	c.logState(p, err)
	since := time.Now()
	if before := c.state.Load(); before.Phase == p {
		since = before.Since // another try that failed
	}
	c.show(&State{Phase: p, Err: err, Since: since})
}

// show makes s the state, completed by how the pictures and the worker are.
func (c *camera) show(s *State) {
	s.Verdict, s.Fallback, s.Fallbacks = c.quality.lasting, c.fallback, len(c.cfg.Fallback)
	s.Wrong = c.prover.wrong
	if c.format.Width > 0 {
		s.Format = c.format.String()
	}
	s.BadSince = time.Now().Add(c.quality.since() - capture.Monotonic())
	c.state.Store(s)
	c.changed()
}

func (c *camera) logState(p Phase, err error) {
	switch p {
	case Publishing:
		id, message := systemd.MessageCameraPublishing, "camera publishes"
		if c.absent != "" {
			id, message = systemd.MessageCameraRecovered, "camera publishes again"
		}
		c.absent = ""
		e := c.log.Info().Str("message_id", id).Stringer("device", &c.cfg.Device).Stringer("format", c.format)
		if len(c.notes) > 0 {
			e = e.Strs("notes", c.notes)
		}
		e.Msg(message)
	case Waiting:
		reason := err.Error()
		if reason == c.absent {
			c.log.Debug().Err(err).Msg("camera still not available")
			return
		}
		c.absent = reason
		c.log.Warn().Str("message_id", systemd.MessageCameraLost).Err(err).Msg("camera not available, trying again")
	case Ended:
		c.log.Info().Msg("recording at its end")
	}
}

// unitStatus is the STATUS line for systemd: the first line of agent status, and
// every camera in a few words.
func (a *Agent) unitStatus() string {
	s := a.Status()
	line := s.Headline
	if worst := s.Worst(); worst != nil && worst.Since != nil {
		line += " since " + status.Clock(*worst.Since, s.Time)
	}
	return line + "; " + a.statusLine()
}

// statusLine is what is short, and every camera in a few words.
func (a *Agent) statusLine() string {
	var parts []string
	if err := a.untrusted.Load(); err != nil {
		first, _, _ := strings.Cut((*err).Error(), "\n")
		parts = append(parts, first)
	}
	if refusal := a.refusal(); refusal != "" {
		parts = append(parts, refusal)
	}
	if short := a.budget.String(); short != "" {
		parts = append(parts, short)
	}
	cameras := a.list()
	if len(cameras) == 0 {
		parts = append(parts, "no camera configured")
	}
	for _, c := range cameras {
		part := c.cfg.Name + ": " + c.state.Load().String()
		if rate := c.throttle.String(); rate != "" {
			part += ", " + rate
		}
		if slow := c.drift.String(); slow != "" {
			part += ", " + slow
		}
		parts = append(parts, part)
	}
	if a.lastWords != "" {
		parts = append(parts, "the process before was stuck, "+a.lastWords)
	}
	return strings.Join(parts, "; ")
}

// summary logs the account of a camera, as the last thing that is said of it.
func (c *camera) summary() {
	a := c.ledger.Account()
	e := c.log.Info()
	balanced := a.Balanced()
	if balanced != nil || a.InFlight != 0 {
		e = c.log.Error().AnErr("error", balanced)
	}
	e = e.Str("message_id", systemd.MessageStopped).Uint64("captured", a.Captured).Uint64("kernel_lost", a.KernelLost).
		Uint64("published", a.Published).Int64("in_flight", a.InFlight).
		Uint64("workers_replaced", c.ledger.replaced.Load()).
		Int64("age_p50_us", c.ledger.age.Quantile(0.5).Microseconds()).
		Int64("age_p99_us", c.ledger.age.Quantile(0.99).Microseconds())
	for _, name := range dropNames {
		if n := a.Dropped[name]; n > 0 {
			e = e.Uint64("dropped_"+strings.ReplaceAll(name, "-", "_"), n)
		}
	}
	for r := range c.ledger.recoveries {
		if n := c.ledger.recoveries[r].Load(); n > 0 {
			e = e.Uint64("recoveries_"+strings.ReplaceAll(recovery.Rung(r).String(), "-", "_"), n)
		}
	}
	for name, n := range c.quality.counted() {
		e = e.Uint64("verdict_"+strings.ReplaceAll(name, "-", "_"), n)
	}
	e.Msg("accounting")
}
