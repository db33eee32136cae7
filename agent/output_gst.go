package agent

import (
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/gst"
)

func (a *Agent) openGStreamer(p place) (output.Output, error) {
	if p.cfg.GStreamer == nil {
		return nil, nil
	}
	socket := config.GStreamerPath(a.RuntimeDir, p.camera.Name, p.cfg.Spec.Name)
	s, err := gst.New(gst.Config{
		Socket: socket, Slots: p.cfg.GStreamer.Slots,
		Camera: p.camera.Name, Spec: p.cfg.Spec, Width: p.width, Height: p.height,
	})
	if err != nil {
		return nil, err
	}
	p.log.Info().Str("pipeline", gst.Pipeline(socket, &p.cfg.Spec, p.width, p.height, p.cfg.Rate(p.camera.Mode))).
		Msg("GStreamer may connect")
	return s, nil
}
