package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/systemd"
)

// finish accounts for every frame and closes what the cameras held.
func (a *Agent) finish() error {
	for _, c := range a.list() {
		c.summary()
	}
	unstopped, err := a.tree.UnstoppedServiceReport()
	err = errors.Join(err, a.closeCameras(unstopped), a.closeQuarantine(a.ground.Load().evidence))
	a.Log.Info().Str("message_id", systemd.MessageStopped).Msg("agent stopped")
	return err
}

// halt ends the service of a camera. What it returns is closed once it has ended,
// which a camera that is inside C++ may never do.
func (a *Agent) halt(c *camera) <-chan struct{} {
	c.leaving.Store(true)
	_ = a.tree.Remove(c.token) // what has ended already has nothing to remove
	stopped := make(chan struct{})
	go func() {
		<-c.serving
		c.over = true
		c.serving.give()
		c.leaving.Store(false)
		close(stopped)
	}()
	return stopped
}

// stuck says that a reload told the camera to stop, and that it is still served.
func (c *camera) stuck() bool {
	if !c.leaving.Load() {
		return false
	}
	soon, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond) // it may be at its last line
	defer cancel()
	if c.serving.take(soon) != nil {
		return true
	}
	c.serving.give()
	return false
}

// erase removes what a camera that there is no more left in the runtime directory.
func (c *camera) erase(runtimeDir string) {
	if c.portRecord != "" {
		_ = c.welcome() // it has been unplugged, or is lost to everybody
	}
	_ = os.Remove(c.hangRecord)
	_ = os.Remove(filepath.Join(runtimeDir, c.cfg.Name)) // unless something is in it
}

// closeCameras closes what the cameras held, but for those that did not stop: a
// goroutine of theirs is still inside C++ or the kernel, at work with just that.
// The end of the process gives it back.
func (a *Agent) closeCameras(unstopped suture.UnstoppedServiceReport) error {
	cameras := a.list()
	errs := make([]error, len(cameras))
	var closing sync.WaitGroup
	for i, c := range cameras {
		if c.stuck() || slices.ContainsFunc(unstopped, func(s suture.UnstoppedService) bool { return s.Service == suture.Service(c) }) {
			c.log.Error().Str("message_id", systemd.MessageStopped).Dur("limit", stopLimit).
				Msg("camera did not stop in time")
			continue
		}
		closing.Go(func() { errs[i] = c.leave() }) // one may wait for a disk, or for a command
	}
	closing.Wait()
	return errors.Join(errs...)
}
