package agent

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
)

// steps are the remedies and other events of the log, in their order.
func (r *rigged) steps(t *testing.T) string {
	t.Helper()
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	var got []string
	for line := range strings.Lines(r.log.buf.String()) {
		for message, word := range map[string]string{
			"camera failed, next remedy": "next", "camera goes down": "lower", "camera is tried": "raise", "camera holds again": "settled",
			"camera publishes again": "again", `"camera publishes"`: "publishes", "camera not available": "lost",
		} {
			if strings.Contains(line, message) {
				if _, rung, ok := strings.Cut(line, `"rung":"`); ok && word == "next" {
					word, _, _ = strings.Cut(rung, `"`)
				}
				got = append(got, word)
			}
		}
	}
	return strings.Join(got, " ")
}

// later lets time pass, and what is to happen then happen.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (r *rigged) state() string { return r.list()[0].state.Load().String() }

func TestStalledStreamIsBegunAnewOnTheOpenDevice(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.reads = fmt.Errorf("read: %w", capture.ErrStalled) })
		later(5 * time.Second)
		if modes, restarted := w.calls(); len(modes) != 1 || restarted != 1 || r.state() != "publishing" {
			t.Errorf("opened %d times, restarted %d times, %s", len(modes), restarted, r.state())
		}
		later(recovery.Quiet)
		if got := r.steps(t); got != "publishes lost restart-stream again settled" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestRestartThatFailsLeadsToTheNextRung(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		w.set(func() {
			w.reads, w.restarts = fmt.Errorf("read: %w", capture.ErrStream), errors.New("stream on: EIO")
		})
		later(5 * time.Second)
		if modes, restarted := w.calls(); len(modes) != 2 || restarted != 1 || r.state() != "publishing" {
			t.Errorf("opened %d times, restarted %d times, %s", len(modes), restarted, r.state())
		}
		if got := r.steps(t); got != "publishes lost restart-stream lost reopen again" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestNoRoomOnTheBusIsALowerModeUntilThereIs(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		room := 5.0
		w.set(func() {
			w.reads = capture.ErrGone
			w.opens = func(m capture.Request) error {
				if m.Rate > room {
					return fmt.Errorf("stream on: %w", capture.ErrBandwidth)
				}
				return nil
			}
		})
		later(5 * time.Second)
		if got := r.state(); got != "publishing, fallback 2 of 2" {
			t.Error(got)
		}
		if modes, _ := w.calls(); modes[len(modes)-1] != (capture.Request{Width: 64, Height: 48, Rate: 5}) {
			t.Errorf("opened in %v", modes)
		}
		later(recovery.FirstRaise) // tried in vain
		if got := r.state(); got != "publishing, fallback 2 of 2" {
			t.Error(got)
		}
		w.set(func() { room = 30 })
		later(2*recovery.FirstRaise + 5*time.Second)
		if got := r.state(); got != "publishing, fallback 1 of 2" {
			t.Error(got)
		}
		later(2*recovery.FirstRaise + 5*time.Second)
		if got := r.state(); got != "publishing" {
			t.Error(got)
		}
		if got := r.steps(t); got != "publishes lost lost lower lower again settled raise lost lower again settled raise publishes raise publishes" {
			t.Errorf("told: %s", got)
		}
	})
}

// The first of the modes is what a device gives up that gets too hot, say.
func TestShortageOfTheDeviceIsALowerMode(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		list := rungs(r.Config)
		if len(list) != 3 || !strings.Contains(list[0].what, "fallback modes") {
			t.Fatalf("%+v", list)
		}
		list[0].apply(r.budget, true)
		later(3 * time.Second)
		if got := r.state(); got != "publishing, fallback 1 of 2" {
			t.Error(got)
		}
		later(2 * recovery.FirstRaise)
		list[0].apply(r.budget, false)
		later(3 * time.Second)
		if modes, _ := w.calls(); len(modes) != 3 || modes[1].Rate != 15 || modes[2].Rate != 30 || r.state() != "publishing" {
			t.Errorf("%s, opened in %v", r.state(), modes)
		}
		if got := r.steps(t); got != "publishes lower publishes raise publishes" {
			t.Errorf("told: %s", got)
		}
	})
}

func TestPermissionsThatUdevHasYetToSetAreNotTold(t *testing.T) {
	for _, lasts := range []time.Duration{udevTime / 2, 5 * udevTime} {
		filmed(t, func(r *rigged, _ *camera, w *webcam) {
			var since time.Time
			w.set(func() {
				w.reads = capture.ErrGone
				w.opens = func(capture.Request) error {
					if since.IsZero() {
						since = time.Now()
					}
					if time.Since(since) < lasts {
						return fmt.Errorf("open: %w", capture.ErrPermission)
					}
					return nil
				}
			})
			later(lasts + 5*time.Second)
			want := "publishes lost again"
			if lasts > udevTime {
				want = "publishes lost lost again"
			}
			if got := r.steps(t); got != want {
				t.Errorf("for %v: told: %s, want %s", lasts, got, want)
			}
		})
	}
}

// Whichever call hangs, the camera's own goroutine does not: it tells, finds the
// camera elsewhere, and leaves the call behind.
func TestCallThatHangsIsLeftBehind(t *testing.T) {
	for call, trigger := range map[string]error{"read": nil, "restart": capture.ErrStalled, "close": capture.ErrGone, "open": capture.ErrGone} {
		t.Run(call, func(t *testing.T) {
			filmed(t, func(r *rigged, c *camera, w *webcam) {
				w.set(func() { w.hangs, w.reads = call, trigger })
				later(hangAfter + 10*time.Second)
				if got := r.state(); !strings.Contains(got, "the driver does not return") || !strings.HasPrefix(got, "waiting (") {
					t.Error(got)
				}
				if got := r.steps(t); !strings.HasSuffix(got, " process") {
					t.Errorf("told: %s", got)
				}
				if err := r.monitor.Check(); err != nil {
					t.Errorf("after %v: %v", hangAfter, err)
				}
				w.set(func() { w.moved = true })
				later(5 * time.Second)
				w.set(func() { w.moved = false })
				published := c.ledger.published.Load()
				later(kernelPatience)
				if got := r.state(); got != "publishing" || c.ledger.published.Load() < published+20 {
					t.Errorf("%s, %d frames after %d", got, c.ledger.published.Load(), published)
				}
				if err := r.monitor.Check(); err != nil {
					t.Errorf("a call that was left behind: %v", err)
				}
			})
		})
	}
}

func TestCallThatHangsForEverIsTheWatchdogs(t *testing.T) {
	for _, call := range []string{"read", "close"} {
		filmed(t, func(r *rigged, c *camera, w *webcam) {
			w.set(func() { w.hangs, w.reads = call, capture.ErrGone })
			later(kernelPatience - 2*time.Second)
			if err := r.monitor.Check(); err != nil || !c.givenUp().IsZero() {
				t.Errorf("%s: before %v: %v, given up at %v", call, kernelPatience, err, c.givenUp())
			}
			later(7 * time.Second)
			if err := r.monitor.Check(); err == nil || !strings.Contains(err.Error(), "front capture: no progress") || c.givenUp().IsZero() {
				t.Errorf("%s: %v, given up at %v", call, err, c.givenUp())
			}
		})
	}
}

// A process that was given up for a driver that hangs is not given up for it
// again within the hour: the other cameras have nothing of it.
func TestNextProcessIsSparedFromADriverThatHangsAgain(t *testing.T) {
	for age, spared := range map[time.Duration]bool{time.Minute: true, recovery.ProcessPeriod: false} {
		w := &webcam{given: age}
		filmedWith(t, w, "{}", func(r *rigged, _ *camera, w *webcam) {
			w.set(func() { w.hangs = "read" })
			later(hangAfter + kernelPatience + 5*time.Second)
			if err := r.monitor.Check(); (err == nil) != spared {
				t.Errorf("%v after a process was given up: %v; %s", age, err, r.steps(t))
			}
			if got := r.state(); got != "waiting (read: the driver does not return)" {
				t.Error(got)
			}
		})
	}
}

// A driver that takes its time is no worse for it: what it gave in the end is used.
func TestCallThatReturnsAfterAllIsGoneOnWith(t *testing.T) {
	for call, test := range map[string]struct {
		trigger error
		opened  int
	}{"read": {nil, 1}, "restart": {capture.ErrStalled, 1}, "close": {capture.ErrGone, 2}, "open": {capture.ErrGone, 2}} {
		filmed(t, func(r *rigged, c *camera, w *webcam) {
			w.set(func() { w.hangs, w.reads = call, test.trigger })
			later(hangAfter + 5*time.Second)
			w.set(func() { close(w.released); w.released = make(chan struct{}) })
			later(5 * time.Second)
			if got := r.state(); got != "publishing" {
				t.Errorf("%s: %s", call, got)
			}
			if modes, _ := w.calls(); len(modes) != test.opened || !c.givenUp().IsZero() {
				t.Errorf("%s: opened %d times, want %d; given up at %v", call, len(modes), test.opened, c.givenUp())
			}
		})
	}
}
