package agent

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/preproc"
)

func fetch(t *testing.T, url string) (http.Header, []byte) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s %.200q, %v", url, resp.Status, body, err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.Header, body
}

// The picture is decoded by another decoder than ours, and shows the frame that
// its header names.
func TestViewShowsTheFrameThatItSays(t *testing.T) {
	for _, isolation := range []string{"none", "process"} {
		r := start(t, `
http: {listen: 127.0.0.1:0, size: 320x180}
isolation: `+isolation+`
cameras:
  front: {device: {pattern: bars}, mode: {size: 640x360, rate: 100, format: NV12}, outputs: {model: {size: 64x64}, preview: {encode: jpeg, size: 320x180, quality: 95}}}
`)
		url := r.address(t) + "/cameras/front/"
		r.until(t, "publishing", r.publishing)
		for _, name := range []string{"snapshot.jpg", "preview.jpg"} {
			header, body := fetch(t, url+name)
			picture, err := jpeg.Decode(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			luma := picture.(*image.YCbCr)
			if luma.Rect.Dx() != 320 || luma.Rect.Dy() != 180 {
				t.Fatalf("%s is %v", name, luma.Rect)
			}
			number, ok := replay.ReadFrameNumber(func(x, y int) byte { return luma.Y[luma.YOffset(x, y)] }, 320, 180)
			if want := header.Get("X-Frame-Sequence"); !ok || fmt.Sprint(number) != want || header.Get("X-Frame-Verdict") != "good" {
				t.Errorf("%s, isolation %s: shows %d (%v) and says %v", name, isolation, number, ok, header)
			}
		}
		if _, body := fetch(t, url+"model.npy"); len(body) != 128+64*64*3 {
			t.Errorf("a tensor of %d bytes", len(body))
		}
		r.stop()
		r.finished(t)
	}
}

const tape = `
http: {listen: 127.0.0.1:0%s}
cameras:
  front:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 100}
    preprocess: {%s}
    outputs: {model: {size: 64x64%s}}
`

func TestOwnJPEGIsPassedOnWhereNothingChangesThePicture(t *testing.T) {
	own, err := os.ReadFile("../testdata/jpeg/422-720p.jpg")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		http, view, output string
		own                bool
		width, height      int
	}{
		{"", "", "", true, 1280, 720},
		{", size: 1280x720", "", "", true, 1280, 720},
		{"", "", ", every: 1h", true, 1280, 720}, // nobody else wants the frame
		{", size: 1280x719", "", "", false, 1278, 719},
		{"", "rotate: 90", "", false, 405, 720},
		{"", "flip: horizontal", "", false, 1280, 720},
		{"", "crop: 640x360+0+0", "", false, 640, 360},
	} {
		r := start(t, fmt.Sprintf(tape, c.http, c.view, c.output))
		url := r.address(t) + "/cameras/front/snapshot.jpg"
		r.until(t, "publishing", r.publishing)
		for range 3 {
			header, body := fetch(t, url)
			if bytes.Equal(body, own) != c.own {
				t.Errorf("%+v: its own: %v", c, !c.own)
			}
			if at, err := jpeg.DecodeConfig(bytes.NewReader(body)); err != nil || at.Width != c.width || at.Height != c.height {
				t.Errorf("%+v: %dx%d, %v", c, at.Width, at.Height, err)
			}
			if want := fmt.Sprintf("%dx%d", c.width, c.height); header.Get("X-Frame-Size") != want || header.Get("X-Frame-Camera-Size") != "1280x720" {
				t.Errorf("%+v: %v", c, header)
			}
		}
		r.stop()
		r.finished(t)
		if c.output != "" && r.publishedBy() != 4 { // one for the output, three for us
			t.Errorf("%d published", r.publishedBy())
		}
	}
}

// Where every output waits to be asked, a frame that nobody asked for is not
// due, and one that was shown is published. The camera counts as publishing all
// the same.
func TestFramesForNobodyAreNotDue(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte(fmt.Sprintf(tape, "", "", "")))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Cameras[0].Outputs[0].Ring = nil // what is left is its tap
	r := startConfig(t, cfg)
	url := r.address(t) + "/cameras/front/"
	c := r.list()[0]
	r.until(t, "publishing", func() bool { return c.state.Load().Phase == Publishing })
	for range 3 {
		fetch(t, url+"snapshot.jpg")
		fetch(t, url+"model.npy")
	}
	r.until(t, "ready", func() bool { return r.Ready() == nil })
	r.stop()
	r.finished(t)
	if a := c.ledger.Account(); a.Published != 6 || a.Dropped["not-due"] == 0 || a.Dropped["output"] > 0 || a.Balanced() != nil {
		t.Errorf("%+v, %v", a, a.Balanced())
	}
}

func TestViewIsPausedWithThePreviews(t *testing.T) {
	r := start(t, fmt.Sprintf(tape, "", "", ""))
	url := r.address(t) + "/cameras/front/"
	r.until(t, "publishing", r.publishing)
	if r.budget.rungs[0].what != "previews are paused" {
		t.Errorf("%+v", r.budget.rungs)
	}
	r.budget.rungs[0].apply(r.budget, true)
	if status, body := ask(t, url+"snapshot.jpg"); status != 503 || !strings.Contains(body, "previews are paused") {
		t.Errorf("%d %q", status, body)
	}
	fetch(t, url+"model.npy") // is no preview
	r.budget.rungs[0].apply(r.budget, false)
	fetch(t, url+"snapshot.jpg")
	r.stop()
	r.finished(t)
}

func TestLostCameraIsNotShown(t *testing.T) {
	r := start(t, `
http: {listen: 127.0.0.1:0}
cameras: {rear: {device: {serial: none-has-this}, outputs: {model: {size: 32x32}}}}
`)
	url := r.address(t)
	r.until(t, "it waits", func() bool { return r.list()[0].state.Load().Phase == Waiting })
	for _, name := range []string{"snapshot.jpg", "stream.mjpg", "model.npy"} {
		if status, body := ask(t, url+"/cameras/rear/"+name); status != 503 || !strings.HasPrefix(body, "camera rear: waiting (") {
			t.Errorf("%s: %d %q", name, status, body)
		}
	}
	r.stop()
	r.finished(t)
}

func TestCameraWithAllOutputsIsSeenByItsJPEG(t *testing.T) {
	yaml := "http: {listen: 127.0.0.1:0}\ncameras: {front: {device: {pattern: bars}, mode: {size: 64x64}, outputs: {"
	for i := range preproc.MaxOutputs {
		yaml += fmt.Sprintf("o%d: {size: 8x8}, ", i)
	}
	r := start(t, yaml+"}}}")
	status, body := ask(t, r.address(t)+"/cameras/front/snapshot.jpg")
	if status != 404 || !strings.Contains(body, "o7.npy, and no view: 8 outputs, none of them a JPEG, leave no room for it") {
		t.Errorf("%d %q", status, body)
	}
	r.stop()
	r.finished(t)
	r = start(t, yaml[:strings.LastIndex(yaml, "o7")]+"preview: {encode: jpeg, size: 24x16}}}}")
	url := r.address(t)
	r.until(t, "publishing", r.publishing)
	_, picture := fetch(t, url+"/cameras/front/snapshot.jpg")
	if at, err := jpeg.DecodeConfig(bytes.NewReader(picture)); err != nil || at.Width != 24 || at.Height != 16 {
		t.Errorf("in place of the view: %+v, %v", at, err)
	}
	r.stop()
	r.finished(t)
}

func TestSinkCountsOnlyWhatWasWanted(t *testing.T) {
	full := fmt.Errorf("full")
	for want, results := range map[error][]error{
		nil:                {output.ErrUnwanted, nil, full},
		output.ErrUnwanted: {output.ErrUnwanted, output.ErrUnwanted},
	} {
		s := &sink{}
		for _, err := range results {
			s.outputs = append(s.outputs, answering{err})
		}
		if err := s.write(t.Context()); err != want {
			t.Errorf("%v of %v", err, results)
		}
	}
	s := &sink{outputs: []output.Output{answering{output.ErrUnwanted}, answering{full}}}
	if err := s.write(t.Context()); err == nil || err == output.ErrUnwanted {
		t.Errorf("%v, though one failed", err)
	}
}

// Known frames are not made into the view, and come out right all the same: also
// where it would have the JPEG decoded at another scale.
func TestViewChangesNoKnownAnswer(t *testing.T) {
	for _, device := range []string{"{device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}", "{device: {pattern: bars}, mode: {size: 640x480, format: YUYV}"} {
		r := start(t, "http: {listen: 127.0.0.1:0}\ncameras: {front: "+device+", outputs: {model: {size: 64x64, fit: cover}}}}")
		r.until(t, "proved", func() bool { return r.publishedBy() > 40 })
		fetch(t, r.address(t)+"/cameras/front/snapshot.jpg")
		r.stop()
		r.finished(t)
		p := &r.list()[0].prover
		if p.known == nil || p.wrong != nil || p.next.IsZero() || r.list()[0].ledger.replaced.Load() != 0 {
			t.Errorf("%s: %+v", device, p)
		}
	}
}

// answering is an output that says the same of every image.
type answering struct{ err error }

func (a answering) Write(context.Context, *preproc.Image) error { return a.err }
func (answering) Close() error                                  { return nil }

// Many UVC cameras leave the Huffman tables out, and no browser shows that.
func TestOwnJPEGWithoutTablesGetsThem(t *testing.T) {
	r := start(t, strings.ReplaceAll(fmt.Sprintf(tape, "", "", ""), "422-720p", "422-no-dht"))
	r.until(t, "publishing", r.publishing)
	_, body := fetch(t, r.address(t)+"/cameras/front/snapshot.jpg")
	if _, err := jpeg.Decode(bytes.NewReader(body)); err != nil {
		t.Error(err)
	}
	r.stop()
	r.finished(t)
}
