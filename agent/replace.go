package agent

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/systemd"
)

// carryOut does what was planned, in an order in which no two cameras ever want the
// same device, directory or socket: all that goes stops, gives back what is not kept,
// and then all that comes is opened. It says what was done.
func (p *renewal) carryOut(life context.Context) (changes []status.Change) {
	a := p.agent
	a.changing.Store(true)
	a.ground.Store(p.next)
	if !p.finding {
		a.endDiscovery()
	}
	p.succeed(p.stop(life))
	p.rest()
	if !p.finding && len(p.next.Cameras) == 0 {
		if err := a.discover(); err != nil {
			failed := changeOf("", status.Changed, "cameras")
			failed.Trouble = err.Error()
			changes = append(changes, failed)
		}
	}
	a.order(p.next.Cameras)
	a.changing.Store(false)
	if len(a.list()) > 0 {
		a.changed()
	}
	for _, t := range p.turns {
		changes = append(changes, t.change)
	}
	for _, key := range p.keys {
		changes = append(changes, changeOf("", status.Changed, key))
	}
	return changes
}

// stop ends the cameras that change or go, and gives the turns of those that have
// ended within stopLimit. Of each other one, its turn comes when it has.
func (p *renewal) stop(life context.Context) (ready []*turn) {
	if len(p.turns) > 0 {
		p.agent.rebuilt.Add(1)
	}
	for _, t := range p.turns {
		if t.old == nil {
			continue
		}
		if t.next != nil {
			t.old.bequeaths.Store(config.SameSource(&t.old.cfg, &t.next.cfg))
			t.old.succeeded.Store(true)
		}
		t.stopped = p.agent.halt(t.old)
	}
	soon, cancel := context.WithTimeout(life, stopLimit)
	defer cancel()
	for _, t := range p.turns {
		if t.old == nil || t.stoppedBy(soon) {
			ready = append(ready, t)
		} else {
			p.await(life, t)
		}
	}
	return ready
}

// stoppedBy waits for the camera to stop until ctx ends.
func (t *turn) stoppedBy(ctx context.Context) bool {
	select {
	case <-t.stopped:
		return true
	case <-ctx.Done():
	}
	select {
	case <-t.stopped: // it was both, and it is this that counts
		return true
	default:
		return false
	}
}

// await leaves a turn to the time when its camera has stopped.
func (p *renewal) await(life context.Context, t *turn) {
	a := p.agent
	t.old.awaited = true
	t.change.Trouble = fmt.Sprintf("it did not stop within %v; it is as the config wants once it has", stopLimit)
	a.stragglers.Go(func() {
		if !t.stoppedBy(life) || a.building.take(life) != nil {
			t.cancel()
			return
		}
		defer a.building.give()
		t.old.awaited = false
		t.change.Trouble = ""
		p.succeed([]*turn{t})
		a.tellChange(&t.change, "config changed, as the camera has stopped at last")
	})
}

// cancel gives back what was made for a turn that will not come, as the agent stops.
func (t *turn) cancel() {
	if t.next != nil {
		_ = t.next.close() // nobody knows of it
	}
}

// succeed has new cameras take the place of old ones that have stopped.
func (p *renewal) succeed(turns []*turn) {
	var leaving sync.WaitGroup
	for _, t := range turns {
		if t.old != nil {
			leaving.Go(func() { p.agent.part(t) }) // one may wait for a disk, or for a command
		}
	}
	leaving.Wait()
	for _, t := range turns {
		if t.next == nil {
			continue
		}
		if err := t.next.furnish(); err != nil {
			// It is tried again whenever the camera is opened, which it is until then.
			t.next.log.Error().Str("message_id", systemd.MessageReloaded).Err(err).Msg("an output of the new config cannot be opened")
			t.change.Trouble = err.Error() + "; this is tried again"
		}
		p.agent.install(t.next)
	}
}

// part hands over what is kept of a camera that has stopped, and closes the rest.
func (a *Agent) part(t *turn) {
	if t.next == nil {
		a.forget(t.old)
		return
	}
	err := t.next.follow(t.old)
	t.change.Kept = t.next.kept()
	if err = errors.Join(err, t.old.close()); err != nil {
		t.old.log.Warn().Err(err).Msg("closing the camera's outputs failed")
	}
}

// kept are what goes on, in words.
func (c *camera) kept() []string {
	kept := []string{}
	if c.parked != nil {
		kept = append(kept, "source")
	}
	for _, s := range c.sinks {
		if name := s.cfg.Spec.Name; len(s.outputs) > 0 && s.adopted && name != viewName {
			kept = append(kept, "outputs."+name)
		}
	}
	return kept
}

// keeps says that an output of the predecessor is open, and is what this camera would
// open.
func (c *camera) keeps(before *camera, s, old *sink) bool {
	same := func(a, b any) bool { return reflect.DeepEqual(a, b) }
	return len(old.outputs) > 0 && len(s.outputs) == 0 && same(old.cfg, s.cfg) &&
		same(before.cfg.Device, c.cfg.Device) && same(before.cfg.View.Lens, c.cfg.View.Lens) &&
		before.patience(&old.cfg) == c.patience(&s.cfg) && (s.cfg.Video == nil || old.cfg.Rate(before.cfg.Mode) == s.cfg.Rate(c.cfg.Mode)) &&
		(before.cfg.Queue.Policy == config.Block) == (c.cfg.Queue.Policy == config.Block)
}

// rest changes what is no camera's.
func (p *renewal) rest() {
	a, old, next := p.agent, p.was, p.next
	site := func(h config.HTTP) config.HTTP { h.Width, h.Height, h.Quality = 0, 0, 0; return h }
	if site(old.HTTP) != site(next.HTTP) {
		a.renewWeb(&next.HTTP)
	}
	a.budget.next.Store(next.Config)
	if level, err := zerolog.ParseLevel(next.Log.Level); err == nil { // or the config would have been refused
		a.verbosity.follow(level, "the config was read again")
	}
	switch {
	case next.evidence == nil && old.evidence != nil:
		if err := a.closeQuarantine(old.evidence); err != nil {
			a.Log.Warn().Str("message_id", systemd.MessageQuarantineFailing).Err(err).Msg("frames may be lost to the quarantine")
		}
	case next.evidence != nil:
		next.evidence.Resize(next.Quarantine.Keep)
	}
}

// order puts the cameras in the order of the config.
func (a *Agent) order(wanted []config.Camera) {
	a.mu.Lock()
	defer a.mu.Unlock()
	place := func(c *camera) int {
		return slices.IndexFunc(wanted, func(w config.Camera) bool { return w.Name == c.cfg.Name })
	}
	slices.SortStableFunc(a.cameras, func(x, y *camera) int { return place(x) - place(y) })
}
