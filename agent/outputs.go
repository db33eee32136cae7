package agent

import (
	"errors"
	"path/filepath"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/agent/output/ring"
)

// openOutputs opens what the config names for one output of a camera.
func (a *Agent) openOutputs(camera string, o config.Output, width, height int) (outputs []output.Output, err error) {
	log := a.Log.With().Str("camera", camera).Str("output", o.Spec.Name).Logger()
	if o.Ring != nil {
		socket := config.SocketPath(a.RuntimeDir, camera, o.Spec.Name)
		r, err := ring.New(ring.Config{
			Socket: socket,
			Slots:  o.Ring.Slots,
			Camera: camera, Spec: o.Spec, Width: width, Height: height,
		})
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, r)
		log.Info().Str("socket", socket).Msg("consumers may connect")
	}
	if o.Files != nil {
		dir := o.Files.Dir
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(a.StateDir, dir)
		}
		f, err := files.New(files.Config{Dir: dir, Keep: o.Files.Keep, Camera: camera, Spec: o.Spec, Width: width, Height: height})
		if err != nil {
			return nil, errors.Join(err, closeAll(outputs))
		}
		outputs = append(outputs, f)
		log.Info().Str("dir", dir).Msg("images are written")
	}
	return outputs, nil
}
