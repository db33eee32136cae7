package ring_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
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
	readers := languages(t, path)
	consumersAre(t, r, len(readers))
	checkLens(t, readers, l)
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
				for name, reader := range readers {
					checkPoints(t, fmt.Sprint(name, rotate, flip, fit), img, ask(t, reader, "next"))
				}
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

func checkLens(t *testing.T, readers map[string]language, l lens.Lens) {
	t.Helper()
	for name, reader := range readers {
		var d wire.Description
		reader.tell(t, "describe", &d)
		version, got := wire.LensVersion, lens.Lens{}
		if l.Model == lens.None {
			version = wire.Version
		}
		if d.Lens != nil {
			got = *d.Lens
		}
		if d.Version != version || !sameLens(got, l) {
			t.Errorf("%s: version %d, lens %+v, want %+v", name, d.Version, got, l)
		}
	}
}

// sameLens leaves the C reader, which has its own way to read numbers, two units
// in the last place.
func sameLens(a, b lens.Lens) bool {
	numbers := func(l *lens.Lens) []*float64 {
		all := []*float64{&l.Limit}
		for _, m := range []*lens.Matrix{&l.Camera, &l.Picture} {
			all = append(all, &m.FX, &m.FY, &m.CX, &m.CY)
		}
		for i := range l.Coefficients {
			all = append(all, &l.Coefficients[i])
		}
		return all
	}
	for i, v := range numbers(&b) {
		if w := numbers(&a)[i]; math.Abs(*v-*w) <= 1e-15*math.Abs(*v) {
			*w = *v
		}
	}
	return a == b
}

func checkPoints(t *testing.T, name string, img *preproc.Image, a answer) {
	t.Helper()
	is := func(what string, p [2]*float64, wantX, wantY float64, ok bool) {
		t.Helper()
		want := plain(wantX, wantY)
		if !ok {
			want = [2]*float64{}
		}
		if !near(p, want) {
			t.Errorf("%s: %s is not at %v,%v", name, what, wantX, wantY)
		}
	}
	x, y, ok := img.ToCamera(10, 20)
	if !ok {
		t.Fatalf("%s: the point of the test is not in the picture", name)
	}
	is("point", a.Point, x, y, true)
	is("point that came back", a.Back, 10, 20, true)
	backX, backY, ok := img.FromCamera(x, y)
	is("point that came back in the agent", plain(backX, backY), 10, 20, ok)
	x, y, ok = img.ToCamera(60, 50)
	is("corner", a.Corner, x, y, ok)
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
