package ring_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

// One lens of each model, and of each part of the pinhole's formula, in
// pictures of 320x240.
var lenses = []lens.Lens{
	{},
	lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 260, FY: 262, CX: 159, CY: 121.75}, []float64{-0.31, 0.12, 8e-4, -5e-4, -0.02}),
	lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 210, FY: 211, CX: 160.75, CY: 118.5}, []float64{2.1, 0.9, 1e-4, 2e-4, 0.04, 2.45, 1.6, 0.23}),
	lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 280, FY: 279, CX: 161.5, CY: 119.5},
		[]float64{-0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3, 5e-4, 0.02, -0.03}),
	lens.New(lens.Fisheye, 320, 240, lens.Matrix{FX: 145, FY: 146, CX: 159.5, CY: 121}, []float64{-0.02, 0.006, -0.003, 4e-4}),
}

// The readers lead a point to the camera and back as the agent does itself,
// for every model, rotation, flip and fit, in a mode of twice the calibration's
// size.
func TestReadersMapPointsThroughTheLens(t *testing.T) {
	for _, l := range lenses {
		if l.Model != lens.None {
			balanced, err := l.Balanced(0.5)
			if err != nil {
				t.Fatal(err)
			}
			l = balanced
		}
		t.Run(string(l.Model), func(t *testing.T) { checkReaders(t, l) })
	}
}

func checkReaders(t *testing.T, l lens.Lens) {
	spec := preproc.Spec{Name: "model", Width: 60, Height: 50}
	r, path := open(t, func(c *ring.Config) { c.Spec, c.Lens = spec, l })
	in, err := reader.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	next := echo(t, path)
	consumersAre(t, r, 2)
	described := false
	for _, rotate := range []int{0, 90, 180, 270} {
		for _, flip := range []preproc.Flip{preproc.FlipNone, preproc.FlipHorizontal, preproc.FlipVertical, preproc.FlipBoth} {
			for _, fit := range []preproc.Fit{preproc.Letterbox, preproc.Stretch, preproc.Cover} {
				spec.Fit = fit
				view := preproc.View{Lens: l, Crop: preproc.Rect{X: 20, Y: 10, Width: 600, Height: 400}, Rotate: rotate, Flip: flip}
				img := imageOf(t, view, &spec)
				img.Data = r.Lend()
				if err := r.Write(t.Context(), img); err != nil {
					t.Fatal(err)
				}
				f, err := in.Next(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !described {
					checkDescription(t, next, f, l)
					described = true
				}
				checkPoints(t, fmt.Sprint(rotate, flip, fit), img, f, next)
			}
		}
	}
}

// imageOf is an image as the preprocessor describes it.
func imageOf(t *testing.T, view preproc.View, spec *preproc.Spec) *preproc.Image {
	t.Helper()
	format := capture.Format{Width: 640, Height: 480}
	geometry, err := view.Geometry(spec, format)
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := view.ScaledLens(format)
	if err != nil {
		t.Fatal(err)
	}
	return &preproc.Image{
		Spec: spec, Width: spec.Width, Height: spec.Height,
		Geometry: geometry, Lens: scaled, CameraWidth: format.Width, CameraHeight: format.Height,
	}
}

func checkDescription(t *testing.T, next func(any), f *reader.Frame, l lens.Lens) {
	t.Helper()
	var d struct {
		Version int
		Lens    *lens.Lens
	}
	next(&d)
	want := wire.Version
	if l.Model != lens.None {
		want = wire.LensVersion
		if d.Lens == nil || *d.Lens != l || *f.Description.Lens != l {
			t.Errorf("lens %+v in Python, %+v in Go, want %+v", d.Lens, f.Description.Lens, l)
		}
	}
	if d.Version != want || f.Description.Version != want || l.Model == lens.None && d.Lens != nil {
		t.Errorf("%+v, want version %d", d, want)
	}
}

func checkPoints(t *testing.T, name string, img *preproc.Image, f *reader.Frame, next func(any)) {
	t.Helper()
	near := func(what string, x, y, wantX, wantY float64) {
		t.Helper()
		if !(math.Hypot(x-wantX, y-wantY) < 1e-6) {
			t.Errorf("%s: %s is %v,%v, want %v,%v", name, what, x, y, wantX, wantY)
		}
	}
	x, y, ok := img.ToCamera(10, 20)
	if !ok {
		t.Fatalf("%s: the point of the test is not in the picture", name)
	}
	goX, goY := f.ToCamera(10, 20)
	near("point in Go", goX, goY, x, y)
	backX, backY := f.FromCamera(goX, goY)
	near("point that came back in Go", backX, backY, 10, 20)
	backX, backY, _ = img.FromCamera(x, y)
	near("point that came back in the agent", backX, backY, 10, 20)
	var python struct{ Point, Back, Corner [2]*float64 }
	next(&python)
	near("point in Python", *python.Point[0], *python.Point[1], x, y)
	near("point that came back in Python", *python.Back[0], *python.Back[1], 10, 20)
	cornerX, cornerY, ok := img.ToCamera(60, 50)
	if goX, goY = f.ToCamera(60, 50); ok {
		near("corner in Python", *python.Corner[0], *python.Corner[1], cornerX, cornerY)
		near("corner in Go", goX, goY, cornerX, cornerY)
	} else if !math.IsNaN(goX) || python.Corner[0] != nil {
		t.Errorf("%s: the corner is %v in Go and %v in Python, and not in the picture", name, goX, python.Corner[0])
	}
}

// A ring of the first agents: no camera's size, and messages that are shorter.
func TestRecordsOfTheFirstAgentsAreRead(t *testing.T) {
	message := make([]byte, wire.MessageSize)
	want := wire.Record{Sequence: 7, Width: 3, Height: 4, Geometry: [6]float64{1, 2, 3, 4, 5, 6}}
	wire.PutMessage(message, 2, &want)
	got := wire.Record{CameraWidth: 9, CameraHeight: 9}
	if generation, ok := wire.ParseMessage(message[:128], &got); !ok || generation != 2 || got != want {
		t.Errorf("%v, %+v", ok, got)
	}
}
