package preproc

import (
	"encoding/binary"
	"fmt"
	"image"
	"math"
	"testing"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/capture"
)

// opencv runs one OpenCV call on a picture.
func opencv(t *testing.T, pixels []byte, width, height int, kind gocv.MatType, do func(from gocv.Mat, to *gocv.Mat) error) []byte {
	t.Helper()
	from, err := gocv.NewMatFromBytes(height, width, kind, pixels)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to := gocv.NewMat()
	defer to.Close()
	if err := do(from, &to); err != nil {
		t.Fatal(err)
	}
	return to.ToBytes()
}

func resizeTo(w, h int, filter gocv.InterpolationFlags) func(gocv.Mat, *gocv.Mat) error {
	return func(from gocv.Mat, to *gocv.Mat) error { return gocv.Resize(from, to, image.Pt(w, h), 0, 0, filter) }
}

func asFloats(b []byte) []float64 {
	v := make([]float64, len(b))
	for i := range b {
		v[i] = float64(b[i])
	}
	return v
}

// The same filter gives the same picture as OpenCV's resize, but for what whole
// numbers cost: RGB in all channels, and luma alone.
func TestResizeIsOpenCVs(t *testing.T) {
	const width, height = 97, 61
	for _, c := range []struct {
		filter Filter
		cv     gocv.InterpolationFlags
		w, h   int
	}{
		{Linear, gocv.InterpolationLinear, 40, 33}, {Linear, gocv.InterpolationLinear, 200, 150},
		{Linear, gocv.InterpolationLinear, 33, 120}, {Linear, gocv.InterpolationLinear, 1, 1},
		{Area, gocv.InterpolationArea, 40, 33}, {Area, gocv.InterpolationArea, 96, 60},
		{Area, gocv.InterpolationArea, 7, 5}, {Area, gocv.InterpolationArea, 1, 1},
	} {
		t.Run(fmt.Sprintf("%v/%dx%d", c.filter, c.w, c.h), func(t *testing.T) {
			s := Spec{Width: c.w, Height: c.h, Fit: Stretch, Filter: c.filter}
			rgb := newFrame(capture.RGB3, width, height, 0, noise())
			want := opencv(t, rgb.Planes[0], width, height, gocv.MatTypeCV8UC3, resizeTo(c.w, c.h, c.cv))
			checkResampled(t, c.filter, asFloats(process(t, rgb, View{}, s).Data), asFloats(want))

			luma := newFrame(capture.NV12, width, height, 0, noise())
			luma.Format.Range = capture.Full
			want = opencv(t, luma.Planes[0], width, height, gocv.MatTypeCV8UC1, resizeTo(c.w, c.h, c.cv))
			s.Color = Gray
			checkResampled(t, c.filter, asFloats(process(t, luma, View{}, s).Data), asFloats(want))
		})
	}
}

// For Y'CbCr the planes are resampled first and the colours converted at the
// output's size. In that same order, with the planes resized by OpenCV in
// float32, the result is the same, but for what whole numbers cost.
func TestYUVIsOpenCVsInTheSameOrder(t *testing.T) {
	const width, height = 96, 60
	for _, c := range []struct {
		filter Filter
		cv     gocv.InterpolationFlags
		w, h   int
	}{
		{Linear, gocv.InterpolationLinear, 40, 33}, {Linear, gocv.InterpolationLinear, 200, 150},
		{Area, gocv.InterpolationArea, 40, 25},
	} {
		f := newFrame(capture.YU12, width, height, 0, noise())
		var planes [3][]float64
		for i := range planes {
			w, h := f.Format.RowBytes(i), f.Format.Rows(i)
			planes[i] = resizedFloats(t, f.Planes[i], w, h, resizeTo(c.w, c.h, c.cv))
		}
		var want []float64
		for i := range planes[0] {
			rgb := rgbOf(&f.Format, []float64{planes[0][i], planes[1][i], planes[2][i]})
			for _, v := range rgb {
				want = append(want, min(max(v, 0), 255))
			}
		}
		s := Spec{Width: c.w, Height: c.h, Fit: Stretch, Filter: c.filter}
		checkResampled(t, c.filter, asFloats(process(t, f, View{}, s).Data), want)
	}
}

// resizedFloats resizes a plane in float32, so that OpenCV does not round.
func resizedFloats(t *testing.T, plane []byte, w, h int, resize func(gocv.Mat, *gocv.Mat) error) []float64 {
	out := opencv(t, plane, w, h, gocv.MatTypeCV8UC1, func(from gocv.Mat, to *gocv.Mat) error {
		floats := gocv.NewMat()
		defer floats.Close()
		if err := from.ConvertTo(&floats, gocv.MatTypeCV32FC1); err != nil {
			return err
		}
		return resize(floats, to)
	})
	v := make([]float64, len(out)/4)
	for i := range v {
		v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(out[i*4:])))
	}
	return v
}

// Most programs convert at full size and then resize. That is another order,
// and OpenCV repeats chroma samples where we interpolate: on a picture the two
// are alike, not equal.
func TestYUVIsLikeConvertThenResize(t *testing.T) {
	const width, height, w, h = 640, 360, 213, 120
	f := scene(capture.NV12, width, height)
	for i := range f.Planes[1] { // a picture's chroma is smoother than noise
		f.Planes[1][i] = byte(128 + 50*math.Sin(float64(i%width)/97+float64(i/width)/41))
	}
	joined := append(append([]byte(nil), f.Planes[0]...), f.Planes[1]...)
	rgb := opencv(t, joined, width, height*3/2, gocv.MatTypeCV8UC1, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.CvtColor(from, to, gocv.ColorYUVToRGBNV12)
	})
	want := opencv(t, rgb, width, height, gocv.MatTypeCV8UC3, resizeTo(w, h, gocv.InterpolationArea))
	got := process(t, f, View{}, Spec{Width: w, Height: h, Fit: Stretch}).Data
	p := psnr(asFloats(got), asFloats(want))
	t.Logf("PSNR to convert-then-resize: %.1f dB", p)
	if p < 40 {
		t.Errorf("PSNR is %.1f dB, want 40", p)
	}
}

// Behind a filter, pixels are made up as OpenCV's bilinear demosaicing does, but
// for the outermost ones, of which it makes copies.
func TestDemosaicingIsOpenCVs(t *testing.T) {
	const width, height = 98, 62
	for name, code := range map[string]gocv.ColorConversionCode{ // OpenCV names the second row's second pixel
		"RGGB": gocv.ColorBayerBGToRGB, "GRBG": gocv.ColorBayerGBToRGB, "GBRG": gocv.ColorBayerGRToRGB, "BA81": gocv.ColorBayerRGToRGB,
	} {
		p, _ := capture.ParsePixelFormat(name)
		f := newFrame(p, width, height, 0, noise())
		want := opencv(t, f.Planes[0], width, height, gocv.MatTypeCV8UC1, func(from gocv.Mat, to *gocv.Mat) error {
			return gocv.CvtColor(from, to, code)
		})
		got := process(t, f, View{}, Spec{}).Data
		for i := range got {
			x, y := i/3%width, i/3/width
			if min(x, y, width-1-x, height-1-y) > 0 && got[i] != want[i] {
				t.Fatalf("%s: colour %d at %d,%d is %d, OpenCV has %d", name, i%3, x, y, got[i], want[i])
			}
		}
	}
}

func TestHueIsOpenCVs(t *testing.T) {
	const width, height = 180, 64
	i := 0
	f := newFrame(capture.FourCC('H', 'S', 'V', '3'), width, height, 0, func() byte {
		x, y, c := i/3%width, i/3/width, i%3
		i++
		return [3]byte{byte(x), byte(y % 8 * 255 / 7), byte(y / 8 * 255 / 7)}[c]
	})
	f.Format.Matrix = capture.HSV180 // its other kind of hue has 255 steps
	want := opencv(t, f.Planes[0], width, height, gocv.MatTypeCV8UC3, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.CvtColor(from, to, gocv.ColorHSVToRGB)
	})
	compare(t, values(process(t, f, View{}, Spec{})), asFloats(want), 1)
}
