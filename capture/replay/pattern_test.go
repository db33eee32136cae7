package replay

import (
	"context"
	"image"
	"image/color"
	"math"
	"testing"

	"github.com/edge-agent/agent/capture"
)

func openPattern(t testing.TB, cfg Config) capture.Source {
	t.Helper()
	cfg.Pattern = "bars"
	s, err := Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func read(t testing.TB, s capture.Source) *capture.Frame {
	t.Helper()
	f, err := s.Read(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// hand are the formats whose samples are found by hand here; package preproc
// looks at the pattern in all others.
var hand = []capture.PixelFormat{
	capture.YUYV, capture.UYVY, capture.NV12, capture.YU12, capture.GREY, capture.RGB3, capture.BGR3,
}

// oddly is a geometry that no computation is simple for.
func oddly(p capture.PixelFormat, m capture.Matrix, r capture.Range) *capture.Format {
	f := &capture.Format{PixelFormat: p, Width: 643, Height: 361, Matrix: m, Range: r}
	for i := range p.Layout().Planes {
		f.Stride[i] = f.RowBytes(i) + 13*(i+1)
	}
	return f
}

func TestEachBarHasItsColourInEveryFormat(t *testing.T) {
	for _, p := range hand {
		for _, m := range []capture.Matrix{capture.BT601, capture.BT709, capture.BT2020} {
			for _, r := range []capture.Range{capture.Limited, capture.Full} {
				s := openPattern(t, Config{Raw: oddly(p, m, r), Unpaced: true})
				for range 3 {
					f := read(t, s)
					checkBars(t, f)
					f.Release()
				}
			}
		}
	}
}

func checkBars(t *testing.T, f *capture.Frame) {
	t.Helper()
	w, h := f.Format.Width, f.Format.Height
	for i, want := range BarColors() {
		r := BarRect(i, w, h)
		for _, at := range []image.Point{r.Min, r.Max.Sub(image.Pt(1, 1)), {r.Min.X, r.Max.Y - 1}, r.Min.Add(r.Size().Div(2))} {
			if got := rgbAt(f, at.X, at.Y); f.Format.PixelFormat != capture.GREY && apart(got, want) > 3 {
				t.Errorf("%s %s %s: bar %d at %v is %v, want %v", f.Format.PixelFormat, f.Format.Matrix, f.Format.Range, i, at, got, want)
			}
		}
	}
}

func apart(a, b color.RGBA) int {
	d := func(x, y uint8) int { return max(int(x)-int(y), int(y)-int(x)) }
	return max(d(a.R, b.R), d(a.G, b.G), d(a.B, b.B))
}

// at is the component i that belongs to a pixel, by the format's description
// in videodev2.h, written down once more so that the canvas cannot vouch for
// itself.
func at(f *capture.Frame, i, x, y int) byte {
	b := func(plane, x, y int) byte { return f.Planes[plane][y*f.Format.Stride[plane]+x] }
	switch f.Format.PixelFormat {
	case capture.YUYV:
		return b(0, [3]int{2 * x, x/2*4 + 1, x/2*4 + 3}[i], y)
	case capture.UYVY:
		return b(0, [3]int{2*x + 1, x / 2 * 4, x/2*4 + 2}[i], y)
	case capture.NV12:
		if i == 0 {
			return b(0, x, y)
		}
		return b(1, x/2*2+i-1, y/2)
	case capture.YU12:
		if i == 0 {
			return b(0, x, y)
		}
		return b(i, x/2, y/2)
	case capture.RGB3:
		return b(0, 3*x+i, y)
	case capture.BGR3:
		return b(0, 3*x+2-i, y)
	}
	return b(0, x, y)
}

// rgbAt goes back to RGB by the inverse that the recommendations print.
func rgbAt(f *capture.Frame, x, y int) color.RGBA {
	level := func(v float64) uint8 { return uint8(max(0, min(255, math.Round(v)))) }
	if f.Format.PixelFormat == capture.RGB3 || f.Format.PixelFormat == capture.BGR3 {
		c := [3]uint8{at(f, 0, x, y), at(f, 1, x, y), at(f, 2, x, y)}
		for i := range c {
			if f.Format.Range == capture.Limited {
				c[i] = level((float64(c[i]) - 16) * 255 / 219)
			}
		}
		return color.RGBA{c[0], c[1], c[2], 255}
	}
	luma, cb, cr := float64(at(f, 0, x, y)), float64(at(f, 1, x, y))-128, float64(at(f, 2, x, y))-128
	if f.Format.Range == capture.Limited {
		luma, cb, cr = (luma-16)*255/219, cb*255/224, cr*255/224
	}
	k := map[capture.Matrix][4]float64{
		capture.BT601:  {1.402, -0.344136, -0.714136, 1.772},
		capture.BT709:  {1.5748, -0.187324, -0.468124, 1.8556},
		capture.BT2020: {1.4746, -0.164553, -0.571353, 1.8814},
	}[f.Format.Matrix]
	return color.RGBA{level(luma + k[0]*cr), level(luma + k[1]*cb + k[2]*cr), level(luma + k[3]*cb), 255}
}

func lumaOf(f *capture.Frame) func(x, y int) byte {
	i := 0
	if p := f.Format.PixelFormat; p == capture.RGB3 || p == capture.BGR3 {
		i = 1
	}
	return func(x, y int) byte { return at(f, i, x, y) }
}

func TestTheNumberInThePictureIsTheSequence(t *testing.T) {
	for _, p := range hand {
		for _, size := range [][2]int{{64, 48}, {161, 121}, {640, 360}} {
			s := openPattern(t, Config{Format: p, Width: size[0], Height: size[1], Unpaced: true, Buffers: 3})
			for range 70 {
				f := read(t, s)
				n, ok := ReadFrameNumber(lumaOf(f), size[0], size[1])
				if !ok || uint64(n) != f.Sequence {
					t.Fatalf("%s %v: read %d, %v in frame %d", p, size, n, ok, f.Sequence)
				}
				f.Release()
			}
		}
	}
}

func TestATornNumberIsNoNumber(t *testing.T) {
	s := openPattern(t, Config{Format: capture.GREY, Width: 640, Height: 480, Unpaced: true})
	f := read(t, s)
	defer f.Release()
	for y := range 20 {
		clear(f.Planes[0][y*640 : y*640+640])
		for x := range 640 {
			f.Planes[0][y*640+x] = 255
		}
	}
	if n, ok := ReadFrameNumber(lumaOf(f), 640, 480); ok {
		t.Errorf("read %d from blocks of which the upper half is white", n)
	}
}

// What a buffer shows must not depend on what it showed before.
func TestDrawingOverAnOldFrameLeavesNothingOfIt(t *testing.T) {
	for _, p := range hand {
		cfg := Config{Pattern: "bars", Raw: oddly(p, capture.BT601, capture.Limited)}
		fresh, err := newPattern(cfg)
		if err != nil {
			t.Fatal(err)
		}
		reused := *fresh
		old := &slot{}
		for n := range uint64(40) {
			fresh.number, reused.number = n*37, n*37
			blank := &slot{}
			_, _ = fresh.next(blank), reused.next(old)
			if string(blank.memory) != string(old.memory) {
				t.Fatalf("%s: frame %d differs when drawn over frame %d", p, n*37, (n-1)*37)
			}
		}
	}
}

func TestThePatternMoves(t *testing.T) {
	seen := map[image.Rectangle]bool{}
	for n := range uint64(squareSteps) {
		r := squareRect(n, 1280, 720)
		if !r.In(image.Rect(0, 0, 1280, 720)) || r.Dx() != r.Dy() {
			t.Errorf("the square of frame %d is %v", n, r)
		}
		seen[r] = true
	}
	if len(seen) != squareSteps {
		t.Errorf("%d places in %d frames", len(seen), squareSteps)
	}
}

func TestAPatternThatCannotBeIsRefused(t *testing.T) {
	for _, cfg := range []Config{
		{Pattern: "plaid"},
		{Pattern: "bars", Format: capture.MJPG},
		{Pattern: "bars", Width: 32, Height: 32},
		{Pattern: "bars", Width: 1 << 20, Height: 1 << 20},
		{Pattern: "bars", Raw: &capture.Format{PixelFormat: capture.YUYV, Width: 640, Height: 480, Stride: [4]int{640}}},
	} {
		if s, err := Open(t.Context(), cfg); err == nil {
			t.Errorf("%+v gave %+v", cfg, s.Format())
		}
	}
}

func BenchmarkPattern(b *testing.B) {
	for _, p := range hand {
		b.Run(p.String(), func(b *testing.B) {
			s := openPattern(b, Config{Format: p, Unpaced: true})
			b.ReportAllocs()
			for b.Loop() {
				read(b, s).Release()
			}
		})
	}
}
