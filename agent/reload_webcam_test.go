package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture"
)

// change reloads with the camera's config changed.
func (r *rigged) change(t *testing.T, edit func(*config.Camera)) status.Reload {
	t.Helper()
	cfg := *r.ground.Load().Config
	cfg.Cameras = append([]config.Camera(nil), cfg.Cameras...)
	edit(&cfg.Cameras[0])
	r.Reread = func() (*config.Config, error) { return &cfg, nil }
	done, err := r.Reload(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// What becomes of frames may change without the device noticing.
func TestReloadKeepsTheDeviceOpen(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		later(0) // its stage rests, and its numbers may be read
		last := c.last
		done := r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 3 })
		if got := strings.Join(lines(done), "; "); got != "camera front: changed: quality; kept: source, outputs.model" {
			t.Error(got)
		}
		next := r.list()[0]
		if s := next.state.Load(); next == c || s.Phase != Publishing {
			t.Errorf("%v after a reload", s)
		}
		later(10 * frameInterval)
		if modes, restarts := w.calls(); len(modes) != 1 || restarts != 0 || w.closed != 0 {
			t.Errorf("opened in %v, restarted %d times, closed %d times", modes, restarts, w.closed)
		}
		if next.last != last+10 && next.last != last+11 {
			t.Errorf("frame %d after %d and ten intervals", next.last, last)
		}
	})
}

// Another mode is opened as the first one was; and numbers go on.
func TestReloadOpensTheDeviceInAnotherMode(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		later(0) // its stage rests, and its numbers may be read
		last := c.last
		r.change(t, func(c *config.Camera) { c.Mode.Rate = 20 })
		later(5 * frameInterval)
		if modes, _ := w.calls(); len(modes) != 2 || modes[1].Rate != 20 || w.closed != 1 {
			t.Errorf("opened in %v, closed %d times", modes, w.closed)
		}
		if now := r.list()[0]; now.last <= last || now.state.Load().Phase != Publishing {
			t.Errorf("frame %d after %d, %v", now.last, last, now.state.Load())
		}
	})
}

// A camera that is away is waited for by the new pipeline as by the old one.
func TestReloadDuringRecovery(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		w.set(func() {
			w.reads = capture.ErrGone
			w.opens = func(capture.Request) error { return capture.ErrNotFound }
		})
		later(10 * time.Second)
		if s := c.state.Load(); s.Phase != Waiting {
			t.Fatal(s)
		}
		const away = "camera not available, trying again"
		told := len(r.log.entries(t, away))
		r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 3 })
		later(10 * time.Second)
		next := r.list()[0]
		if s := next.state.Load(); s.Phase != Waiting || next == c {
			t.Errorf("%v", s)
		}
		w.set(func() { w.opens = nil })
		later(10 * time.Second)
		if s := next.state.Load(); s.Phase != Publishing {
			t.Errorf("%v after it came back", s)
		}
		if n := len(r.log.entries(t, away)) - told; n != 0 {
			t.Errorf("told %d times more that it is away", n)
		}
		if n := len(r.log.entries(t, "camera publishes again")); n != 1 {
			t.Errorf("told %d times that it is back", n)
		}
	})
}

// A driver that hangs in close is left behind, as at the end of the agent.
func TestReloadDoesNotWaitForADriverThatHangs(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.hangs = "close" })
		began := time.Now()
		done := r.change(t, func(c *config.Camera) { c.Mode.Rate = 20 })
		if took := time.Since(began); took > stopLimit || done.Changes[0].Trouble != "" {
			t.Errorf("%v, %s", took, done.Changes[0])
		}
		later(5 * frameInterval)
		if s := r.list()[0].state.Load(); s.Phase != Publishing {
			t.Errorf("%v", s)
		}
		if err := r.monitor.Check(); err != nil {
			t.Error(err)
		}
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		later(time.Second)
	})
}

// One that does not stop, as one inside C++, changes when it has, which is told; until
// then no other reload touches it.
func TestReloadTellsOfACameraThatDoesNotStop(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		w.set(func() { w.hangs = "return" })
		later(frameInterval)
		began := time.Now()
		done := r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 3 })
		if took := time.Since(began); took != stopLimit || !strings.Contains(done.Changes[0].Trouble, "did not stop within") || r.list()[0] != c {
			t.Errorf("%v, %s", took, done.Changes[0])
		}
		if _, err := r.Reload(context.Background()); err == nil || err.Error() != "camera front: it has not stopped yet since the last reload" {
			t.Error(err)
		}
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		later(5 * frameInterval)
		next := r.list()[0]
		if s := next.state.Load(); next == c || s.Phase != Publishing {
			t.Errorf("%v", s)
		}
		if n := len(r.log.entries(t, "config changed, as the camera has stopped at last")); n != 1 {
			t.Errorf("told %d times", n)
		}
		if done := r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 4 }); done.Changes[0].Trouble != "" {
			t.Error(done.Changes[0])
		}
		later(frameInterval)
	})
}

// Nor does one that comes between the end of that camera and the change.
func TestReloadLeavesACameraToTheOneThatWaitsForIt(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		w.set(func() { w.hangs = "return" })
		later(frameInterval)
		r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 3 })
		if err := r.building.take(context.Background()); err != nil {
			t.Fatal(err)
		}
		again := make(chan error)
		go func() {
			_, err := r.Reload(context.Background())
			again <- err
		}()
		later(0) // it is the first that waits to build
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		later(time.Second)
		r.building.give()
		if err := <-again; err == nil || c.leaving.Load() {
			t.Errorf("%v, stopping: %v", err, c.leaving.Load())
		}
		later(5 * frameInterval)
		if next := r.list()[0]; next == c || next.awaited || next.state.Load().Phase != Publishing {
			t.Errorf("%v", next.state.Load())
		}
	})
}

// A recording that is at its end begins anew, and is not told to have ended.
func TestSuccessorOfARecordingAtItsEndOpensIt(t *testing.T) {
	a := newAgent(t, "isolation: none\ncameras: {front: {device: {pattern: bars}}}\n")
	before := a.list()[0]
	before.state.Store(&State{Phase: Ended})
	next, err := a.prepare(a.ground.Load(), a.Config.Cameras[0], before)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.follow(before), next.close()); err != nil {
		t.Error(err)
	}
	if p := next.state.Load().Phase; p != Opening {
		t.Errorf("%v", p)
	}
}

// A panic over a new config is one more fault of it, and the next one may come.
func TestReloadContainsAPanic(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, _ *webcam) {
		r.Reread = func() (*config.Config, error) { panic("what is this?") }
		for range 2 {
			if _, err := r.Reload(context.Background()); err == nil || !strings.HasPrefix(err.Error(), "panic: what is this?") {
				t.Error(err)
			}
		}
		if s := r.Status().Config; s.Refused != 2 || s.Fault != "panic: what is this?" || r.list()[0] != c {
			t.Errorf("%+v", s)
		}
	})
}

// The agent may be told to stop in the middle of a reload.
func TestStopDuringReload(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, w *webcam) {
		w.set(func() { w.hangs = "return" })
		later(frameInterval)
		reloaded := make(chan struct{})
		go func() {
			defer close(reloaded)
			r.change(t, func(c *config.Camera) { c.Quality.BlackBelow = 3 })
		}()
		later(100 * time.Millisecond)
		r.stop()
		later(100 * time.Millisecond)
		w.set(func() { close(w.released); w.released = make(chan struct{}) })
		err := <-r.done
		<-reloaded
		if n := len(r.log.entries(t, "camera did not stop in time")); n != 0 || err != nil {
			t.Errorf("told %d times, %v", n, err)
		}
		r.done <- nil // for the account
	})
}

// A reload that nobody waits for any more is not begun; one that was begun is done to
// the end.
func TestReloadOfACallerThatIsGone(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		ctx, cancel := context.WithCancel(context.Background())
		r.Reread = func() (*config.Config, error) { cancel(); return r.ground.Load().Config, nil }
		for range 2 {
			if _, err := r.Reload(ctx); !errors.Is(err, context.Canceled) || r.list()[0] != c {
				t.Error(err)
			}
		}
		if c := r.Status().Config; c.Refused != 0 {
			t.Errorf("%+v", c)
		}
	})
}
