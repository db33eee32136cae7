package agent

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
)

// A ground is what all pipelines stand on: the config, and where frames that went
// wrong are kept, nil for nowhere. It never changes; a reload makes another one.
type ground struct {
	*config.Config
	evidence *quarantine.Store
}

// A footing is what of the ground one pipeline was made for, beside its own part of
// the config: with another one it has to be made anew.
type footing struct {
	isolation config.Isolation
	keeping   bool // what went wrong
}

func (g *ground) footing() footing {
	return footing{g.Isolation, g.Quarantine.Keep > 0}
}

// newCamera makes a camera that has had no pipeline before, and opens its outputs.
func (a *Agent) newCamera(cfg config.Camera) (*camera, error) {
	c, err := a.prepare(a.ground.Load(), cfg, nil)
	if err != nil {
		return nil, err
	}
	if err := c.furnish(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// prepare makes what of a camera's pipeline does not get in the way of another one
// of the same camera, its predecessor if there is one: no device is opened, and no
// output.
func (a *Agent) prepare(g *ground, cfg config.Camera, before *camera) (*camera, error) {
	origin, err := origins(cfg)
	if err != nil {
		return nil, err
	}
	cfg = withView(&g.HTTP, cfg)
	c := &camera{cfg: cfg, ground: g.footing(), origin: origin, quality: newQuality(cfg.Quality), monitor: a.monitor, changed: a.changed}
	c.log = a.Log.With().Str("camera", cfg.Name).Logger()
	c.annals, c.serving = newAnnals(before, c.log), newBaton()
	c.quality.counts = &c.verdicts
	c.ladder.Fallbacks, c.ladder.Resets = len(cfg.Fallback), cfg.USBReset
	// No camera has a name with a dot, and the directory outlives the process.
	c.least = &a.budget.lowered
	c.hangRecord = filepath.Join(a.RuntimeDir, ".hang."+cfg.Name)
	c.ladder.Given = c.givenUp()
	if cfg.USBReset {
		c.portRecord = filepath.Join(a.RuntimeDir, ".usb-reset."+cfg.Name)
	}
	c.evidence = g.evidence
	c.openFlight = func() *quarantine.Flight { return a.flight(g, cfg.Name) }
	c.firstSequence = a.FirstSequence
	c.throttle.adaptive, c.throttle.imposed = cfg.Queue.Policy == config.SlowInput, &a.budget.imposed
	c.state.Store(&State{Phase: Opening, Since: time.Now()})
	a.addSinks(g, c)
	if err = c.openProcessor(g.Isolation); err != nil {
		return nil, errors.Join(err, origin.Close())
	}
	return c, nil
}

// furnish opens what prepare left, once nothing is in the way any more.
func (c *camera) furnish() error {
	c.flight = c.openFlight()
	return c.openSinks(func(*sink) bool { return true })
}

// openSinks opens the outputs whose size does not depend on the camera's, so
// that consumers may connect before it is there, and of these the ones that may be
// opened now.
func (c *camera) openSinks(now func(*sink) bool) error {
	for _, s := range c.sinks {
		if s.cfg.Spec.FollowsView() || !now(s) {
			continue
		}
		// Without the view: whether a crop fits shows when there is a picture.
		if err := s.fit(preproc.View{}, capture.Format{}); err != nil {
			return fmt.Errorf("output %s: %w", s.cfg.Spec.Name, err)
		}
	}
	return nil
}

// openProcessor makes what preprocesses, where the config wants it.
func (c *camera) openProcessor(isolation config.Isolation) (err error) {
	if isolation == config.None {
		c.processLimit = processLimit
		c.proc, err = preproc.New(c.cfg.View, c.cfg.Specs())
		return err
	}
	c.processLimit = worker.StartLimit + worker.SlowLimit + workerSlack
	p, err := worker.New(worker.Config{
		Name: c.cfg.Name, View: c.cfg.View, Specs: c.cfg.Specs(), Deadline: c.cfg.ProcessDeadline, Replaced: c.workerReplaced,
	})
	if err != nil {
		return err
	}
	c.proc, c.worker = p, p
	for _, s := range c.sinks {
		s.share = func(m output.Memory) { p.Share(worker.Memory(m)) }
		s.forget = p.Forget
	}
	return nil
}

// close gives back what newCamera took. The camera must not be served any more.
func (c *camera) close() error { return c.end(output.Output.Close) }

// leave is close at the end of the process.
func (c *camera) leave() error { return c.end(output.Leave) }

func (c *camera) end(end func(output.Output) error) error {
	errs := []error{c.closeParked(), c.proc.Close(), c.flight.Close()}
	if !c.originGone {
		errs = append(errs, c.origin.Close())
	}
	for _, s := range c.sinks {
		errs = append(errs, s.close(end))
	}
	return errors.Join(errs...)
}
