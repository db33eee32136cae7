package preproc

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// process runs one frame through a real processor.
func process(t testing.TB, f *capture.Frame, v View, s Spec) *Image {
	t.Helper()
	p, err := New(v, []Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	img := imageFor(t, f, v, s)
	if _, err := p.Process(t.Context(), f, []*Image{img}); err != nil {
		t.Fatal(err)
	}
	return img
}

func imageFor(t testing.TB, f *capture.Frame, v View, s Spec) *Image {
	t.Helper()
	w, h, err := OutputSize(v, &s, f.Format)
	if err != nil {
		t.Fatal(err)
	}
	return &Image{Data: make([]byte, 0, s.MaxBytes(w, h))}
}

// values reads an image back to the reference's form: HWC, 0 to 255.
func values(img *Image) []float64 {
	s, w, h := img.Spec, img.Width, img.Height
	channels, size := s.Channels(), s.DType.Bytes()
	v := make([]float64, w*h*channels)
	for i := range v {
		pixel, c := i/channels, i%channels
		at := i
		if s.Layout == CHW {
			at = c*w*h + pixel
		}
		v[i] = element(img.Data[at*size:], s.DType)
		if s.DType.Float() {
			std := float64(s.Std[c])
			if std == 0 {
				std = 1
			}
			v[i] = (v[i]*std + float64(s.Mean[c])) * 255
		}
	}
	return v
}

func element(b []byte, d DType) float64 {
	switch d {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	case Float16:
		return half(binary.LittleEndian.Uint16(b))
	}
	if d == Int8 {
		return float64(int8(b[0])) + 128
	}
	return float64(b[0])
}

// half is the value of an IEEE 754 binary16.
func half(bits uint16) float64 {
	sign := 1.0
	if bits>>15 != 0 {
		sign = -1
	}
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	if exponent == 0 {
		return sign * math.Ldexp(fraction, -24)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// compare fails when a value is further from the reference than allowed.
func compare(t *testing.T, got, want []float64, allowed float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d values, want %d", len(got), len(want))
	}
	worst, at := 0.0, 0
	for i := range got {
		if d := math.Abs(got[i] - want[i]); d > worst {
			worst, at = d, i
		}
	}
	if worst > allowed {
		t.Errorf("value %d is %.3f, want %.3f: off by %.3f, allowed %.3f", at, got[at], want[at], worst, allowed)
	}
}

// shades is what the colour matrix may cost in whole numbers: four roundings, of
// a coefficient and three products, to 1/32 of a level.
const shades = 4.0 / 64

// rounding is the distance to a uint8 that was rounded from the true value.
const rounding = 0.5 + shades

// Resampling in whole numbers may cost more: weights are multiples of 1/128,
// and between the vertical and the horizontal step a sample has 8 bits. In noise,
// where neighbours differ by 255, a step may be 1 level off at the most, of which
// the colour matrix makes 2.1. Of a whole picture of noise 49 dB are left at least,
// where a pixel covers many and each weight is small; where it does not, 50.
const (
	resampled     = 4
	resampledPSNR = 48
)

// checkResampled compares a picture that went through the filter.
func checkResampled(t *testing.T, filter Filter, got, want []float64) {
	t.Helper()
	if filter == Nearest {
		compare(t, got, want, rounding)
		return
	}
	compare(t, got, want, resampled)
	if p := psnr(got, want); len(got) >= 500 && p < resampledPSNR {
		t.Errorf("PSNR is %.1f dB, want %d", p, resampledPSNR)
	}
}

// rawFormats are all lines of the table but the compressed ones.
var rawFormats = func() (list []capture.PixelFormat) {
	for _, l := range capture.Formats() {
		if !l.Compressed() {
			list = append(list, l.PixelFormat)
		}
	}
	return list
}()

// families are a format of each way in which frames are read.
var families = func() (list []capture.PixelFormat) {
	for _, name := range []string{
		"YUYV", "NV12", "YU12", "RGB3", "GREY", "P010", "Y10", "RGBP", "HSV3", "BG10", "pgAA",
	} {
		p, _ := capture.ParsePixelFormat(name)
		list = append(list, p)
	}
	return list
}()

// matricesOf are those that a format may have.
func matricesOf(p capture.PixelFormat) []capture.Matrix {
	switch p.Layout().Kind {
	case capture.YUV:
		return []capture.Matrix{capture.BT601, capture.BT709, capture.BT2020, capture.SMPTE240M}
	case capture.HSV:
		return []capture.Matrix{capture.HSV180, capture.HSV256}
	}
	return []capture.Matrix{capture.BT601}
}

func TestEveryFormatIsReadInItsMatrixAndRange(t *testing.T) {
	for _, p := range rawFormats {
		for _, matrix := range matricesOf(p) {
			for _, r := range []capture.Range{capture.Limited, capture.Full} {
				for _, color := range []Color{RGB, BGR, Gray} {
					t.Run(fmt.Sprint(p, matrix, r, color), func(t *testing.T) {
						f := newFrame(p, 37, 23, 5, noise())
						f.Format.Matrix, f.Format.Range = matrix, r
						s := Spec{Width: 20, Height: 20, Pad: 114, Color: color, Filter: Nearest}
						want, _, _ := reference(f, View{}, &s)
						compare(t, values(process(t, f, View{}, s)), want, rounding)
					})
				}
			}
		}
	}
}

func TestEveryGeometryShowsTheRightPixels(t *testing.T) {
	crops := []Rect{{}, {3, 5, 20, 11}}
	sizes := [][2]int{{0, 0}, {16, 16}, {64, 48}, {7, 31}}
	for _, p := range []capture.PixelFormat{capture.RGB3, capture.NV12, capture.YUYV} {
		f := newFrame(p, 37, 23, 3, noise())
		for _, crop := range crops {
			for _, rotate := range []int{0, 90, 180, 270} {
				for _, flip := range []Flip{FlipNone, FlipHorizontal, FlipVertical, FlipBoth} {
					v := View{Crop: crop, Rotate: rotate, Flip: flip}
					for _, size := range sizes {
						for _, fit := range []Fit{Letterbox, Stretch, Cover} {
							checkGeometry(t, f, v, Spec{Width: size[0], Height: size[1], Fit: fit, Pad: 9})
						}
					}
				}
			}
		}
	}
}

func checkGeometry(t *testing.T, f *capture.Frame, v View, s Spec) {
	for _, filter := range []Filter{Area, Linear, Nearest} {
		s.Filter = filter
		t.Run(fmt.Sprintf("%v/%v/%v/%dx%d/%v/%v", f.Format.PixelFormat, v.Crop, v.Rotate, s.Width, s.Height, s.Fit, filter), func(t *testing.T) {
			want, _, _ := reference(f, v, &s)
			checkResampled(t, filter, values(process(t, f, v, s)), want)
		})
	}
}

func TestTinyAndOddSizes(t *testing.T) {
	for _, p := range rawFormats {
		for _, size := range [][2]int{{1, 1}, {2, 2}, {3, 5}, {1, 7}, {641, 3}} {
			for _, filter := range []Filter{Area, Linear, Nearest} {
				t.Run(fmt.Sprint(p, size, filter), func(t *testing.T) {
					f := newFrame(p, size[0], size[1], 61, noise())
					s := Spec{Width: 5, Height: 4, Fit: Stretch, Filter: filter}
					want, _, _ := reference(f, View{}, &s)
					checkResampled(t, filter, values(process(t, f, View{}, s)), want)
				})
			}
		}
	}
}

func TestElementTypesLayoutsAndNormalisation(t *testing.T) {
	mean, std := [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	f := newFrame(capture.YUYV, 38, 24, 0, noise())
	for _, layout := range []Layout{HWC, CHW} {
		for _, v := range []View{{}, {Rotate: 90, Flip: FlipHorizontal}} {
			for _, c := range []struct {
				dtype     DType
				normalise bool
				allowed   float64 // of 255
			}{
				{Uint8, false, rounding},
				{Float32, false, shades}, {Float32, true, shades},
				// Half has 11 bits: 2^-12 of values up to 1, and of up to 2.7 std.
				{Float16, false, shades + 255.0/4096}, {Float16, true, shades + 4*255.0/4096*0.23},
			} {
				t.Run(fmt.Sprint(layout, v, c.dtype, c.normalise), func(t *testing.T) {
					s := Spec{Width: 20, Height: 20, Filter: Nearest, Pad: 114, DType: c.dtype, Layout: layout}
					if c.normalise {
						s.Mean, s.Std = mean, std
					}
					want, _, _ := reference(f, v, &s)
					compare(t, values(process(t, f, v, s)), want, c.allowed)
				})
			}
		}
	}
}
