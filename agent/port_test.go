package agent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// authorized is what the kernel was told last of the camera's port, and whether
// a reset is on record.
func (w *webcam) authorized(t *testing.T) (value string, recorded bool) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(w.port, "authorized"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = os.Stat(filepath.Join(filepath.Dir(w.port), ".usb-reset.front"))
	return string(b), err == nil
}

func TestPortThatWasLeftForgottenIsWelcome(t *testing.T) {
	filmedWith(t, &webcam{port: "1-1"}, "{usb-reset: true}", func(r *rigged, _ *camera, w *webcam) {
		if value, recorded := w.authorized(t); value != "1" || recorded || r.state() != "publishing" {
			t.Errorf("authorized %s, on record %v, %s", value, recorded, r.state())
		}
	})
}

func TestWedgedCameraHasItsPortReset(t *testing.T) {
	filmedWith(t, &webcam{port: "1-1"}, "{usb-reset: true}", func(r *rigged, c *camera, w *webcam) {
		w.set(func() {
			w.reads = capture.ErrStream
			w.restarts = errors.New("stream on: EPROTO")
			w.opens = func(capture.Request) error {
				if len(r.log.entries(t, "USB port of the camera was reset")) > 0 {
					return nil
				}
				return errors.New("set format: EPROTO")
			}
		})
		later(20 * time.Second)
		if value, recorded := w.authorized(t); value != "1" || recorded || r.state() != "publishing, fallback 2 of 2" {
			t.Errorf("authorized %s, on record %v, %s", value, recorded, r.state())
		}
		if n := len(r.log.entries(t, "USB port of the camera was reset")); n != 1 {
			t.Errorf("reset %d times", n)
		}
		if got := r.steps(t); got != "publishes lost restart-stream lost reopen lost lower reopen lower reopen again" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestPortIsResetUnderACallThatHangs(t *testing.T) {
	filmedWith(t, &webcam{port: "1-1"}, "{usb-reset: true}", func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.hangs, w.reads = "close", capture.ErrGone })
		later(hangAfter + 10*time.Second)
		if n := len(r.log.entries(t, "USB port of the camera was reset")); n != 1 {
			t.Errorf("reset %d times", n)
		}
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		later(5 * time.Second)
		if r.state() != "publishing" {
			t.Error(r.state())
		}
	})
}

// The reset may hang as its camera does, and it may come to nothing: in the end
// it is the watchdog's.
func TestResetThatHangsKeepsNobody(t *testing.T) {
	filmedWith(t, &webcam{port: "1-1"}, "{usb-reset: true}", func(r *rigged, c *camera, w *webcam) {
		w.set(func() { w.hangs, w.reads = "read", nil })
		later(10 * time.Second)
		w.set(func() { w.hangs = "port" })
		later(2*hangAfter + kernelPatience + 5*time.Second)
		if err := r.monitor.Check(); err == nil || !strings.Contains(err.Error(), "front capture: no progress") {
			t.Error(err)
		}
		if got := r.steps(t); !strings.HasSuffix(got, " process") {
			t.Errorf("told: %s", got)
		}
	})
}

func TestPortIsLeftAloneUnlessTheConfigSaysSo(t *testing.T) {
	filmedWith(t, &webcam{port: "1-1"}, "{}", func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.hangs, w.reads = "close", capture.ErrGone })
		later(hangAfter + 10*time.Second)
		if value, _ := w.authorized(t); value != "0" || !strings.HasSuffix(r.steps(t), " process") {
			t.Errorf("authorized %s, told: %s", value, r.steps(t))
		}
	})
}
