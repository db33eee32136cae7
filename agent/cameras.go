package agent

import (
	"slices"

	"github.com/edge-agent/agent/agent/config"
)

// add makes the pipeline of one camera and has it supervised.
func (a *Agent) add(cfg config.Camera) error {
	c, err := a.newCamera(cfg)
	if err != nil {
		return err
	}
	a.install(c)
	return nil
}

// install has a camera served, in the place of the one of its name if there is one.
func (a *Agent) install(c *camera) {
	a.mu.Lock()
	if i := a.index(c.cfg.Name); i >= 0 {
		a.cameras[i] = c
	} else {
		a.cameras = append(a.cameras, c)
	}
	a.mu.Unlock()
	c.token = a.tree.Add(c)
}

// index is the place of the camera of that name, or -1. It is called with a.mu held.
func (a *Agent) index(name string) int {
	return slices.IndexFunc(a.cameras, func(c *camera) bool { return c.cfg.Name == name })
}

// camera is the one of that name, or nil.
func (a *Agent) camera(name string) *camera {
	a.mu.Lock()
	defer a.mu.Unlock()
	if i := a.index(name); i >= 0 {
		return a.cameras[i]
	}
	return nil
}

// forget accounts for a camera that is no longer served, and closes it.
func (a *Agent) forget(c *camera) {
	a.mu.Lock()
	if i := a.index(c.cfg.Name); i >= 0 {
		a.cameras = slices.Delete(a.cameras, i, i+1)
	}
	a.mu.Unlock()
	c.summary()
	if err := c.close(); err != nil {
		c.log.Warn().Err(err).Msg("closing the camera's outputs failed")
	}
	c.erase(a.RuntimeDir)
}

func (a *Agent) list() []*camera {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]*camera(nil), a.cameras...)
}
