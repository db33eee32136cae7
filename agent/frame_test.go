package agent

import (
	"fmt"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
)

// A camera whose every frame ends a worker is the cause, as far as anybody can
// tell: it is opened again.
func TestStormOfWorkersIsTheCamerasFault(t *testing.T) {
	cfg := config.Defaults()
	cam := cfg.Add("crash-1", config.Device{Serial: "X"})
	cam.Queue.Policy = config.Block // each frame gets its turn
	s := &script{format: grey, openings: []opening{{frames: frames(1, 2, 3, 4, 5, 6, 7, 8)}}}
	origins = func(config.Camera) (origin, error) { return s, nil }
	t.Cleanup(func() { origins = newOrigin })
	r := startConfig(t, cfg)
	r.finished(t)
	a := r.list()[0].ledger.Account()
	if a.Dropped["crashed"] != stormAfter || a.Published != 0 || s.opened.Load() != 2 {
		t.Errorf("opened %d times, %+v", s.opened.Load(), a)
	}
	if got := r.steps(t); got != "lost reopen" {
		t.Errorf("told: %s", got)
	}
}

// A panic costs the frame, and the frame is counted once, wherever it panics.
func TestPanicIsAccountedForOnce(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(c *camera)
		want  string
	}{
		"before it is published": {func(c *camera) { c.quality.judge = nil }, "0 published, map[failed:1]"},
		"after it is published":  {func(c *camera) { c.changed = nil }, "1 published, map[]"},
	} {
		cfg := config.Defaults()
		cfg.Isolation = config.None
		cfg.AddPattern()
		w := &webcam{}
		origins = func(config.Camera) (origin, error) { return w, nil }
		t.Cleanup(func() { origins = newOrigin })
		r := &rigged{log: &journal{}, dir: t.TempDir()}
		r.Agent = newTested(t, r, cfg)
		c, err := r.newCamera(cfg.Cameras[0])
		if err != nil {
			t.Fatal(err)
		}
		defer c.close()
		if err := c.fit(grey); err != nil {
			t.Fatal(err)
		}
		test.spoil(c)
		f := &capture.Frame{Format: grey}
		f.Planes[0] = make([]byte, grey.PlaneBytes(0))
		f.Lend(w)
		c.ledger.capture(f)
		c.process(t.Context(), f)
		a := c.ledger.Account()
		if got := fmt.Sprintf("%d published, %v", a.Published, a.Dropped); got != test.want || a.InFlight != 0 || a.Balanced() != nil || w.returned != 1 {
			t.Errorf("%s: %s, want %s; %+v, %v", name, got, test.want, a, a.Balanced())
		}
	}
}
