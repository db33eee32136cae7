package agent

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/status"
)

// maxReason bounds what a status says of an error.
const maxReason = 300

var boundsSeconds = func() (b []float64) {
	for _, d := range health.Steps {
		b = append(b, d.Seconds())
	}
	return b
}()

// Status is how the agent and its cameras are now. Any goroutine may ask, at any
// time: it reads what the stages leave behind, and waits for none of them, nor for
// the kernel.
func (a *Agent) Status() status.Status {
	now := time.Now()
	s := status.Status{
		Time: now, Version: a.Version, Started: a.started, UptimeSeconds: now.Sub(a.started).Seconds(),
		LastWords: a.lastWords, BoundsSeconds: boundsSeconds,
		Cameras: []status.Camera{}, Reasons: []status.Reason{}, Config: *a.taken.Load(),
	}
	s.Resources = a.budget.resources(a.budget.use())
	s.Resources.WatchdogPings, s.Resources.WatchdogSeconds = a.guard.Pings(), a.Watchdog.Seconds()
	s.Log = a.verbosity.status()
	if a.LogCounts != nil {
		s.Log.LeftOut, s.Log.Lost = a.LogCounts()
	}
	if site := a.web.Load(); site != nil {
		h := status.HTTP(site.Stats())
		s.HTTP = &h
	}
	if a.control != nil {
		h := status.HTTP(a.control.Stats())
		s.Control = &h
	}
	for _, c := range a.list() {
		s.Cameras = append(s.Cameras, c.status(a.budget))
	}
	a.judge(&s)
	return s
}

// judge says what of it is good.
func (a *Agent) judge(s *status.Status) {
	tell := func(kind, camera, text string, since *time.Time) {
		s.Reasons = append(s.Reasons, status.Reason{Kind: kind, Camera: camera, Text: text, Since: since})
	}
	s.Alive, s.Ready = true, true
	if silent := a.silent.Load(); silent != nil {
		s.Alive = false
		tell(status.Failed, "", "a stage is stuck: "+brief(silent.err), &silent.since)
	}
	trusted := true
	if wrong := a.untrusted.Load(); wrong != nil {
		trusted = false
		tell(status.Failed, "", brief(*wrong), nil)
	}
	for i := range s.Cameras {
		if c := &s.Cameras[i]; !c.Healthy {
			s.Ready = false
			tell(status.Failed, c.Name, c.Reason, c.ReasonSince)
		}
	}
	s.Healthy = s.Alive && s.Ready && trusted
	failed := len(s.Reasons)
	if refusal := a.refusal(); refusal != "" {
		tell(status.Degraded, "", refusal, nil)
	}
	if short := a.budget.String(); short != "" {
		tell(status.Degraded, "", short, nil)
	}
	for i := range s.Cameras {
		for _, text := range shortcomings(&s.Cameras[i]) {
			tell(status.Degraded, s.Cameras[i].Name, text, nil)
		}
	}
	s.Degraded = len(s.Reasons) > failed
	a.known.since(s)
	_, s.Headline = s.Words()
}

// firsts remember since when there is a reason that has no time of its own: whoever
// takes a status notes it, and the sampler takes one in each window.
type firsts struct {
	mu sync.Mutex
	at map[status.Reason]time.Time
}

// since completes the reasons of a status, and forgets those that are no more.
func (f *firsts) since(s *status.Status) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := make(map[status.Reason]time.Time, len(s.Reasons))
	for i := range s.Reasons {
		r := &s.Reasons[i]
		if r.Since != nil {
			continue
		}
		began, ok := f.at[*r]
		if !ok {
			began = s.Time
		}
		at[*r], r.Since = began, &began
	}
	f.at = at
}

// shortcomings are what a camera has less of than the config asks for.
func shortcomings(c *status.Camera) (texts []string) {
	if c.Fallback > 0 {
		texts = append(texts, fmt.Sprintf("fallback %d of %d: %s", c.Fallback, c.Fallbacks, c.Mode))
	}
	for _, text := range []string{c.Throttle, c.Drift} {
		if text != "" {
			texts = append(texts, text)
		}
	}
	for _, o := range c.Outputs {
		if o.Error != "" {
			texts = append(texts, fmt.Sprintf("output %s: %s", o.Name, o.Error))
		}
	}
	return texts
}

// brief is an error in a line.
func brief(err error) string {
	if err == nil {
		return ""
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	first = strings.ToValidUTF8(first, "?")
	if len(first) <= maxReason {
		return first
	}
	return strings.ToValidUTF8(first[:maxReason], "") + "..."
}

// resources are what is held as of the last measurement.
func (b *budget) resources(u *usage) status.Resources {
	r := status.Resources{
		MemoryBytes: u.private + u.shared, MemorySharedBytes: u.shared, MemoryLimitBytes: b.limits.Load().Memory,
		Descriptors: u.descriptors, DescriptorsLimit: int(b.descriptors.limit),
		Threads: u.threads, ThreadsLimit: int(b.threads.limit),
		Goroutines: u.goroutines, TemperatureLimit: float64(b.limits.Load().Temperature),
	}
	r.Leaking = []string{}
	for _, name := range status.Leaks {
		if b.leaking(series{resource: name}) {
			r.Leaking = append(r.Leaking, name)
		}
	}
	if u.celsius != 0 {
		r.TemperatureCelsius = &u.celsius
	}
	return r
}
