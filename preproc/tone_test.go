package preproc

import (
	"fmt"
	"image"
	"math"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/capture"
)

// dim is a dark picture with detail.
func dim(width, height int) *capture.Frame {
	f := newFrame(capture.GREY, width, height, 0, func() byte { return 0 })
	f.Format.Range = capture.Full
	r := noise()
	for i := range f.Planes[0] {
		x, y := float64(i%width), float64(i/width)
		f.Planes[0][i] = byte(20 + 12*math.Sin(x/17) + 7*math.Cos(y/5+x/40) + float64(r()%5) + 60*math.Exp(-math.Hypot(x-50, y-40)/12))
	}
	return f
}

func opencvsCLAHE(t *testing.T, f *capture.Frame, s *Spec) []byte {
	t.Helper()
	c := gocv.NewCLAHEWithParams(float64(s.Tone.Clip), image.Pt(s.Tone.Columns, s.Tone.Rows))
	defer c.Close()
	return opencv(t, f.Planes[0], f.Format.Width, f.Format.Height, gocv.MatTypeCV8UC1, func(from gocv.Mat, to *gocv.Mat) error {
		return c.Apply(from, to)
	})
}

// cv::CLAHE gives the same gray, to one level, whether the tiles divide the
// picture or not.
func TestCLAHEIsOpenCVs(t *testing.T) {
	for _, size := range [][2]int{{160, 120}, {161, 120}, {160, 121}, {163, 125}, {64, 64}} {
		for _, tone := range []Tone{{Clip: 2, Columns: 8, Rows: 8}, {Clip: 40, Columns: 8, Rows: 8}, {Clip: 4, Columns: 3, Rows: 5}, {Clip: 3, Columns: 1, Rows: 1}} {
			f := dim(size[0], size[1])
			s := Spec{Color: Gray, Tone: tone}
			t.Run(fmt.Sprint(size, tone), func(t *testing.T) {
				compare(t, asFloats(process(t, f, View{}, s).Data), asFloats(opencvsCLAHE(t, f, &s)), 1)
			})
		}
	}
}

// Tiles lie over the picture as it is looked at.
func TestTilesFollowTheRotation(t *testing.T) {
	f := dim(160, 96)
	upright := process(t, f, View{Rotate: 90}, Spec{Color: Gray})
	turned := newFrame(capture.GREY, 96, 160, 0, func() byte { return 0 })
	turned.Format.Range = capture.Full
	copy(turned.Planes[0], upright.Data)
	s := Spec{Color: Gray, Tone: Tone{Clip: 3, Columns: 3, Rows: 5}}
	compare(t, asFloats(process(t, f, View{Rotate: 90}, s).Data), asFloats(process(t, turned, View{}, s).Data), 2)
}

func TestGammaIsAPowerOfLuma(t *testing.T) {
	for _, r := range []capture.Range{capture.Full, capture.Limited} {
		for _, gamma := range []float32{0.4, 0.6, 1, 2.2} {
			f := dim(64, 48)
			f.Format.Range = r
			plain := process(t, f, View{}, Spec{Color: Gray, DType: Float32})
			img := process(t, f, View{}, Spec{Color: Gray, DType: Float32, Tone: Tone{Gamma: gamma}})
			want := values(plain)
			for i := range want {
				want[i] = 255 * math.Pow(want[i]/255, float64(gamma))
			}
			compare(t, values(img), want, 2.5) // a 16th of a level is 2 where the curve is steep
		}
	}
}

// Luma is what changes; the differences between the channels stay, as far as
// there is room for them.
func TestToneLeavesColours(t *testing.T) {
	for _, p := range []capture.PixelFormat{capture.RGB3, capture.YUYV, capture.NV12} {
		f := smooth(p, 96, 64)
		s := Spec{DType: Float32, Tone: Tone{Clip: 3, Columns: 4, Rows: 4, Gamma: 0.8}}
		got := values(process(t, f, View{}, s))
		s.Tone = Tone{}
		plain := values(process(t, f, View{}, s))
		changed := 0.0
		for i := 0; i < len(got); i += 3 {
			changed = max(changed, math.Abs(got[i]-plain[i]))
			for c := range 2 {
				if d := (got[i+c] - got[i+2]) - (plain[i+c] - plain[i+2]); math.Abs(d) > 0.6 && inRange(got[i:i+3]) && inRange(plain[i:i+3]) {
					t.Fatalf("%v: pixel %d is %v, and was %v", p, i/3, got[i:i+3], plain[i:i+3])
				}
			}
		}
		if changed < 20 {
			t.Errorf("%v: changed by %v at most", p, changed)
		}
	}
}

func inRange(rgb []float64) bool {
	return min(rgb[0], rgb[1], rgb[2]) > 1 && max(rgb[0], rgb[1], rgb[2]) < 254
}

// Neither borders nor what a lens does not show take part.
func TestToneLeavesPadAlone(t *testing.T) {
	whole, err := lenses["fisheye-4"].Balanced(1)
	if err != nil {
		t.Fatal(err)
	}
	s := Spec{Width: 200, Height: 260, Pad: 77, Tone: Tone{Clip: 4, Columns: 8, Rows: 8, Gamma: 0.5}}
	img := process(t, smooth(capture.YUYV, 320, 240), View{Lens: whole}, s)
	for i, v := range img.Data {
		x, y, ok := img.ToCamera(float64(i/3%img.Width)+0.5, float64(i/3/img.Width)+0.5)
		if (!ok || x < -0.01 || y < -0.01 || x > 320.01 || y > 240.01) && v != 77 {
			t.Fatalf("value %d is %d", i, v)
		}
	}
}

func TestToneThatCannotBeIsRefused(t *testing.T) {
	for want, tone := range map[string]Tone{
		"gamma is -1; allowed: 0.05 to 20":           {Gamma: -1},
		"gamma is NaN":                               {Gamma: float32(math.NaN())},
		"clip of clahe is 300; allowed: 0.1 to 256":  {Clip: 300, Columns: 8, Rows: 8},
		"tiles of clahe are 0x8; allowed: 1 to 64":   {Clip: 2, Rows: 8},
		"tiles of clahe are 8x65; allowed: 1 to 64 ": {Clip: 2, Columns: 8, Rows: 65},
	} {
		s := Spec{Tone: tone}
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", tone, err, want)
		}
	}
}
