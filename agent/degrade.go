package agent

import (
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/systemd"
)

const (
	// A step takes time to show: heat and heaps are slow.
	stepUp, stepDown, stepDownMost = 30 * time.Second, time.Minute, time.Hour
	// enforceAfter is how long a hard limit must be exceeded, and how long a
	// restart has to show.
	enforceAfter, enforceAgain = 2 * budgetPeriod, time.Minute
	// maxRenewed is how many workers are restarted within renewedWithin before
	// it is the agent's turn.
	maxRenewed, renewedWithin = 3, 30 * time.Minute
	// settleAfter is how long the agent must have been well below its limits
	// before it may end for exceeding them: a limit that is too low for the
	// config would have it start over and over.
	settleAfter = time.Minute
)

// slowest is which part of a camera's frames is taken at least.
const slowest = 4

// A rung is one thing that is given up when something is short.
type rung struct {
	what  string
	apply func(b *budget, on bool)
}

// rungs are what can be given up with this config, the most dispensable first.
func rungs(cfg *config.Config) (list []rung) {
	if cfg.HTTP.Listen.IsValid() || slices.ContainsFunc(cfg.Cameras, hasPreview) {
		list = append(list, rung{"previews are paused", func(b *budget, on bool) { b.paused.Store(on) }})
	}
	if slices.ContainsFunc(cfg.Cameras, func(c config.Camera) bool { return len(c.Fallback) > 0 }) {
		list = append(list, rung{"cameras are in fallback modes", func(b *budget, on bool) { b.lower(on) }})
	}
	return append(list,
		rung{"every second frame is taken", func(b *budget, on bool) { b.impose(on, 2, 0) }},
		rung{"every fourth frame is taken", func(b *budget, on bool) { b.impose(on, slowest, 2) }})
}

// regive has other rungs than before. What is given up stays so, where there still is
// such a thing; and no rung below one that is given up is not.
func (b *budget) regive(next []rung) {
	up := func(list []rung, what string) bool {
		return slices.ContainsFunc(list, func(r rung) bool { return r.what == what })
	}
	given := b.rungs[:b.stair.Step()]
	step := 0
	for i, r := range next {
		if up(given, r.what) {
			step = i + 1
		}
	}
	for _, r := range slices.Backward(given) {
		r.apply(b, false)
	}
	for _, r := range next[:step] {
		r.apply(b, true)
	}
	changed := step != b.stair.Step()
	b.rungs = next
	b.stair.Resize(len(next), step)
	if changed {
		b.show(&b.memory, true)
	}
}

func hasPreview(c config.Camera) bool {
	for i := range c.Outputs {
		if c.Preview(i) {
			return true
		}
	}
	return false
}

// lower has the cameras opened in the first of their fallback modes at best.
func (b *budget) lower(on bool) {
	least := int32(0)
	if on {
		least = 1
	}
	b.lowered.Store(least)
}

func (b *budget) impose(on bool, steps, otherwise int32) {
	if !on {
		steps = otherwise
	}
	b.imposed.Store(steps)
}

// degrade gives something up, or has it again.
func (b *budget) degrade(now time.Duration) {
	worst := &b.memory
	if b.temperature.pressure() > worst.pressure() {
		worst = &b.temperature
	}
	before := b.stair.Step()
	changed := b.stair.Observe(worst.pressure(), now)
	if changed && b.stair.Step() > before {
		b.rungs[before].apply(b, true)
		if worst == &b.memory {
			debug.FreeOSMemory() // what the heap keeps in reserve is the first thing to give
		}
		b.log.Warn().Str("message_id", systemd.MessageDegraded).Str("step", b.rungs[before].what).
			Str("resource", worst.name).Stringer("use", worst).Msg("degraded")
	} else if changed {
		step := b.rungs[before-1]
		step.apply(b, false)
		b.log.Info().Str("message_id", systemd.MessageRelieved).Str("step", step.what).
			Str("resource", worst.name).Stringer("use", worst).Msg("degraded less")
	}
	b.show(worst, changed)
}

// show makes the words for STATUS; the use in them is that of the last change.
func (b *budget) show(worst *resource, changed bool) {
	if !changed {
		return
	}
	words := ""
	if step := b.stair.Step(); step > 0 {
		words = fmt.Sprintf("%s %v: %s", worst.name, worst, b.rungs[step-1].what)
	}
	b.shown.Store(&words)
	b.agent.show()
}

// String is what STATUS says; nothing while nothing is given up and nothing leaks.
func (b *budget) String() string {
	var parts []string
	if s := b.shown.Load(); s != nil && *s != "" {
		parts = append(parts, *s)
	}
	if l := b.leaks.Load(); l != nil && l.words != "" {
		parts = append(parts, l.words)
	}
	return strings.Join(parts, "; ")
}

// tellNear tells of a resource that runs short and cannot be spared.
func (b *budget) tellNear(r *resource, now time.Duration) {
	holds := r.pressure() == health.Short || r.near.On() && r.pressure() == health.Steady
	if !r.near.Observe(holds, now) {
		return
	}
	if r.near.On() {
		b.log.Warn().Str("message_id", systemd.MessageLimitNear).Str("resource", r.name).Stringer("use", r).Msg("limit is near")
		return
	}
	b.log.Info().Str("message_id", systemd.MessageRelieved).Str("resource", r.name).Stringer("use", r).Msg("limit is no longer near")
}

// hardness is what is known of hard limits.
type hardness struct {
	over, settled health.Condition
	acted         time.Duration   // when something was restarted for the last time
	renewed       []time.Duration // when workers were
	futile        bool            // it was told that the limits are too low
}

// enforce restarts what holds too much: the worker that holds most, if that is
// more than the agent does, and at the last the process.
func (b *budget) enforce(u *usage, now time.Duration) {
	h := &b.hard
	h.over.Enter, h.settled.Enter, h.settled.Leave = enforceAfter, settleAfter, 1<<62
	var over *resource
	calm := true
	for _, r := range []*resource{&b.memory, &b.descriptors, &b.threads} {
		if r.spent() && over == nil {
			over = r
		}
		calm = calm && r.pressure() != health.Short
	}
	h.settled.Observe(calm, now)
	h.over.Observe(over != nil, now)
	if over == nil || !h.over.On() || h.acted > 0 && now-h.acted < enforceAgain {
		return
	}
	h.acted = now
	if over == &b.memory && b.renew(u, now) {
		return
	}
	b.end(over)
}

// renew has the worker that holds the most replaced, unless the agent holds
// more, or that was done too often of late.
func (b *budget) renew(u *usage, now time.Duration) bool {
	h := &b.hard
	h.renewed = slices.DeleteFunc(h.renewed, func(t time.Duration) bool { return now-t > renewedWithin })
	if len(h.renewed) >= maxRenewed {
		return false
	}
	var most *camera
	for _, c := range b.agent.list() {
		if w := u.workers[c.cfg.Name].Private; w > u.agent.Private && (most == nil || w > u.workers[most.cfg.Name].Private) {
			most = c
		}
	}
	if most == nil {
		return false
	}
	h.renewed = append(h.renewed, now)
	cause := fmt.Sprintf("memory %v, of which this worker holds %d", &b.memory, u.workers[most.cfg.Name].Private>>20)
	most.renew.Store(&cause) // its own goroutine does it, and tells
	return true
}

// end has the process end, so that systemd starts it anew.
func (b *budget) end(r *resource) {
	if b.hard.settled.On() {
		b.log.Error().Str("message_id", systemd.MessageLimitReached).Str("resource", r.name).Stringer("use", r).Msg("limit is exceeded: starting anew")
		select {
		case b.spent <- fmt.Errorf("limit exceeded: %s %v", r.name, r):
		default: // it is ending already
		}
		return
	}
	if !b.hard.futile {
		b.hard.futile = true
		b.log.Error().Str("message_id", systemd.MessageLimitReached).Str("resource", r.name).Stringer("use", r).
			Msg("limit is too low for this config: starting anew would not help")
	}
}
