package agent

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// frameInterval never falls together with what happens once a second.
const frameInterval = 730 * time.Millisecond

// A webcam is a live camera in the time of a bubble, which delivers unless a test
// makes it fail. It stands at the kernel's boundary.
type webcam struct {
	mu       sync.Mutex
	opens    func(capture.Request) error // nil opens
	reads    error                       // what a Read fails with, once
	restarts error                       // what a Restart fails with
	hangs    string                      // the call that hangs
	released chan struct{}               // ends what hangs
	fault    capture.Fault               // of its frames
	moved    bool
	port     string        // its device in sysfs
	given    time.Duration // how long ago a process was given up for it

	modes             []capture.Request // as opened
	restarted, closed int
	sequence          uint64
	returned          int
}

func (w *webcam) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// calls are the modes in which it was opened, and how often its stream was
// begun anew.
func (w *webcam) calls() ([]capture.Request, int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.modes), w.restarted
}

// in is what each call into the driver begins with.
func (w *webcam) in(call string) {
	w.mu.Lock()
	hang, released := w.hangs == call, w.released
	if hang {
		w.hangs = ""
	}
	w.mu.Unlock()
	if hang {
		<-released
	}
}

func (w *webcam) Open(_ context.Context, mode capture.Request) (capture.Source, error) {
	w.in("open")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opens != nil {
		if err := w.opens(mode); err != nil {
			return nil, err
		}
	}
	w.modes = append(w.modes, mode)
	return &webcamSource{w}, nil
}

func (w *webcam) Moved() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moved
}

func (w *webcam) Port() (v4l2.Port, error) { w.in("port"); return v4l2.Port(w.port), nil }

func (w *webcam) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (w *webcam) Close() error                   { return nil }

func (w *webcam) Return(*capture.Frame) {
	w.in("return")
	w.set(func() { w.returned++ })
}

type webcamSource struct {
	*webcam
}

func (s *webcamSource) Read(ctx context.Context) (*capture.Frame, error) {
	s.in("read")
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(frameInterval):
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reads; err != nil {
		s.reads = nil
		return nil, err
	}
	f := &capture.Frame{Format: grey, Sequence: s.sequence, Fault: s.fault, Timestamp: capture.Monotonic(), Dequeued: capture.Monotonic()}
	s.sequence++
	f.Planes[0] = make([]byte, grey.PlaneBytes(0))
	f.Lend(s.webcam)
	return f, nil
}

func (s *webcamSource) Restart() error {
	s.in("restart")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.restarted++
	return s.restarts
}

func (s *webcamSource) Format() capture.Format { return grey }

func (s *webcamSource) Close() error {
	s.in("close")
	s.set(func() { s.closed++ })
	return nil
}

// newTested is an agent that is not running, and nobody can ask it: in a bubble, no
// time goes by while a socket is listened to.
func newTested(t *testing.T, r *rigged, cfg *config.Config) *Agent {
	t.Helper()
	cfg.HTTP.Listen = netip.AddrPort{}
	a := New(Options{Config: cfg, Log: zerolog.New(r.log), RuntimeDir: r.dir, StateDir: filepath.Join(r.dir, "state"), Notifier: systemd.NewNotifier()})
	a.control = nil
	return a
}

// filmed runs an agent with one webcam in a bubble, until film returns.
func filmed(t *testing.T, film func(r *rigged, c *camera, w *webcam)) {
	t.Helper()
	filmedWith(t, &webcam{}, "{}", film)
}

// filmedWith is filmed for a webcam with something special, and with other keys
// under recovery.
func filmedWith(t *testing.T, w *webcam, keys string, film func(r *rigged, c *camera, w *webcam)) {
	t.Helper()
	origins = func(config.Camera) (origin, error) { return w, nil }
	t.Cleanup(func() { origins = newOrigin })
	dir := t.TempDir()
	if w.port != "" {
		w.port = filepath.Join(dir, "1-1")
		if err := errors.Join(os.Mkdir(w.port, 0o700), os.WriteFile(filepath.Join(w.port, "authorized"), []byte("0"), 0o600),
			os.WriteFile(filepath.Join(dir, ".usb-reset.front"), []byte(w.port), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		w.released = make(chan struct{})
		if w.given > 0 {
			at := strconv.AppendInt(nil, int64(capture.Monotonic()-w.given), 10)
			if err := os.WriteFile(filepath.Join(dir, ".hang.front"), at, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cfg, err := config.Parse("test.yaml", []byte(`
isolation: none
quarantine: {keep: 0}
cameras:
  front:
    device: {serial: X}
    mode: {size: 64x48, rate: 30}
    fallback: [{rate: 15}, {rate: 5}]
    recovery: `+keys+`
    outputs: {model: {size: 8x8, files: {dir: model, keep: 1MiB}}}
`))
		if err != nil {
			t.Fatal(err)
		}
		cfg.Cameras[0].Quality = preproc.Quality{}
		r := &rigged{log: &journal{}, dir: dir, done: make(chan error, 1)}
		r.Agent = newTested(t, r, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		r.stop = cancel
		go func() { r.done <- r.Run(ctx) }()
		time.Sleep(3500 * time.Millisecond) // between two frames
		film(r, r.list()[0], w)
		r.stop()
		r.finished(t)
		w.set(func() { close(w.released) })
		synctest.Wait()
		if a := r.list()[0].ledger.Account(); a.InFlight != 0 || a.Balanced() != nil || int(a.Captured) != w.returned {
			t.Errorf("%d returned of %+v", w.returned, a)
		}
		if w.closed != len(w.modes) {
			t.Errorf("opened %d times, closed %d times", len(w.modes), w.closed)
		}
	})
}
