package web_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// brief is for who waits for an image that never comes.
const brief = 300 * time.Millisecond

// A studio is a camera with a view, a JPEG output and a tensor, whose pipeline is
// the test.
type studio struct {
	view, preview, model *web.Tap
	trouble              atomic.Pointer[error]
	sequence             uint64
}

func newStudio() *studio { return newPatient(20 * time.Second) }

func newPatient(patience time.Duration) *studio {
	s := &studio{}
	tap := func(spec preproc.Spec) *web.Tap {
		return web.NewTap(web.TapConfig{Camera: "front", Spec: spec, View: spec.Name == ".view", Patience: patience, Trouble: func() error {
			if err := s.trouble.Load(); err != nil {
				return *err
			}
			return nil
		}})
	}
	s.view = tap(preproc.Spec{Name: ".view", Encode: preproc.JPEG})
	s.preview = tap(preproc.Spec{Name: "preview", Encode: preproc.JPEG})
	s.model = tap(preproc.Spec{Name: "model", Width: 4, Height: 2, DType: preproc.Float32, Layout: preproc.CHW})
	return s
}

func (s *studio) handlers() web.Handlers {
	return web.Handlers{Cameras: func() []web.Camera {
		return []web.Camera{
			{Name: "front", View: s.view, Outputs: []*web.Tap{s.preview, s.model}},
			{Name: "rear", Blind: "8 outputs leave no room for it"},
		}
	}}
}

// shoot is one frame: each tap that wants it gets n bytes of its number.
func (s *studio) shoot(t testing.TB, n int) {
	t.Helper()
	s.sequence++
	img := &preproc.Image{Width: 4, Height: 2, CameraWidth: 8, CameraHeight: 4, Geometry: preproc.Geometry{XX: 2, YY: 2},
		Sequence: s.sequence, Timestamp: capture.Monotonic() - 5*time.Millisecond, Verdict: preproc.Black}
	for _, tap := range []*web.Tap{s.view, s.preview, s.model} {
		if !tap.Wanted() {
			continue
		}
		img.Data = make([]byte, n)
		for i := range img.Data {
			img.Data[i] = byte(s.sequence)
		}
		if err := tap.Write(t.Context(), img); err != nil && !errors.Is(err, output.ErrUnwanted) {
			t.Error(err)
		}
	}
}

// film shoots frames of n bytes until the test ends.
func (s *studio) film(t testing.TB, n int, interval time.Duration) {
	t.Helper()
	done := make(chan struct{})
	var filming sync.WaitGroup
	filming.Go(func() {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				s.shoot(t, n)
			}
		}
	})
	t.Cleanup(func() { close(done); filming.Wait() })
}

func TestStillIsTheNextImageWithWhatIsKnownOfIt(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	st.film(t, 96, time.Millisecond)
	for path, mime := range map[string]string{
		"snapshot.jpg": "image/jpeg", "preview.jpg": "image/jpeg", "model.npy": "application/octet-stream",
	} {
		resp, body := get(t, client(t), s.url+"/cameras/front/"+path, nil)
		h := resp.Header
		if resp.StatusCode != 200 || h.Get("Content-Type") != mime || resp.ContentLength != int64(len(body)) || h.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s %v", path, resp.Status, h)
		}
		if path == "model.npy" {
			if !strings.HasPrefix(body, "\x93NUMPY") || !strings.Contains(body[:128], "'<f4', 'fortran_order': False, 'shape': (3, 2, 4)") {
				t.Errorf("%q", body)
			}
			body = body[128:]
		}
		if len(body) != 96 || strings.Count(body, body[:1]) != 96 {
			t.Errorf("%s: %q", path, body)
		}
		if h.Get("X-Frame-Verdict") != "black" || h.Get("X-Frame-Geometry") != "2 0 0 0 2 0" || h.Get("X-Frame-Size") != "4x2" || h.Get("X-Frame-Camera-Size") != "8x4" {
			t.Errorf("%s: %v", path, h)
		}
		var sequence, age int
		if fmt.Sscan(h.Get("X-Frame-Sequence"), &sequence); sequence&0xff != int(body[0]) {
			t.Errorf("%s: %v for a frame of %d", path, h, body[0])
		}
		if fmt.Sscan(h.Get("X-Frame-Age-Us"), &age); age < 5000 || age > 5_000_000 {
			t.Errorf("%s: %v", path, h)
		}
		if at, err := time.Parse(time.RFC3339Nano, h.Get("X-Frame-Captured")); err != nil || time.Since(at).Abs() > 5*time.Second {
			t.Errorf("%s: %v, %v", path, h, err)
		}
	}
	if resp, body := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", func(r *http.Request) { r.Method = "HEAD" }); resp.ContentLength != 96 || body != "" {
		t.Errorf("HEAD: %v %q", resp.Header, body)
	}
}

func TestUnknownNamesAreAnsweredWithThoseThatThereAre(t *testing.T) {
	s := serve(t, web.Config{}, newStudio().handlers())
	const all = "snapshot.jpg, stream.mjpg, preview.jpg, preview.mjpg, model.npy"
	for path, want := range map[string]string{
		"front/model.jpg":       `camera front has no "model.jpg"; there are: ` + all,
		"front/model.mjpg":      `camera front has no "model.mjpg"; there are: ` + all,
		"front/preview.npy":     `camera front has no "preview.npy"; there are: ` + all,
		"front/.view.jpg":       `camera front has no ".view.jpg"; there are: ` + all,
		"front/a/b":             `camera front has no "a/b"; there are: ` + all,
		"front":                 `camera front has no ""; there are: ` + all,
		"rear/snapshot.jpg":     `camera rear has no "snapshot.jpg"; there are: and no view: 8 outputs leave no room for it`,
		"side/snapshot.jpg":     `no camera is named "side"; there are: front, rear`,
		"%3Cscript%3E/snapshot": `no camera is named "<script>"; there are: front, rear`,
	} {
		resp, body := get(t, client(t), s.url+"/cameras/"+path, nil)
		if resp.StatusCode != 404 || body != want+"\n" || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
}

func TestNoPathLeadsOut(t *testing.T) {
	s := serve(t, web.Config{}, newStudio().handlers())
	for _, path := range []string{
		"/../../etc/shadow", "/cameras/../../etc/shadow", "/cameras/front/../../../etc/shadow", "/cameras/%2e%2e/%2e%2e/etc/shadow", "/%2e%2e%2fetc%2fshadow",
		"/cameras/front/..%2f..%2f..%2fetc%2fshadow", "/cameras/front/..%5c..%5cetc%5cshadow", "/cameras/front/%252e%252e%252fetc%252fshadow",
		"/cameras/front/....//....//etc/shadow", "/cameras/front/%c0%ae%c0%ae/etc/shadow", "/cameras/front/model.npy%00.jpg", "//etc/shadow", "/etc/shadow;x",
	} {
		resp := raw(t, s, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		if resp.StatusCode != 404 || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s %v", path, resp.Status, resp.Header)
		}
	}
}

// raw sends what no client would.
func raw(t *testing.T, s *served, request string) *http.Response {
	t.Helper()
	c := dial(t, s)
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
	return resp
}

// A camera that shows nothing is never shown by an old picture.
func TestNoImageIsNoAnswer(t *testing.T) {
	refused := func(st *studio, want string) {
		t.Helper()
		s := serve(t, web.Config{}, st.handlers())
		for _, path := range []string{"snapshot.jpg", "stream.mjpg", "model.npy"} {
			resp, body := get(t, client(t), s.url+"/cameras/front/"+path, nil)
			if resp.StatusCode != 503 || body != want+"\n" || resp.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %s %q", path, resp.Status, body)
			}
		}
	}
	refused(newPatient(brief), "no image came within 300ms")
	st, began := newStudio(), time.Now()
	lost := errors.New("camera front: waiting (open /dev/video0: no such device)")
	st.trouble.Store(&lost)
	refused(st, lost.Error())
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("took %v, though it was known at once", took)
	}
}

// An image that is too large is not waited for.
func TestImageThatIsTooLargeIsToldOf(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	go func() {
		until(t, "it is wanted", st.model.Wanted)
		if err := st.model.Write(t.Context(), &preproc.Image{Data: make([]byte, 64<<20+1)}); !errors.Is(err, output.ErrUnwanted) {
			t.Errorf("written: %v", err)
		}
	}()
	resp, body := get(t, client(t), s.url+"/cameras/front/model.npy", nil)
	if resp.StatusCode != 503 || !strings.Contains(body, "more than 64 MiB") || st.model.Wanted() {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// until waits for what another goroutine brings about.
func until(t *testing.T, what string, reached func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(time.Millisecond), time.After(20*time.Second)
	defer tick.Stop()
	for !reached() {
		select {
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

func TestAllWhoWatchShareOneImage(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	const clients = 8
	var all sync.WaitGroup
	got := make([]string, clients)
	for i := range clients {
		all.Go(func() {
			resp, body := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", nil)
			got[i] = resp.Header.Get("X-Frame-Sequence") + body
		})
	}
	until(t, "all wait", func() bool {
		return st.view.Report().Consumers == clients && s.Stats().Watchers == clients && st.view.Waiting() == clients
	})
	st.shoot(t, 10)
	all.Wait()
	for i := range got {
		if got[i] != got[0] || got[i] == "" {
			t.Errorf("%q and %q", got[i], got[0])
		}
	}
	if r := st.view.Report(); r.Kind != "http" || r.Address != "/cameras/front/snapshot.jpg" || r.Delivered != clients || r.Err != nil {
		t.Errorf("%+v", r)
	}
	until(t, "nobody is left", func() bool { return st.view.Report().Consumers == 0 })
	if st.view.Pictures() != 0 {
		t.Error("memory is kept for nobody")
	}
}

func TestTooManyWatchersAreAskedToComeAgain(t *testing.T) {
	st := newStudio()
	s := serve(t, web.Config{}, st.handlers())
	for range 4 {
		go func() { _, _ = http.Get(s.url + "/cameras/front/model.npy") }()
	}
	until(t, "four tensors", func() bool { return st.model.Waiting() == 4 })
	if resp, body := get(t, client(t), s.url+"/cameras/front/model.npy", nil); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%s %q", resp.Status, body)
	}
	for range 12 {
		go func() { _, _ = http.Get(s.url + "/cameras/front/preview.mjpg") }()
	}
	until(t, "all places are taken", func() bool { return s.Stats().Watchers == 16 })
	if resp, body := get(t, client(t), s.url+"/cameras/front/snapshot.jpg", nil); resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%s %q", resp.Status, body)
	}
	if resp, _ := get(t, client(t), s.url+"/nothing", nil); resp.StatusCode != 404 {
		t.Errorf("%s: others are answered", resp.Status)
	}
	if err := s.stop(); err != nil || s.Stats().Watchers != 0 {
		t.Errorf("%+v, %v", s.Stats(), err)
	}
}

func TestTapWritesWithoutAllocating(t *testing.T) {
	st := newStudio()
	img := &preproc.Image{Data: make([]byte, 1000)}
	if n := testing.AllocsPerRun(100, func() {
		if err := st.view.Write(t.Context(), img); !errors.Is(err, output.ErrUnwanted) {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations an image that nobody wants", n)
	}
}
