package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/systemd"
)

// reconcile is how often devices are listed even if no event came: events of
// inotify can be lost, and links appear later than nodes.
const reconcile = 5 * time.Second

// listLimit is for how long a listing is waited for. The agent is not ready
// before the first one, and a camera that hangs must not keep it from that.
const listLimit = 5 * time.Second

var errListing = errors.New("a camera does not answer")

// A listing lists the cameras. That opens them, and may hang: the goroutine that
// wants to know does not wait for longer than it likes, and gets it the next time.
type listing struct {
	list    func() ([]v4l2.Device, error)
	pending chan listed // of the one that runs
}

type listed struct {
	devices []v4l2.Device
	err     error
}

func (l *listing) within(ctx context.Context, limit time.Duration) ([]v4l2.Device, error) {
	if l.pending == nil {
		pending := make(chan listed, 1)
		l.pending = pending
		go func() {
			devices, err := l.list()
			pending <- listed{devices, err}
		}()
	}
	select {
	case r := <-l.pending:
		l.pending = nil
		return r.devices, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(limit):
		return nil, errListing
	}
}

// discovery gives every camera that appears a pipeline of its own. It serves
// configs that name no camera. A camera that goes keeps its pipeline, which
// waits for it.
type discovery struct {
	agent   *Agent
	cfg     config.Config // what was found so far
	devices listing
	// fingerprint is what the devices look like from outside, done what it was
	// when every one was dealt with.
	fingerprint func() (string, error)
	done        string
	watcher     *v4l2.Watcher
	token       suture.ServiceToken
	failure     string // why a camera was not added, when that was last tried
	pattern     string // the name of the test pattern, while there is no camera
}

// discover starts with the cameras that are there now, or with the test
// pattern when there is none.
func (a *Agent) discover() error {
	w, err := v4l2.NewWatcher()
	if err != nil {
		return err
	}
	d := &discovery{agent: a, cfg: *a.ground.Load().Config, devices: listing{list: v4l2.List}, fingerprint: v4l2.Fingerprint, watcher: w}
	if err := d.look(context.Background(), true); err != nil {
		a.Log.Warn().Str("message_id", systemd.MessageDiscoveryFailing).Err(err).Msg("listing the cameras failed")
	}
	if len(d.cfg.Cameras) == 0 {
		a.Log.Info().Msg("no camera found: showing the test pattern until one appears")
		pattern := d.cfg.AddPattern()
		if err := a.add(*pattern); err != nil {
			return errors.Join(err, w.Close())
		}
		d.pattern = pattern.Name
	}
	a.discovery, d.token = d, a.tree.Add(d)
	return nil
}

// endDiscovery looks for cameras no more. Those that were found stay.
func (a *Agent) endDiscovery() {
	if a.discovery == nil {
		return
	}
	// It waits for nothing but its context, and for who calls this.
	_ = a.tree.RemoveAndWait(a.discovery.token, 0) // or the agent has ended
	a.discovery = nil
}

// Found is cfg with the cameras that are there now, or with the test pattern when
// there is none: what an agent whose config names no camera begins with.
func Found(cfg *config.Config) (*config.Config, error) {
	found := *cfg
	devices, err := v4l2.List()
	for _, dev := range devices {
		if readable(dev) {
			found.Add(dev.Name, DeviceOf(dev.Identity))
		}
	}
	if len(found.Cameras) == 0 {
		found.AddPattern()
	}
	return &found, err
}

// String names the service for the supervisor.
func (d *discovery) String() string { return "discovery" }

// Serve implements suture.Service.
func (d *discovery) Serve(ctx context.Context) error {
	pulse := d.agent.monitor.Pulse("discovery", kernelPatience, nil)
	defer d.agent.monitor.Remove(pulse)
	for {
		pulse.Allow(reconcile + stallSlack)
		limited, cancel := context.WithTimeout(ctx, reconcile)
		err := d.watcher.Wait(limited)
		if err != nil {
			<-limited.Done() // no event, or no events at all: the period is over
		}
		cancel()
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), d.watcher.Close())
		}
		pulse.Beat()
		if d.agent.building.take(ctx) != nil {
			continue
		}
		if err := d.look(ctx, err != nil); err != nil {
			d.agent.Log.Debug().Err(err).Msg("listing the cameras failed")
		}
		d.agent.building.give()
	}
}

// look adds what is not known yet. Unless things have settled, a device without
// links is left for later: udev is about to make them, and a camera should be
// known by the most lasting name that it will have.
//
// When nothing was left for later and nothing has changed since, no device is
// looked at: to list them is to open them, which disturbs those that stream.
func (d *discovery) look(ctx context.Context, settled bool) error {
	print, err := d.fingerprint()
	if err == nil && print == d.done {
		return nil
	}
	devices, err := d.devices.within(ctx, listLimit)
	done := settled && err == nil
	for _, dev := range devices {
		done = done && dev.Err == nil
		linked := len(dev.ByID)+len(dev.ByPath) > 0
		if !readable(dev) || d.knows(dev) || !linked && !settled {
			continue
		}
		if !d.add(dev) {
			done = false
			continue
		}
	}
	if d.pattern != "" && len(d.cfg.Cameras) > 1 {
		done = d.dropPattern() && done
	}
	if d.done = ""; done {
		d.done = print
	}
	return err
}

// add gives a device its pipeline. One that cannot be given any is left to the
// next look: what was short may not be short then.
func (d *discovery) add(dev v4l2.Device) bool {
	cfg := d.cfg.Add(dev.Name, DeviceOf(dev.Identity))
	if err := d.agent.add(*cfg); err != nil {
		d.cfg.Cameras = d.cfg.Cameras[:len(d.cfg.Cameras)-1]
		if reason := cfg.Name + ": " + err.Error(); reason != d.failure {
			d.failure = reason
			d.agent.Log.Error().Str("message_id", systemd.MessageDiscoveryFailing).Str("camera", cfg.Name).Err(err).Msg("camera not added, trying again")
		}
		return false
	}
	d.failure = ""
	return true
}

// knows says whether one of the pipelines waits for this device, by whatever
// name it knows it.
func (d *discovery) knows(dev v4l2.Device) bool {
	return slices.ContainsFunc(d.cfg.Cameras, func(c config.Camera) bool {
		switch id := c.Device; {
		case id.ByID != "":
			return slices.Contains(dev.ByID, id.ByID)
		case id.ByPath != "":
			return slices.Contains(dev.ByPath, id.ByPath)
		case id.Name != "":
			return dev.Name == id.Name
		default:
			return dev.Path == id.Path
		}
	})
}

// readable says whether the preprocessor knows one format of the device.
func readable(dev v4l2.Device) bool {
	return slices.ContainsFunc(dev.Formats, func(f v4l2.FormatInfo) bool { return f.Note == "" })
}

// dropPattern ends the test pattern: there is something real to see. It says false when
// the pattern has not stopped yet, which the next look is for.
func (d *discovery) dropPattern() bool {
	c := d.agent.camera(d.pattern)
	if c.awaited || c.leaving.Load() {
		return false
	}
	select {
	case <-d.agent.halt(c):
	case <-time.After(stopLimit):
		c.log.Warn().Msg("test pattern not stopped in time")
		return false
	}
	d.agent.forget(c)
	d.cfg.Cameras = slices.DeleteFunc(d.cfg.Cameras, func(c config.Camera) bool { return c.Name == d.pattern })
	d.pattern = ""
	return true
}

// DeviceOf is a selector in the words of the config.
func DeviceOf(s v4l2.Selector) config.Device {
	return config.Device{ByID: s.ByID, ByPath: s.ByPath, Serial: s.Serial, Name: s.Name, Path: s.Path}
}
