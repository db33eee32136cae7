package agent

import (
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/history"
	"github.com/edge-agent/agent/agent/status"
)

// The past is the memory of the last hour. The sampler writes it.
type past struct {
	mu     sync.Mutex
	at     time.Time // of the newest point
	memory history.Series
}

// A camera's past is its rates and ages: 6 kB.
type cameraPast struct {
	captureRate, publishRate, p50, p99 history.Series
	last                               mark
}

// remember adds a point for the agent and each camera.
func (a *Agent) remember() {
	a.past.mu.Lock()
	defer a.past.mu.Unlock()
	a.past.at = time.Now()
	use := a.budget.use()
	a.past.memory.Add(history.Value(use.private + use.shared))
	for _, c := range a.list() {
		c.past.add(c.ledger.mark(), c.meter.recent.Load())
	}
}

// add makes a point of what was counted and measured since the last one.
func (p *cameraPast) add(now mark, r *recent) {
	if p.last.at != 0 {
		length := max((now.at - p.last.at).Seconds(), 1e-3)
		p.captureRate.Add(history.Value(float64(now.captured-p.last.captured) / length))
		p.publishRate.Add(history.Value(float64(now.published-p.last.published) / length))
	} else {
		p.captureRate.Add(history.None)
		p.publishRate.Add(history.None)
	}
	p.last = now
	p50, p99 := history.None, history.None
	if r != nil && r.Count > 0 {
		p50, p99 = history.Value(r.p50.Seconds()), history.Value(r.p99.Seconds())
	}
	p.p50.Add(p50)
	p.p99.Add(p99)
}

// History is what the status was in the last hour.
func (a *Agent) History() status.History {
	a.past.mu.Lock()
	defer a.past.mu.Unlock()
	n := a.past.memory.Len()
	h := status.History{Time: a.past.at, PeriodSeconds: history.Period.Seconds(), MemoryBytes: a.past.memory.Newest(n), Cameras: []status.CameraHistory{}}
	for _, c := range a.list() {
		p := &c.past
		h.Cameras = append(h.Cameras, status.CameraHistory{
			Name: c.cfg.Name, CaptureRate: p.captureRate.Newest(n), PublishRate: p.publishRate.Newest(n),
			P50Seconds: p.p50.Newest(n), P99Seconds: p.p99.Newest(n),
		})
	}
	return h
}

// events are the newest ones of the log.
func (a *Agent) events() status.Events {
	e := status.Events{Events: []status.Event{}}
	if a.Events == nil {
		return e
	}
	for _, one := range a.Events() {
		e.Events = append(e.Events, status.Event{
			Time: one.Last, First: one.First, Count: one.Count, Level: one.Level, Camera: one.Camera, Output: one.Output,
			Message: one.Message, Reason: one.Reason, Details: one.Details, MessageID: one.MessageID,
		})
	}
	return e
}
