package agent

import (
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/v4l2"
)

func (a *Agent) openVideo(p place) (output.Output, error) {
	if p.cfg.Video == nil {
		return nil, nil
	}
	s, err := v4l2.New(v4l2.Config{
		Device: p.cfg.Video.Device, Format: p.cfg.Video.Format,
		Spec: p.cfg.Spec, Width: p.width, Height: p.height, Rate: p.cfg.Rate(p.camera.Mode),
	})
	if err != nil {
		return nil, err
	}
	p.log.Info().Str("device", p.cfg.Video.Device).Stringer("format", s.Format()).Int("width", p.width).Int("height", p.height).
		Msg("a video device gets images")
	return s, nil
}
