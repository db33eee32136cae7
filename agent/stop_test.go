package agent

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture/v4l2"
)

// The goroutine that preprocesses is inside the driver when the agent ends: what
// it works with must not be taken from under it.
func TestCameraThatDoesNotStopIsNotClosed(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		w.set(func() { w.hangs = "return" })
		later(2 * recovery.Quiet)
		r.stop()
		err := <-r.done
		if n := len(r.log.entries(t, "camera did not stop in time")); n != 1 || err != nil {
			t.Errorf("told %d times, %v", n, err)
		}
		if c.sinks[0].outputs == nil {
			t.Error("its outputs were closed")
		}
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		later(0)
		if err := c.close(); err != nil {
			t.Error(err)
		}
		r.done <- nil // for the account
	})
}

// A driver that takes its time when the agent stops is no failure.
func TestStopTellsOfNoRemedies(t *testing.T) {
	for _, call := range []string{"read", "close"} {
		filmedWith(t, &webcam{port: "1-1"}, "{usb-reset: true}", func(r *rigged, _ *camera, w *webcam) {
			w.set(func() { w.hangs = call })
			later(time.Second)
			r.stop()
			later(stopLimit)
			if got := r.steps(t); got != "publishes" {
				t.Errorf("%s: told: %s", call, got)
			}
			if n := len(r.log.entries(t, "stopped without the driver's answer")); n != 1 {
				t.Errorf("%s: told %d times that it was not waited for", call, n)
			}
		})
	}
}

// A camera that could not be added is none that is known.
func TestDiscoveryTriesAgainWhatItCouldNotAdd(t *testing.T) {
	fails := 2
	origins = func(config.Camera) (origin, error) {
		if fails--; fails >= 0 {
			return nil, errors.New("too many open files")
		}
		return &webcam{}, nil
	}
	t.Cleanup(func() { origins = newOrigin })
	r := &rigged{log: &journal{}, dir: t.TempDir()}
	r.Agent = newTested(t, r, config.Defaults())
	lists := 0
	d := &discovery{agent: r.Agent, cfg: *r.Config, fingerprint: func() (string, error) { return "video0", nil }, devices: listing{list: func() ([]v4l2.Device, error) {
		lists++
		return []v4l2.Device{{Path: "/dev/video0", Name: "Cam", Identity: v4l2.Selector{Path: "/dev/video0"}, Formats: []v4l2.FormatInfo{{Code: "YUYV"}}}}, nil
	}}}
	var counts []int
	for range 5 {
		if err := d.look(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		counts = append(counts, len(r.list()))
	}
	if !slices.Equal(counts, []int{0, 0, 1, 1, 1}) || lists != 3 {
		t.Errorf("cameras after each look: %v; listed %d times", counts, lists)
	}
	if n := len(r.log.entries(t, "camera not added, trying again")); n != 1 {
		t.Errorf("the same failure was told %d times", n)
	}
	if err := r.closeCameras(nil); err != nil {
		t.Error(err)
	}
}

func TestListingThatHangsIsNotWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		released, lists := make(chan struct{}), 0
		l := &listing{list: func() ([]v4l2.Device, error) {
			lists++
			<-released
			return []v4l2.Device{{Path: "/dev/video0"}}, nil
		}}
		for range 3 {
			began := time.Now()
			if _, err := l.within(t.Context(), listLimit); !errors.Is(err, errListing) || time.Since(began) != listLimit {
				t.Errorf("got %v after %v", err, time.Since(began))
			}
		}
		close(released)
		devices, err := l.within(t.Context(), listLimit)
		if err != nil || len(devices) != 1 || lists != 1 {
			t.Errorf("%d devices of %d listings, %v", len(devices), lists, err)
		}
	})
}
