// Package health knows which stages of the process are making progress.
//
// What enters: the heartbeats of every stage. What leaves: a verdict that names
// the stage that fell silent, which decides whether the watchdog is pinged, and
// latencies for the operator. It never restarts anything and never logs.
package health

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A Pulse is the heartbeat of one stage, which calls it from its own goroutine.
//
// A stage is either at work, which may last for its limit, or at rest, which
// may last for as long as there is nothing for it to do.
type Pulse struct {
	stage   string
	limit   time.Duration
	pending func() bool
	now     func() time.Duration

	beat    atomic.Int64 // when the last sign of life was, in nanoseconds
	allowed atomic.Int64 // nanoseconds until the next one is due
	resting atomic.Bool
}

// Beat is a sign of progress: the stage is at work.
func (p *Pulse) Beat() { p.sign(p.limit, false) }

// Allow is a Beat before a piece of work that may take longer than the limit,
// such as opening a device: the next sign is due after d.
func (p *Pulse) Allow(d time.Duration) { p.sign(d, false) }

// Rest says that the stage waits for something to do. It stays fresh without
// beating, unless work is pending that it does not take.
func (p *Pulse) Rest() { p.sign(p.limit, true) }

// Silent is how long ago the last sign of life was; a stage at rest is never
// silent.
func (p *Pulse) Silent() time.Duration {
	if p.resting.Load() {
		return 0
	}
	return p.now() - time.Duration(p.beat.Load())
}

func (p *Pulse) sign(allowed time.Duration, resting bool) {
	p.beat.Store(int64(p.now()))
	p.allowed.Store(int64(allowed))
	p.resting.Store(resting)
}

// check returns an error when the stage is silent at the time now.
func (p *Pulse) check(now time.Duration) error {
	silent := now - time.Duration(p.beat.Load())
	allowed := time.Duration(p.allowed.Load())
	trouble := "no progress"
	switch {
	case silent <= allowed:
		return nil
	case p.resting.Load() && (p.pending == nil || !p.pending()):
		return nil
	case p.resting.Load():
		trouble = "work is waiting and not taken"
	}
	return fmt.Errorf("%s: %s for %s (limit %s)", p.stage, trouble, silent.Round(time.Millisecond), allowed)
}

// A Monitor holds the pulses of the process.
type Monitor struct {
	mu     sync.Mutex
	pulses map[*Pulse]struct{}
	now    func() time.Duration // of a clock that nobody sets
}

// NewMonitor returns a Monitor without pulses: it is healthy.
func NewMonitor() *Monitor {
	began := time.Now()
	return &Monitor{pulses: map[*Pulse]struct{}{}, now: func() time.Duration { return time.Since(began) }}
}

// Pulse adds a stage, which begins at rest. Without a sign of life for limit
// while at work it is silent. pending, which may be nil, says whether work is
// waiting for the stage: then rest is limited as well.
func (m *Monitor) Pulse(stage string, limit time.Duration, pending func() bool) *Pulse {
	p := &Pulse{stage: stage, limit: limit, pending: pending, now: m.now}
	p.Rest()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pulses[p] = struct{}{}
	return p
}

// Remove takes away a stage that ended.
func (m *Monitor) Remove(p *Pulse) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.pulses, p)
}

// Check returns nil while every stage is fresh, else an error that names each
// one that fell silent.
func (m *Monitor) Check() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	var errs []error
	for p := range m.pulses {
		if err := p.check(m.now()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
