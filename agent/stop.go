package agent

import (
	"errors"
	"slices"
	"sync"

	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/systemd"
)

// finish accounts for every frame and closes what the cameras held.
func (a *Agent) finish() error {
	for _, c := range a.list() {
		c.summary()
	}
	unstopped, err := a.tree.UnstoppedServiceReport()
	err = errors.Join(err, a.closeCameras(unstopped), a.closeQuarantine())
	a.Log.Info().Str("message_id", systemd.MessageStopped).Msg("agent stopped")
	return err
}

// closeCameras closes what the cameras held, but for those that did not stop: a
// goroutine of theirs is still inside C++ or the kernel, at work with just that.
// The end of the process gives it back.
func (a *Agent) closeCameras(unstopped suture.UnstoppedServiceReport) error {
	cameras := a.list()
	errs := make([]error, len(cameras))
	var closing sync.WaitGroup
	for i, c := range cameras {
		if slices.ContainsFunc(unstopped, func(s suture.UnstoppedService) bool { return s.Service == suture.Service(c) }) {
			c.log.Error().Str("message_id", systemd.MessageStopped).Dur("limit", stopLimit).
				Msg("camera did not stop in time")
			continue
		}
		closing.Go(func() { errs[i] = c.leave() }) // one may wait for a disk, or for a command
	}
	closing.Wait()
	return errors.Join(errs...)
}
