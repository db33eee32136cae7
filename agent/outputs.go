package agent

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/systemd"
)

// openOutputs opens what the config names for one output of a camera.
func (a *Agent) openOutputs(of *config.Camera, o config.Output, width, height int) (outputs []output.Output, err error) {
	camera := of.Name
	log := a.Log.With().Str("camera", camera).Str("output", o.Spec.Name).Logger()
	if o.Ring != nil {
		socket := config.SocketPath(a.RuntimeDir, camera, o.Spec.Name)
		r, err := ring.New(ring.Config{
			Socket: socket,
			Slots:  o.Ring.Slots,
			Camera: camera, Lens: of.View.Lens, Spec: o.Spec, Width: width, Height: height,
			Store: a.store(), Origin: of.Device.String(),
		})
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, r)
		log.Info().Str("socket", socket).Int("consumers", r.Stats().Consumers).Msg("consumers may connect")
	}
	if o.Files != nil {
		dir := o.Files.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(a.StateDir, dir)
		}
		f, err := files.New(files.Config{Dir: dir, Keep: o.Files.Keep, Camera: camera, Spec: o.Spec, Width: width, Height: height})
		if err != nil {
			return nil, errors.Join(err, closeAll(outputs, output.Output.Close))
		}
		outputs = append(outputs, f)
		log.Info().Str("dir", dir).Msg("images are written")
	}
	return outputs, nil
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
