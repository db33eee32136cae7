package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/systemd"
)

const (
	// ReloadLimit is after what time a reload that could not begin is given up, and
	// after what time one that did counts as stuck, within the time that systemd
	// gives it (TimeoutStartSec=).
	ReloadLimit = 20 * time.Second
	// maxFaultsLogged bounds what a refused config says in the log.
	maxFaultsLogged = 20
)

// A reloading is what an agent knows of its reloads.
type reloading struct {
	// one is held by who reloads, and there while the agent runs: it is the context
	// that then ends.
	one      chan context.Context
	changing atomic.Bool   // cameras are being replaced
	rebuilt  atomic.Uint64 // how often any were
	// stragglers are what waits for cameras that did not stop in time.
	stragglers sync.WaitGroup

	taken atomic.Pointer[status.Config]
}

// serveReloads lets the agent be reloaded until ctx ends.
func (a *Agent) serveReloads(ctx context.Context) {
	a.one <- ctx
	<-ctx.Done()
	<-a.one // for good
	a.stragglers.Wait()
}

// Reload reads the config again and does what is different in it, and nothing else:
// a camera whose part is the same does not notice. One that is refused changes
// nothing; the error has every fault then, as [config.Faults] where it is of the
// text. Any goroutine may call it, but for those that supervise. It waits for a
// reload that is at work, and for no more than [ReloadLimit] until its own may begin.
func (a *Agent) Reload(ctx context.Context) (status.Reload, error) {
	if a.Reread == nil {
		return status.Reload{}, errors.New("reload: there is no config that could be read again")
	}
	ctx, cancel := context.WithTimeout(ctx, ReloadLimit)
	defer cancel()
	var life context.Context
	select {
	case life = <-a.one:
	case <-ctx.Done():
		return status.Reload{}, fmt.Errorf("reload: the agent is starting or stopping, or reloads already: %w", ctx.Err())
	}
	defer func() { a.one <- life }()
	defer context.AfterFunc(life, cancel)()
	r := status.Reload{Time: time.Now(), Changes: []status.Change{}, Faults: []string{}, Warnings: []string{}}
	var cfg *config.Config
	err := contained(func() (err error) {
		cfg, err = a.reload(ctx, life, &r)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return r, err // nobody waits for it any more, or not for so long
	}
	if err != nil {
		a.refused(&r, err)
		return r, err
	}
	r.Taken = true
	a.reloaded(&r, cfg)
	return r, nil
}

// reload gives the config that was taken. What is begun before ctx ends is done to the
// end, and for as long as life lasts.
func (a *Agent) reload(ctx, life context.Context, r *status.Reload) (*config.Config, error) {
	cfg, err := a.Reread()
	if err != nil {
		return nil, err
	}
	if err := a.building.take(ctx); err != nil {
		return nil, fmt.Errorf("reload: %w", err)
	}
	defer a.building.give()
	pulse := a.monitor.Pulse("reload", ReloadLimit, nil)
	defer a.monitor.Remove(pulse)
	pulse.Beat()
	p, err := a.plan(cfg)
	if err != nil {
		return nil, err
	}
	// Cameras that are made by half must not live on: a panic here ends the process,
	// which it would not on the goroutine of an HTTP server.
	done := make(chan struct{})
	go func() {
		defer close(done)
		r.Changes = p.carryOut(life)
	}()
	<-done
	return cfg, nil
}

// refused tells that the config in force stays.
func (a *Agent) refused(r *status.Reload, err error) {
	r.Faults = []string{err.Error()}
	if faults, ok := errors.AsType[config.Faults](err); ok {
		r.Faults = r.Faults[:0]
		for _, f := range faults {
			r.Faults = append(r.Faults, f.String())
		}
	}
	c := *a.taken.Load()
	c.Refused++
	c.Fault = brief(errors.New(r.Faults[0]))
	a.taken.Store(&c)
	a.show()
	for i, fault := range r.Faults[:min(len(r.Faults), maxFaultsLogged)] {
		a.Log.Error().Str("message_id", systemd.MessageReloadRefused).Str("error", fault).
			Int("fault", i+1).Int("faults", len(r.Faults)).Msg("new config refused, the one before stays in force")
	}
}

// reloaded tells what has changed.
func (a *Agent) reloaded(r *status.Reload, cfg *config.Config) {
	a.taken.Store(&status.Config{Loaded: r.Time, Reloads: a.taken.Load().Reloads + 1, Refused: a.taken.Load().Refused})
	a.keepConfig()
	a.show()
	for _, w := range cfg.Warnings {
		r.Warnings = append(r.Warnings, w.String())
		a.Log.Warn().Str("message_id", systemd.MessageConfigFault).Str("warning", w.String()).Msg("config")
	}
	for i := range r.Changes {
		a.tellChange(&r.Changes[i], "config changed")
	}
	a.Log.Info().Str("message_id", systemd.MessageReloaded).Int("changes", len(r.Changes)).
		Int64("duration_us", time.Since(r.Time).Microseconds()).Msg("config reloaded")
}

func (a *Agent) tellChange(c *status.Change, message string) {
	e := a.Log.Info()
	if c.Trouble != "" {
		e = a.Log.WithLevel(zerolog.WarnLevel).Str("error", c.Trouble)
	}
	if c.Camera != "" {
		e = e.Str("camera", c.Camera)
	}
	e.Str("message_id", systemd.MessageReloaded).Str("change", c.Kind).Strs("keys", c.Keys).Strs("kept", c.Kept).Msg(message)
}

// A renewal is what a new config changes, with all of it made that can be made while
// the old one is in force.
type renewal struct {
	agent     *Agent
	was, next *ground
	keys      []string // of the rest
	turns     []*turn
	finding   bool // cameras are found, before and after
}

// A turn is what becomes of one camera.
type turn struct {
	change    status.Change
	old, next *camera // nil for none
	stopped   <-chan struct{}
}

// changeOf is one of a camera, or of the agent itself; its lists are never null in JSON.
func changeOf(camera, kind string, keys ...string) status.Change {
	return status.Change{Kind: kind, Camera: camera, Keys: append([]string{}, keys...), Kept: []string{}}
}

// plan finds out what changes and prepares it. An error is why the config cannot be
// taken.
func (a *Agent) plan(cfg *config.Config) (*renewal, error) {
	was := a.ground.Load()
	p := &renewal{agent: a, was: was, next: &ground{cfg, was.evidence}, keys: config.Diff(was.Config, cfg)}
	p.finding = a.discovery != nil && len(cfg.Cameras) == 0
	wanted := cfg.Cameras
	if p.finding {
		wanted = a.discovery.cfg.Cameras
	}
	running := a.list()
	for _, c := range running {
		if c.awaited || c.leaving.Load() {
			return nil, fmt.Errorf("camera %s: it has not stopped yet since the last reload", c.cfg.Name)
		}
		if !slices.ContainsFunc(wanted, func(w config.Camera) bool { return w.Name == c.cfg.Name }) {
			p.turns = append(p.turns, &turn{old: c, change: changeOf(c.cfg.Name, status.Removed)})
		}
	}
	if err := p.prepare(wanted); err != nil {
		return nil, errors.Join(err, p.discard())
	}
	return p, nil
}

// prepare makes the cameras that are new or differ.
func (p *renewal) prepare(wanted []config.Camera) (err error) {
	if p.was.Quarantine.Keep == 0 {
		if p.next.evidence, err = p.agent.openQuarantine(p.next.Quarantine.Keep); err != nil {
			return err
		}
	} else if p.next.Quarantine.Keep == 0 {
		p.next.evidence = nil
	}
	for _, cfg := range wanted {
		t := &turn{old: p.agent.camera(cfg.Name), change: changeOf(cfg.Name, status.Added)}
		if t.old != nil {
			t.change.Kind, t.change.Keys = status.Changed, t.old.differences(p.next, cfg)
			if len(t.change.Keys) == 0 {
				continue
			}
		}
		if err := p.make(t, cfg); err != nil {
			return fmt.Errorf("camera %s: %w", cfg.Name, err)
		}
	}
	return nil
}

// make prepares one camera, and opens the outputs that nothing is in the way of: what
// is wrong with a socket or the memory shows before anything has changed.
func (p *renewal) make(t *turn, cfg config.Camera) (err error) {
	if t.next, err = p.agent.prepare(p.next, cfg, t.old); err != nil {
		return err
	}
	p.turns = append(p.turns, t)
	return t.next.openSinks(func(s *sink) bool { return s.local() && (t.old == nil || t.old.sinkOf(s.cfg.Spec.Name) == nil) })
}

// local says that nobody else can have what the output is to open.
func (s *sink) local() bool {
	o := &s.cfg
	return o.Files == nil && o.Pipe == nil && o.Video == nil
}

// discard gives back what was made for a config that is not taken.
func (p *renewal) discard() error {
	var errs []error
	for _, t := range p.turns {
		if t.next != nil {
			errs = append(errs, t.next.close())
		}
	}
	if p.was.evidence == nil {
		errs = append(errs, p.next.evidence.Close())
	}
	return errors.Join(errs...)
}

// differences are the keys because of which the camera needs another pipeline.
func (c *camera) differences(g *ground, cfg config.Camera) (keys []string) {
	cfg = withView(&g.HTTP, cfg)
	add := func(key string) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	for _, key := range config.DiffCamera(&c.cfg, &cfg) {
		if key == "outputs."+viewName {
			key = "http"
		}
		add(key)
	}
	now := g.footing()
	if c.ground.isolation != now.isolation {
		add("isolation")
	}
	if c.ground.keeping != now.keeping {
		add("quarantine")
	}
	return keys
}
