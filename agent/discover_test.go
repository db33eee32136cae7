package agent

import (
	"slices"
	"testing"

	"github.com/edge-agent/agent/capture/v4l2"
)

// The test pattern goes when there is a camera, be it that it needs more than one look
// until it has stopped.
func TestPatternGoesOnceItHasStopped(t *testing.T) {
	a := newAgent(t, "isolation: none\ncameras: {pattern: {device: {pattern: bars}}}\n")
	found := v4l2.Device{
		Path: "/dev/video9", Name: "Found", Identity: v4l2.Selector{Path: "/dev/video9"}, Formats: []v4l2.FormatInfo{{Code: "YUYV"}},
	}
	d := &discovery{
		agent: a, cfg: *a.Config, pattern: "pattern",
		devices:     listing{list: func() ([]v4l2.Device, error) { return []v4l2.Device{found}, nil }},
		fingerprint: func() (string, error) { return "one", nil },
	}
	pattern := a.list()[0]
	for _, step := range []struct {
		stopping bool
		want     []string
	}{
		{true, []string{"pattern", "found"}},
		{true, []string{"pattern", "found"}},
		{false, []string{"found"}},
	} {
		pattern.leaving.Store(step.stopping)
		if err := d.look(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		var cameras []string
		for _, c := range a.list() {
			cameras = append(cameras, c.cfg.Name)
		}
		if !slices.Equal(cameras, step.want) || len(d.cfg.Cameras) != len(step.want) || (d.done == "") != step.stopping {
			t.Errorf("cameras %v, %v in the config, done %q; want %v", cameras, d.cfg.Cameras, d.done, step.want)
		}
	}
}
