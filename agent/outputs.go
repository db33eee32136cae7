package agent

import (
	"context"
	"errors"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/systemd"
)

// A place is one output of a camera, of a size that is known, for what opens it.
type place struct {
	camera        *config.Camera
	cfg           config.Output
	width, height int
	tap           *web.Tap       // for HTTP and commands
	config        *config.Config // which it is of
	log           zerolog.Logger
}

// openers open an output in one kind each, or give nil where the config does
// not name theirs.
var openers = []func(*Agent, place) (output.Output, error){
	(*Agent).openRing,
	(*Agent).openFiles,
	(*Agent).openPipe,
	(*Agent).openGStreamer,
	(*Agent).openVideo,
	(*Agent).openTap,
}

// openOutputs opens all that the config names for one output of a camera.
func (a *Agent) openOutputs(p place) (outputs []output.Output, err error) {
	p.log = a.Log.With().Str("camera", p.camera.Name).Str("output", p.cfg.Spec.Name).Logger()
	for _, open := range openers {
		o, err := open(a, p)
		if err != nil {
			return nil, errors.Join(err, closeAll(outputs, output.Output.Close))
		}
		if o != nil {
			outputs = append(outputs, o)
		}
	}
	return outputs, nil
}

func (a *Agent) openRing(p place) (output.Output, error) {
	if p.cfg.Ring == nil {
		return nil, nil
	}
	socket := config.SocketPath(a.RuntimeDir, p.camera.Name, p.cfg.Spec.Name)
	r, err := ring.New(ring.Config{
		Socket: socket,
		Slots:  p.cfg.Ring.Slots,
		Camera: p.camera.Name, Lens: p.camera.View.Lens, Spec: p.cfg.Spec, Width: p.width, Height: p.height,
		Store: a.store(), Origin: p.camera.Device.String(),
		MaxConsumers: consumersOf(p.config, descriptorLimit()),
	})
	if err != nil {
		return nil, err
	}
	p.log.Info().Str("socket", socket).Int("consumers", r.Stats().Consumers).Msg("consumers may connect")
	return r, nil
}

// consumersOf is how many consumers each ring may have, 64 if possible: all of
// them together get half of the descriptors that the process may have, and cameras
// and the other outputs are not to notice that they do.
func consumersOf(cfg *config.Config, descriptors uint64) int {
	rings := uint64(0)
	for _, c := range cfg.Cameras {
		for _, o := range c.Outputs {
			if o.Ring != nil {
				rings++
			}
		}
	}
	return int(max(min(descriptors/2/max(rings, 1), 64), 4))
}

func descriptorLimit() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024 // it cannot fail, and this is what a process has at least
	}
	return limit.Cur
}

func (a *Agent) openFiles(p place) (output.Output, error) {
	if p.cfg.Files == nil {
		return nil, nil
	}
	dir := p.cfg.Files.Dir
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(a.StateDir, dir)
	}
	f, err := files.New(files.Config{
		Dir: dir, Keep: p.cfg.Files.Keep, KeepFor: p.cfg.Files.KeepFor, Odd: p.cfg.Files.On == config.Verdict, Sidecar: p.cfg.Files.Sidecar,
		Camera: p.camera.Name, Spec: p.cfg.Spec, Width: p.width, Height: p.height,
	})
	if err != nil {
		return nil, err
	}
	p.log.Info().Str("dir", dir).Msg("images are written")
	return f, nil
}

// claimLimit is how long what the process before kept may wait for its output:
// for its camera to be found and opened, that is. Its consumers wait as well.
const claimLimit = 10 * time.Second

// store is where rings are kept over a restart, or nil.
func (a *Agent) store() ring.Store {
	if a.Descriptors == nil {
		return nil
	}
	return keeper{a.Descriptors, a.say}
}

// clearStore hangs up on the consumers of outputs that there are no more.
func (a *Agent) clearStore(ctx context.Context) {
	if a.Descriptors == nil {
		return
	}
	select {
	case <-ctx.Done(): // the next process has as much time
	case <-time.After(claimLimit):
		names, err := a.Descriptors.Clear()
		a.say("descriptors dropped", err)
		if len(names) > 0 {
			a.Log.Info().Strs("outputs", names).Msg("consumers of outputs that are gone were hung up on")
		}
	}
}

// A keeper is systemd's store for rings, which do not log.
type keeper struct {
	*systemd.DescriptorStore
	say func(what string, err error)
}

var _ ring.Store = keeper{}

func (k keeper) Keep(name string, fd int) { k.say("descriptor kept", k.DescriptorStore.Keep(name, fd)) }
func (k keeper) Drop(name string)         { k.say("descriptors dropped", k.DescriptorStore.Drop(name)) }
