package preproc

import (
	"bytes"
	"image"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/capture"
)

// usual are the defaults of the config, and the blur-below of its example.
var usual = Quality{FrozenAfter: 5 * time.Second, BlackBelow: 8, BlownAbove: 247, BlurBelow: 20, StaleAfter: time.Second}

// measured is the measure of one frame, by way of an output of that width.
func measured(t testing.TB, f *capture.Frame, width int) Measure {
	t.Helper()
	p, err := New(View{}, []Spec{{Width: width, Height: width, Fit: Stretch}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m, err := p.Process(t.Context(), f, []*Image{imageFor(t, f, View{}, p.specs[0])})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// verdict is that on a frame that stands alone.
func verdict(t testing.TB, f *capture.Frame) (Verdict, Measure) {
	t.Helper()
	m := measured(t, f, 320)
	return NewJudge(usual).Frame(m, 0, 0), m
}

// picture is what a UVC camera sends: the 720p scene of the shared fixtures.
func picture(t testing.TB) *capture.Frame {
	t.Helper()
	data, err := os.ReadFile("../testdata/jpeg/422-720p.jpg")
	if err != nil {
		t.Fatal(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 1280, Height: 720}}
	f.Planes[0] = data
	return f
}

// changed is the picture with every value put through a function, as RGB3.
func changed(t testing.TB, f *capture.Frame, change func(v byte) byte) *capture.Frame {
	t.Helper()
	out := &capture.Frame{Format: capture.DefaultFormat(capture.RGB3, f.Format.Width, f.Format.Height)}
	out.Format.Stride[0] = 3 * f.Format.Width
	out.Planes[0] = process(t, f, View{}, Spec{}).Data
	for i, v := range out.Planes[0] {
		out.Planes[0][i] = change(v)
	}
	return out
}

// blurred is the picture out of focus by a radius in pixels.
func blurred(t *testing.T, f *capture.Frame, radius float64) *capture.Frame {
	t.Helper()
	out := changed(t, f, func(v byte) byte { return v })
	out.Planes[0] = opencv(t, out.Planes[0], f.Format.Width, f.Format.Height, gocv.MatTypeCV8UC3, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.GaussianBlur(from, to, image.Point{}, radius, 0, gocv.BorderDefault)
	})
	return out
}

// sensor adds noise of that deviation, which is cut off at black and white.
func sensor(deviation float64) func(v byte) byte {
	r := rand.New(rand.NewPCG(1, 2))
	return func(v byte) byte { return byte(min(max(float64(v)+r.NormFloat64()*deviation+0.5, 0), 255)) }
}

func dimmed(by float64) func(v byte) byte { return func(v byte) byte { return byte(float64(v) * by) } }

func TestVerdictsOnAScene(t *testing.T) {
	noise := sensor(5)
	for name, c := range map[string]struct {
		change func(v byte) byte
		want   Verdict
	}{
		"as it is":                  {dimmed(1), Good},
		"dusk":                      {dimmed(0.25), Good},
		"night, with noise":         {func(v byte) byte { return noise(v / 12) }, Good},
		"under a lens cap":          {dimmed(0), Black},
		"a cap, and a noisy sensor": {func(byte) byte { return noise(0) }, Black},
		"hardly any light":          {dimmed(0.01), Black},
		"overexposed":               {func(v byte) byte { return byte(min(int(v)*3, 255)) }, Good},
		"blown out":                 {func(byte) byte { return 255 }, BlownOut},
		"blown out, with noise":     {func(byte) byte { return noise(255) }, BlownOut},
	} {
		t.Run(name, func(t *testing.T) {
			raw := changed(t, picture(t), c.change)
			for _, f := range []*capture.Frame{raw, encoded(t, raw, 80)} {
				if got, m := verdict(t, f); got != c.want {
					t.Errorf("%v: %v, want %v: %+v", f.Format.PixelFormat, got, c.want, m)
				}
			}
		})
	}
}

// A lamp, or a clock that the camera writes into the picture, is something to
// be seen only from 2 % of the picture on.
func TestALampInTheNightIsNotBlack(t *testing.T) {
	lit := func(side int) *capture.Frame {
		f := changed(t, picture(t), dimmed(0))
		for y := range side {
			row := f.Planes[0][(200+y)*f.Format.Stride[0]:]
			copy(row[600:600+3*side], bytes.Repeat([]byte{255}, 3*side))
		}
		return f
	}
	if v, m := verdict(t, lit(200)); v&Black != 0 {
		t.Errorf("4 %% of the picture are lit: %v, %+v", v, m)
	}
	if v, m := verdict(t, lit(60)); v != Black {
		t.Errorf("0.4 %% of the picture are lit: %v, %+v", v, m)
	}
}

func TestBlurIsTheLackOfDetail(t *testing.T) {
	sharp, sharpMeasure := verdict(t, picture(t))
	if sharp != Good {
		t.Errorf("the scene is %v: %+v", sharp, sharpMeasure)
	}
	last := sharpMeasure.Sharpness
	for _, radius := range []float64{2, 4, 8} {
		v, m := verdict(t, encoded(t, blurred(t, picture(t), radius), 85))
		if m.Sharpness >= last {
			t.Errorf("radius %v: sharpness %v, before %v", radius, m.Sharpness, last)
		}
		if last = m.Sharpness; radius == 8 && v != Blurred {
			t.Errorf("radius %v: %v, %+v", radius, v, m)
		}
	}
}

// A frame may be decoded at another scale because another output is due: that
// must not make it another camera. The means are over 32 samples of any scale,
// so what is dark or bright in a small spot counts for less at a coarse one.
func TestMeasureHardlyDependsOnTheOutputs(t *testing.T) {
	want := measured(t, picture(t), 1000)
	for _, width := range []int{640, 320} {
		m := measured(t, picture(t), width)
		if m.Content != want.Content {
			t.Errorf("width %d: another content", width)
		}
		for _, d := range []float32{m.LumaMean - want.LumaMean, (m.LumaLow - want.LumaLow) / 4, (m.LumaHigh - want.LumaHigh) / 4} {
			if d < -4 || d > 4 {
				t.Errorf("width %d: %+v, want %+v", width, m, want)
			}
		}
		if r := m.Sharpness / want.Sharpness; r < 0.5 || r > 2 {
			t.Errorf("width %d: sharpness %v, want %v", width, m.Sharpness, want.Sharpness)
		}
	}
}

// One level of luma is the same number in every format and range.
func TestLumaIsFromBlackToWhiteInEveryFormat(t *testing.T) {
	for _, p := range rawFormats {
		l := p.Layout()
		if l.Kind == capture.HSV || l.Packing == capture.MIPI || isColored(p) && l.Components[0].Bits != 8 {
			continue // equal bytes are not one level there
		}
		for _, r := range []capture.Range{capture.Limited, capture.Full} {
			for _, level := range []byte{16, 126, 235} {
				f := newFrame(p, 200, 100, 8, func() byte { return level })
				f.Format.Range = r
				want := float32(eightBits(f, 0, bitsOf(f, &l.Components[0], 0, 0)))
				if r == capture.Limited {
					want = max(0, min((want-16)*255/219, 255))
				}
				m := measured(t, f, 100)
				for _, got := range []float32{m.LumaLow, m.LumaMean, m.LumaHigh} {
					if d := got - want; d < -0.01 || d > 0.01 {
						t.Errorf("%v %v level %d: %+v, want %v", p, r, level, m, want)
					}
				}
				if m.Sharpness != 0 {
					t.Errorf("%v: one level has sharpness %v", p, m.Sharpness)
				}
			}
		}
	}
}
