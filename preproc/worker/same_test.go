package worker

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

func jpeg(t testing.TB, name string, width, height int) *capture.Frame {
	t.Helper()
	data, err := os.ReadFile("../../testdata/jpeg/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: width, Height: height}}
	f.Planes[0] = data
	return f
}

// planar has its planes apart, each with padding between and after its rows.
func planar(width, height int) *capture.Frame {
	f := &capture.Frame{Format: capture.Format{
		PixelFormat: capture.YU12, Width: width, Height: height, Stride: [capture.MaxPlanes]int{width + 16, width/2 + 8, width/2 + 8},
	}}
	for i := range 3 {
		f.Planes[i] = make([]byte, f.Format.Stride[i]*f.Format.Rows(i)+100)
		for j := range f.Planes[i] {
			f.Planes[i][j] = byte(j * (i + 3) / 7)
		}
	}
	return f
}

// Frames come out of a worker as they come out of the processor that it runs,
// to the bit; and what that one refuses is refused in the same words.
func TestWorkerDoesWhatTheProcessorDoes(t *testing.T) {
	cut := jpeg(t, "422-720p.jpg", 1280, 720)
	cut.Planes[0] = cut.Planes[0][:len(cut.Planes[0])/2]
	short, huge := grey(3), grey(3)
	short.Planes[0] = short.Planes[0][:1000]
	huge.Format.Width = 20000
	unknown := grey(3)
	unknown.Format.PixelFormat = capture.FourCC('X', 'X', 'X', 'X')
	empty := grey(3)
	empty.Planes[0] = nil
	narrow := grey(3)
	narrow.Format.Width, narrow.Format.Height = 8, 8 // the crop does not fit
	frames := []*capture.Frame{
		grey(1), grey(2), jpeg(t, "422-720p.jpg", 1280, 720), planar(320, 240), cut, short, huge, unknown, empty, narrow,
		jpeg(t, "420.jpg", 1280, 720), grey(9),
	}
	plain := preproc.View{Crop: preproc.Rect{X: 4, Y: 2, Width: 32, Height: 30}, Rotate: 90}
	bent := plain
	bent.Lens = lens.New(lens.Pinhole, 1280, 720, lens.Matrix{FX: 900, FY: 900, CX: 640, CY: 360}, []float64{-0.3, 0.1})
	for _, view := range []preproc.View{plain, bent} {
		checkSame(t, frames, view)
	}
}

func checkSame(t *testing.T, frames []*capture.Frame, view preproc.View) {
	t.Helper()
	specs := []preproc.Spec{
		{Name: "tensor", Width: 40, Height: 32, DType: preproc.Float32, Layout: preproc.CHW, Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}},
		{Name: "file", Width: 64, Height: 64, Encode: preproc.JPEG, Quality: 90},
		{Name: "view"},
	}
	r := open(t, "good", func(c *Config) { c.View, c.Specs = view, specs })
	here, err := preproc.New(view, specs)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	for n, f := range frames {
		f.Sequence, f.Timestamp, f.Dequeued = uint64(n), 11, 12
		due := n % 4 // not all outputs are
		var want, got []*preproc.Image
		for i := range specs {
			room := cap(r.images[i].Data)
			w, g := &preproc.Image{Data: make([]byte, room)}, r.images[i]
			g.Data = g.Data[:0]
			if i+1 == due {
				w, g = nil, nil
			}
			want, got = append(want, w), append(got, g)
		}
		_, wantErr := here.Process(t.Context(), f, want)
		_, gotErr := r.Process(t.Context(), f, got)
		sameError(t, n, gotErr, wantErr)
		for i := range want {
			if wantErr == nil && want[i] != nil {
				sameImage(t, n, got[i], want[i])
			}
		}
	}
	if len(r.gone) != 0 {
		t.Errorf("replaced: %+v", r.gone)
	}
}

func sameError(t *testing.T, n int, got, want error) {
	t.Helper()
	g, _ := errors.AsType[*preproc.Error](got)
	w, _ := errors.AsType[*preproc.Error](want)
	if (got == nil) != (want == nil) || g != nil && w != nil && *g != *w {
		t.Errorf("frame %d: %v, in this process %v", n, got, want)
	}
}

func sameImage(t *testing.T, n int, got, want *preproc.Image) {
	t.Helper()
	if !bytes.Equal(got.Data, want.Data) {
		t.Errorf("frame %d, %s: %d bytes, and not the %d of this process", n, want.Spec.Name, len(got.Data), len(want.Data))
	}
	g, w := *got, *want
	g.Data, w.Data = nil, nil
	if g.Spec.Name != w.Spec.Name {
		t.Errorf("frame %d: spec %q, want %q", n, g.Spec.Name, w.Spec.Name)
	}
	g.Spec, w.Spec = nil, nil
	if g.Width != w.Width || g.Height != w.Height || g.Geometry != w.Geometry || g.Lens != w.Lens || g.CameraWidth != w.CameraWidth || g.CameraHeight != w.CameraHeight || g.Sequence != w.Sequence ||
		g.Timestamp != w.Timestamp || g.Dequeued != w.Dequeued || g.Verdict != w.Verdict || g.Published != 0 {
		t.Errorf("frame %d: %+v, want %+v", n, g, w)
	}
}

// Frames that are larger than any before get a larger area.
func TestFramesMayGrow(t *testing.T) {
	r := open(t, "good", nil)
	f := jpeg(t, "422-720p.jpg", 1280, 720)
	whole := f.Planes[0]
	for _, padding := range []int{0, 3 << 20, 10, 20 << 20} {
		f.Planes[0] = append(bytes.Clone(whole), make([]byte, padding)...)
		if _, err := r.Process(t.Context(), f, r.images); err != nil {
			t.Fatalf("%d bytes: %v", len(f.Planes[0]), err)
		}
	}
}

func TestFaultsOfTheConfigAreReported(t *testing.T) {
	if p, err := New(Config{Specs: []preproc.Spec{{Width: -1}}}); err == nil {
		p.Close()
		t.Error("accepted")
	}
	if p, err := New(Config{Specs: make([]preproc.Spec, preproc.MaxOutputs+1)}); err == nil {
		p.Close()
		t.Error("accepted")
	}
}
