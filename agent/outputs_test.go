package agent

import (
	"testing"

	"github.com/edge-agent/agent/agent/config"
)

// However many rings there are, and however many consumers come to each, half of
// the descriptors are left for cameras, workers and other outputs.
func TestConsumersLeaveHalfOfTheDescriptors(t *testing.T) {
	for rings, want := range map[int]int{0: 64, 1: 64, 32: 64, 33: 62, 128: 16, 512: 4} {
		camera := config.Camera{Outputs: []config.Output{{}}}
		for range rings {
			camera.Outputs = append(camera.Outputs, config.Output{Ring: &config.Ring{}})
		}
		got := consumersOf(&config.Config{Cameras: []config.Camera{camera}}, 4096)
		if got != want || rings*got > 2048 {
			t.Errorf("%d consumers for each of %d rings, want %d", got, rings, want)
		}
	}
}
