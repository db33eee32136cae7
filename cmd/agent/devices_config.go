package main

import (
	"fmt"
	"strings"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture/survey"
)

// propose gives each camera a name and a config of its own.
func propose(s *survey.Survey) *inventory {
	inv := &inventory{Cameras: []listedCamera{}, Others: s.Others, Problems: s.Problems}
	var cfg config.Config
	for _, c := range s.Cameras {
		cam := cfg.Add(c.Name, agent.DeviceOf(c.Identity))
		inv.Cameras = append(inv.Cameras, listedCamera{cam.Name, c, snippet(cam, c)})
	}
	return inv
}

// snippet is what stands below "cameras:" for a camera; empty for one from which no
// picture can come.
func snippet(cam *config.Camera, c survey.Camera) string {
	if c.State == survey.NoPictures {
		return ""
	}
	key, value, _ := strings.Cut(cam.Device.String(), ": ")
	s := fmt.Sprintf("  %s:\n    device: {%s: %q}\n", cam.Name, key, value)
	if m := c.Mode; m != nil {
		mode := "size: " + m.Size()
		if m.Rate > 0 {
			mode += fmt.Sprintf(", rate: %.4g", m.Rate)
		}
		s += fmt.Sprintf("    mode: {%s}  # %s, the cheapest format that does it\n", mode, m.Format)
	}
	return s
}
