package preproc

import (
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
)

// The bars of the test pattern have their colours in every format that it is
// drawn in, and to the number of bits that this has.
func TestThePatternHasItsColoursInEveryFormat(t *testing.T) {
	drawn := 0
	for _, p := range rawFormats {
		for _, matrix := range matricesOf(p) {
			for _, r := range []capture.Range{capture.Limited, capture.Full} {
				f := capture.DefaultFormat(p, 323, 121)
				f.Matrix, f.Range = matrix, r
				for i := range p.Layout().Planes {
					f.Stride[i] = f.RowBytes(i) + 3
				}
				s, err := replay.Open(t.Context(), replay.Config{Pattern: "bars", Raw: &f, Unpaced: true})
				if err != nil && strings.Contains(err.Error(), "test pattern in ") {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				drawn++
				checkBars(t, s)
			}
		}
	}
	if drawn < 300 {
		t.Errorf("%d patterns were drawn", drawn)
	}
}

func checkBars(t *testing.T, s capture.Source) {
	t.Helper()
	defer s.Close()
	f, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Release()
	img := process(t, f, View{}, Spec{})
	l := f.Format.PixelFormat.Layout()
	bits := 8
	for _, c := range l.Components {
		bits = min(bits, c.Bits)
	}
	// Half a step of each component, as far as the matrix makes it; a level of
	// hue is more, and one of luma alone is what it is.
	allowed := 3 * (1 << (8 - bits))
	for i, want := range replay.BarColors() {
		r := replay.BarRect(i, img.Width, img.Height)
		x, y := (r.Min.X+r.Max.X)/2, (r.Min.Y+r.Max.Y)/2
		got := img.Data[(y*img.Width+x)*3:][:3]
		expected := [3]int{int(want.R), int(want.G), int(want.B)}
		if l.Kind == capture.Luma {
			g := 0.299*float64(want.R) + 0.587*float64(want.G) + 0.114*float64(want.B)
			expected = [3]int{int(g), int(g), int(g)}
		}
		for c := range 3 {
			if d := int(got[c]) - expected[c]; d > allowed || d < -allowed {
				t.Errorf("%s %v %v: bar %d is %v, want %v, within %d",
					f.Format.PixelFormat, f.Format.Matrix, f.Format.Range, i, got, expected, allowed)
				break
			}
		}
	}
}
