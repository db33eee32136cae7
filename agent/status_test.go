package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/metrics"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

// While a stage is stuck, wherever it is, the status is to be had at once, and
// says what is stuck and since when.
func TestStatusOfAStageThatIsStuck(t *testing.T) {
	for call, want := range map[string]string{
		"read":   "read: the driver does not return",
		"return": "no good frame",
	} {
		t.Run(call, func(t *testing.T) {
			filmed(t, func(r *rigged, c *camera, w *webcam) {
				if s := r.Status(); !s.Healthy || len(s.Reasons) != 0 || s.Degraded || s.Cameras[0].PublishRate < 1 {
					t.Errorf("before: %+v", s)
				}
				began := time.Now()
				w.set(func() { w.hangs = call })
				later(hangAfter + 5*time.Second)
				s := r.Status()
				if time.Since(began) != hangAfter+5*time.Second {
					t.Error("the status took its time")
				}
				front := s.Cameras[0]
				if s.Healthy || s.Ready || front.Healthy || front.Reason != want || front.PublishRate != 0 || front.InFlight == 0 && call == "return" {
					t.Errorf("%+v", s)
				}
				if since := front.ReasonSince.Sub(began); call == "return" && (since < -frameInterval || since > frameInterval) {
					t.Errorf("since %v", since)
				}
				i := slices.IndexFunc(s.Reasons, func(r status.Reason) bool {
					return r.Camera == "" && strings.HasPrefix(r.Text, "a stage is stuck: front process: no progress")
				})
				if call == "return" && (s.Alive || i != 0) {
					t.Errorf("alive: %v, %+v", s.Alive, s.Reasons)
				}
				w.set(func() { close(w.released); w.released = make(chan struct{}) })
				later(8 * time.Second)
				if s := r.Status(); !s.Healthy || !s.Alive || len(s.Reasons) != 0 {
					t.Errorf("after: %+v", s.Reasons)
				}
			})
		})
	}
}

// A camera that is away has been so since it left, however often it was tried.
func TestStatusSaysSinceWhen(t *testing.T) {
	filmed(t, func(r *rigged, c *camera, w *webcam) {
		away := fmt.Errorf("open: %w", capture.ErrNotFound)
		w.set(func() { w.reads = capture.ErrGone; w.opens = func(capture.Request) error { return away } })
		began := time.Now()
		later(20 * time.Second)
		s := r.Status()
		front := s.Cameras[0]
		if front.State != "waiting" || front.Since.Sub(began) > time.Second || front.Reason != away.Error() || !front.ReasonSince.Equal(front.Since) {
			t.Errorf("%+v", front)
		}
		if err := r.Ready(); err == nil || !strings.Contains(err.Error(), "camera front: ") {
			t.Errorf("ready: %v", err)
		}
		w.set(func() { w.opens = nil })
		later(5 * time.Second)
		if s := r.Status(); !s.Ready || s.Cameras[0].Reason != "" || s.Cameras[0].Recoveries["wait"] == 0 {
			t.Errorf("back: %+v", s)
		}
	})
}

// A reason that has no time of its own has been there since it was noticed, whether
// somebody asks or not.
func TestStatusSaysSinceWhenItIsDegraded(t *testing.T) {
	filmed(t, func(r *rigged, _ *camera, _ *webcam) {
		short := "memory 350 of 400 MiB: previews are paused"
		r.budget.shown.Store(&short)
		began := time.Now()
		later(time.Minute)
		s := r.Status()
		if !s.Healthy || !s.Degraded || len(s.Reasons) != 1 || s.Reasons[0].Text != short || s.Reasons[0].Since.Sub(began) > status.LatencyWindow {
			t.Fatalf("%v %v %+v", s.Healthy, s.Degraded, s.Reasons)
		}
		since := *s.Reasons[0].Since
		if later(time.Minute); !r.Status().Reasons[0].Since.Equal(since) {
			t.Error("it begins anew")
		}
		none := ""
		r.budget.shown.Store(&none)
		if s := r.Status(); s.Degraded || len(r.known.at) != 0 {
			t.Errorf("%+v", s.Reasons)
		}
	})
}

// What the status says of a running agent adds up, has every name from the start,
// and metrics are made of it.
func TestStatusAddsUp(t *testing.T) {
	r := start(t, `
cameras:
  front: {device: {pattern: bars}, mode: {size: 64x64, rate: 100}, outputs: {model: {size: 32x32}}}
  back: {device: {replay: /nowhere.mjpg}, outputs: {model: {size: 32x32}}}
`)
	r.until(t, "20 frames", func() bool { return r.publishedBy() >= 20 })
	r.until(t, "rates", func() bool { return r.Status().Cameras[0].PublishRate > 50 })
	s := r.Status()
	front, back := s.Cameras[0], s.Cameras[1]
	if !front.Healthy || front.Format != "YUYV 64x64" || front.Worker == nil || front.Worker.PID == 0 || front.Worker.MemoryBytes == 0 || front.Verdict != "good" {
		t.Errorf("front: %+v", front)
	}
	if back.Healthy || back.State != "waiting" || !strings.Contains(back.Reason, "nowhere") || back.ReasonSince == nil {
		t.Errorf("back: %+v", back)
	}
	if s.Ready || s.Healthy || !s.Alive || s.Degraded || len(s.Reasons) != 1 || s.Reasons[0].Camera != "back" {
		t.Errorf("%+v", s.Reasons)
	}
	if names := slices.Sorted(maps.Keys(front.Dropped)); len(names) != len(dropNames) {
		t.Errorf("drops: %v", names)
	}
	if len(front.Outputs) != 3 || front.Outputs[0].Kind != "ring" || front.Outputs[1].Kind != "http" || front.Outputs[2].Name != viewName || !strings.HasSuffix(front.Outputs[0].Address, "/front/model.sock") {
		t.Errorf("outputs: %+v", front.Outputs)
	}
	if s.Resources.MemoryBytes < 1<<20 || s.Resources.MemoryLimitBytes == 0 || s.Resources.Descriptors == 0 || s.Resources.Threads == 0 {
		t.Errorf("%+v", s.Resources)
	}
	r.stop()
	r.finished(t)
	s = r.Status()
	front = s.Cameras[0]
	sum := front.Published
	for _, n := range front.Dropped {
		sum += n
	}
	if front.Captured != sum || front.InFlight != 0 {
		t.Errorf("the account: %+v", front.Account)
	}
	if n := front.Age.Count; n != front.Published || front.Age.P50Seconds == nil || *front.Age.P50Seconds > *front.Age.MaxSeconds {
		t.Errorf("age of %d frames, %d published: %+v", n, front.Published, front.Age)
	}
	for _, stage := range front.Stages {
		var n uint64
		for _, count := range stage.Counts {
			n += count
		}
		if n != stage.Count || n < front.Published || n > front.Captured {
			t.Errorf("%s: %+v", stage.Name, stage)
		}
	}
	w := httptest.NewRecorder()
	metrics.Handler(r.Status).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if line := fmt.Sprintf("edge_agent_frames_published_total{camera=\"front\"} %d\n", front.Published); !strings.Contains(w.Body.String(), line) {
		t.Errorf("no line %s", line)
	}
}

// A reader may rely on each member to be there: a null is one that has not happened.
func TestStatusHasEveryMemberFromTheStart(t *testing.T) {
	text, err := json.Marshal(newAgent(t, `cameras: {front: {device: {serial: X}, outputs: {model: {size: 32x32}}}}`).Status())
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{`"reasons":[`, `"verdict":"good"`, `"verdict_since":null`, `"last_published_seconds_ago":null`,
		`"p99_seconds":null`, `"evicted":0`, `"usb-reset":0`, `"frozen":0`, `"crashed":0`, `"temperature_celsius":`} {
		if !strings.Contains(string(text), member) {
			t.Errorf("no %s in %s", member, text)
		}
	}
}

func TestReasonsAreBounded(t *testing.T) {
	for text, want := range map[string]string{
		"short":                           "short",
		"panic: x\ngoroutine 1 [running]": "panic: x",
		strings.Repeat("ä", 400):          strings.Repeat("ä", maxReason/2) + "...",
		"bad \xff byte":                   "bad ? byte",
	} {
		if got := brief(errors.New(text)); got != want {
			t.Errorf("%q: got %q", text, got)
		}
	}
}

// newAgent has the cameras of a config and is not running.
func newAgent(t testing.TB, yaml string) *Agent {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "agent") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{Config: cfg, Log: zerolog.Nop(), RuntimeDir: dir, StateDir: dir, Notifier: systemd.NewNotifier()})
	if err := a.build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(a.closeCameras(nil), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return a
}

// The bound of agent(8), with the words that there really are.
func TestSeriesOfARealDeviceAreBounded(t *testing.T) {
	var yaml strings.Builder
	yaml.WriteString("isolation: none\ncameras:\n")
	for i := range 16 {
		fmt.Fprintf(&yaml, "  cam%d:\n    device: {pattern: bars}\n    mode: {size: 64x64}\n    outputs:\n", i)
		for j := range 8 {
			fmt.Fprintf(&yaml, "      o%d: {size: 8x8}\n", j)
		}
	}
	a := newAgent(t, yaml.String())
	w := httptest.NewRecorder()
	metrics.Handler(a.Status).ServeHTTP(w, nil)
	n := 0
	for line := range strings.Lines(w.Body.String()) {
		if line[0] != '#' {
			n++
		}
	}
	if t.Logf("%d series", n); n < 16*100 || n > 50+16*(150+8*2*5) { // a ring and HTTP
		t.Errorf("%d series", n)
	}
}

// discard is a client that takes everything at once.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkStatus is the status of 16 cameras that have run, and its JSON.
func BenchmarkStatus(b *testing.B) {
	var yaml strings.Builder
	yaml.WriteString("cameras:\n")
	for i := range 16 {
		fmt.Fprintf(&yaml, "  cam%d: {device: {pattern: bars}, mode: {size: 64x64, rate: 10}, outputs: {model: {size: 32x32}}}\n", i)
	}
	r := start(b, yaml.String())
	r.until(b, "frames", func() bool { return r.publishedBy() > 100 })
	b.Run("taken", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			r.Status()
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			text, err := json.Marshal(r.Status())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(text)), "bytes")
		}
	})
	handler := metrics.Handler(r.Status)
	b.Run("metrics", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			w := discard{http.Header{}}
			handler.ServeHTTP(&w, nil)
		}
	})
	r.stop()
	r.finished(b)
}
