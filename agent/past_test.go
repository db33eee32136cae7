package agent

import (
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// The last hour has a point every ten seconds: what was published, how old it
// was, and nothing where nothing was.
func TestHistoryOfACameraThatWasAway(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		later(30 * time.Second)
		w.set(func() {
			w.reads = capture.ErrGone
			w.opens = func(capture.Request) error { return capture.ErrNotFound }
		})
		later(30 * time.Second)
		h := r.History()
		if len(h.MemoryBytes) != 6 || h.MemoryBytes[5] < 1<<20 || len(h.Cameras) != 1 || h.Time.Sub(r.started) != time.Minute {
			t.Fatalf("%+v", h)
		}
		front := h.Cameras[0]
		for i, rate := range front.PublishRate {
			away := i >= 4
			if i == 0 || i == 3 {
				continue // there is nothing before the first, and it went in the fourth
			}
			if away != (rate == 0) || away != (front.P50Seconds[i] != front.P50Seconds[i]) || !away && (rate < 1.2 || rate > 1.5) {
				t.Errorf("point %d: %v a second, age %v", i, rate, front.P50Seconds[i])
			}
		}
	})
}
