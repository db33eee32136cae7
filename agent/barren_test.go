package agent

import (
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// A camera that sends, and nothing of use, is treated as one that stalls.
func TestStreamOfDamagedFramesIsBroken(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.fault = capture.FaultErrorFlag })
		later(barrenAfter - 2*time.Second)
		if got := r.state(); got != "publishing" {
			t.Errorf("a few damaged frames: %s", got)
		}
		later(4 * time.Second)
		if got := r.state(); got != "waiting (nothing but damaged frames for 5s: stream broken off)" {
			t.Error(got)
		}
		later(20 * time.Second)
		w.set(func() { w.fault = capture.FaultNone })
		later(5 * time.Second)
		if got := r.steps(t); got != "publishes lost restart-stream reopen again" {
			t.Errorf("told: %s", got)
		}
	})
}
