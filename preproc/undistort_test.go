package preproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image/color"
	"math"
	"os"
	"strings"
	"testing"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc/lens"
)

// The calibrations of testdata/calibration, of pictures of 320x240.
var lenses = map[string]lens.Lens{
	"pinhole-5": lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 260, FY: 262, CX: 159, CY: 121.75}, []float64{-0.31, 0.12, 8e-4, -5e-4, -0.02}),
	"rational-8": lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 210, FY: 211, CX: 160.75, CY: 118.5},
		[]float64{2.1, 0.9, 1e-4, 2e-4, 0.04, 2.45, 1.6, 0.23}),
	"tilted-14": lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 280, FY: 279, CX: 161.5, CY: 119.5},
		[]float64{-0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3, 5e-4, 0.02, -0.03}),
	"pincushion-5": lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 400, FY: 400, CX: 160.5, CY: 120.5}, []float64{0.22, 0.03, -4e-4, 6e-4, 0.01}),
	"fisheye-4":    lens.New(lens.Fisheye, 320, 240, lens.Matrix{FX: 145, FY: 146, CX: 159.5, CY: 121}, []float64{-0.02, 0.006, -0.003, 4e-4}),
}

// graymap reads a portable graymap of testdata/calibration.
func graymap(t testing.TB, name string) *capture.Frame {
	t.Helper()
	data, err := os.ReadFile("../testdata/calibration/" + name + ".pgm")
	if err != nil {
		t.Fatal(err)
	}
	pixels, ok := bytes.CutPrefix(data, []byte("P5\n320 240\n255\n"))
	if !ok {
		t.Fatalf("%s: not the picture that was made", name)
	}
	f := newFrame(capture.GREY, 320, 240, 0, func() byte { return 0 })
	f.Format.Range = capture.Full
	copy(f.Planes[0], pixels)
	return f
}

// inner says for each pixel of an undistorted image whether all that it is made
// of is in the camera's picture: OpenCV mixes black in along the edges.
func inner(img *Image) []bool {
	in := make([]bool, img.Width*img.Height)
	for i := range in {
		x, y, ok := img.ToCamera(float64(i%img.Width)+0.5, float64(i/img.Width)+0.5)
		in[i] = ok && x >= 1 && y >= 1 && x <= float64(img.CameraWidth)-1 && y <= float64(img.CameraHeight)-1
	}
	return in
}

// difference is between two pictures, where in says so.
func difference(got, want []byte, in []bool) (most int, mean float64, count int) {
	for i := range got {
		if !in[i] {
			continue
		}
		d := int(got[i]) - int(want[i])
		most, mean, count = max(most, d, -d), mean+math.Abs(float64(d)), count+1
	}
	return most, mean / float64(max(count, 1)), count
}

// cv::undistort and cv::fisheye::undistortImage give the same pictures, but for
// the 32 steps between two pixels that OpenCV has.
func TestUndistortIsOpenCVs(t *testing.T) {
	for _, name := range []string{"pinhole-5", "rational-8", "fisheye-4"} {
		img := process(t, graymap(t, "scene"), View{Lens: lenses[name]}, Spec{Color: Gray, Filter: Linear})
		most, mean, count := difference(img.Data, graymap(t, name).Planes[0], inner(img))
		t.Logf("%s: %d pixels, off by %d at most, %.3f on the mean", name, count, most, mean)
		if most > 4 || mean > 0.4 || count < 60_000 {
			t.Errorf("%s: %d pixels, off by %d at most, %.3f on the mean", name, count, most, mean)
		}
	}
}

// remapped is what cv::remap makes of a gray frame with the map that the image
// is described by, with each pixel the mean of fine x fine points of it.
func remapped(t *testing.T, f *capture.Frame, img *Image, fine int) []byte {
	t.Helper()
	w, h := img.Width*fine, img.Height*fine
	mapX, mapY := make([]float32, 0, w*h), make([]float32, 0, w*h)
	for y := range h {
		for x := range w {
			cx, cy, ok := img.ToCamera((float64(x)+0.5)/float64(fine), (float64(y)+0.5)/float64(fine))
			if !ok {
				cx, cy = -10, -10
			}
			mapX, mapY = append(mapX, float32(cx-0.5)), append(mapY, float32(cy-0.5))
		}
	}
	atX, atY := floatMat(t, mapX, w, h), floatMat(t, mapY, w, h)
	defer atX.Close()
	defer atY.Close()
	large := opencv(t, f.Planes[0], f.Format.Width, f.Format.Height, gocv.MatTypeCV8UC1, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.Remap(from, to, &atX, &atY, gocv.InterpolationLinear, gocv.BorderReplicate, color.RGBA{})
	})
	if fine == 1 {
		return large
	}
	return opencv(t, large, w, h, gocv.MatTypeCV8UC1, resizeTo(img.Width, img.Height, gocv.InterpolationArea))
}

func floatMat(t *testing.T, values []float32, w, h int) gocv.Mat {
	t.Helper()
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	m, err := gocv.NewMatFromBytes(h, w, gocv.MatTypeCV32FC1, data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every view of every lens is cv::remap by the map that the image has.
func TestUndistortedViewsAreOpenCVs(t *testing.T) {
	f := graymap(t, "scene")
	for name, l := range lenses {
		balanced, err := l.Balanced(0.5)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range []View{
			{Lens: l}, {Lens: balanced}, {Lens: l, Rotate: 90}, {Lens: l, Rotate: 180, Flip: FlipVertical}, {Lens: balanced, Rotate: 270, Flip: FlipHorizontal},
			{Lens: l, Crop: Rect{31, 17, 200, 150}, Flip: FlipBoth},
		} {
			for _, fit := range []Fit{Letterbox, Stretch, Cover} {
				s := Spec{Width: 333, Height: 301, Fit: fit, Color: Gray, Filter: Linear}
				t.Run(fmt.Sprint(name, v.Rotate, v.Flip, v.Crop, fit), func(t *testing.T) {
					img := process(t, f, v, s)
					in := inside(img, v)
					most, mean, count := difference(img.Data, remapped(t, f, img, 1), in)
					if most > 5 || mean > 0.4 || count < 30_000 {
						t.Errorf("%d pixels, off by %d at most, %.3f on the mean", count, most, mean)
					}
				})
			}
		}
	}
}

// inside is inner without letterbox borders.
func inside(img *Image, v View) []bool {
	in := inner(img)
	crop := v.Crop
	if crop == (Rect{}) {
		crop = Rect{0, 0, img.CameraWidth, img.CameraHeight}
	}
	for i := range in {
		x, y := img.Geometry.Map(float64(i%img.Width)+0.5, float64(i/img.Width)+0.5)
		in[i] = in[i] && x >= float64(crop.X) && y >= float64(crop.Y) && x <= float64(crop.X+crop.Width) && y <= float64(crop.Y+crop.Height)
	}
	return in
}

// wide is a lens for pictures of 16:9.
var wide = lens.New(lens.Pinhole, 1920, 1080, lens.Matrix{FX: 1400, FY: 1405, CX: 951, CY: 533}, []float64{-0.29, 0.09, 6e-4, -4e-4, -0.01})

// At any ratio a pixel is the mean of what it covers, as far as a filter of a few
// pixels can make it: cv::remap with 25 points for each pixel is the measure.
func TestUndistortHasNoAliasing(t *testing.T) {
	for _, size := range [][2]int{{480, 270}, {560, 315}, {640, 360}, {960, 540}} {
		f := newFrame(capture.GREY, size[0], size[1], 0, func() byte { return 0 })
		f.Format.Range = capture.Full
		copy(f.Planes[0], textured(size[0], size[1]))
		img := process(t, f, View{Lens: wide}, Spec{Width: 320, Height: 320, Color: Gray})
		want := remapped(t, f, img, 5)
		var got, mean []float64
		for i, in := range inside(img, View{}) {
			if in {
				got, mean = append(got, float64(img.Data[i])), append(mean, float64(want[i]))
			}
		}
		db := psnr(got, mean)
		t.Logf("%v: %.1f dB", size, db)
		if db < 40 || size[0] > 600 && db < 43 {
			t.Errorf("%v: %.1f dB", size, db)
		}
	}
}

// textured is a picture whose rows have detail up to what 320 columns resolve.
func textured(w, h int) []byte {
	r := noise()
	p := make([]byte, w*h)
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w)*960, float64(y)/float64(w)*960
			s := 128 + 40*math.Sin(u/37+v/91) + 30*math.Sin(u*v/9000) + 20*math.Sin(u/2.9) + float64(r()%24) - 12
			if (int(u)/60+int(v)/45)%5 == 0 {
				s += 60
			}
			p[y*w+x] = byte(min(max(s, 0), 255))
		}
	}
	return p
}

// smooth fills every plane with values that change slowly within a component.
func smooth(p capture.PixelFormat, width, height int) *capture.Frame {
	f := newFrame(p, width, height, 0, func() byte { return 0 })
	f.Format = capture.DefaultFormat(p, width, height)
	for i := range p.Layout().Planes {
		f.Format.Stride[i] = f.Format.RowBytes(i)
		for at := range f.Planes[i] {
			x, y := float64(at%f.Format.Stride[i])/float64(f.Format.Stride[i]), float64(at/f.Format.Stride[i])/float64(f.Format.Rows(i))
			component := i
			switch p {
			case capture.YUYV:
				component = [...]int{0, 1, 0, 2}[at%4]
			case capture.NV12:
				component = i * (1 + at%2)
			case capture.RGB3, capture.BGR3:
				component = at % f.Format.Stride[i] % 3
			}
			f.Planes[i][at] = byte(128 + 15*math.Sin(13*x+2*float64(component)) + 15*math.Cos(11*y-float64(component)))
		}
	}
	return f
}

// The colours of an undistorted picture are those of the picture that is
// undistorted.
func TestUndistortedColoursAreThePictures(t *testing.T) {
	jpeg := encoded(t, smooth(capture.RGB3, 320, 240), 95)
	for _, f := range []*capture.Frame{
		smooth(capture.YUYV, 320, 240), smooth(capture.NV12, 320, 240), smooth(capture.YU12, 320, 240),
		smooth(capture.RGB3, 320, 240), smooth(capture.BGR3, 320, 240), smooth(capture.GREY, 320, 240), jpeg,
	} {
		whole := process(t, f, View{}, Spec{})
		for _, filter := range []Filter{Area, Linear, Nearest} {
			for _, crop := range []Rect{{}, {210, 130, 90, 100}} {
				img := process(t, f, View{Lens: lenses["pinhole-5"], Crop: crop}, Spec{Filter: filter})
				worst := furthest(img, whole)
				t.Logf("%v %v %v: off by %.1f at most", f.Format.PixelFormat, filter, crop, worst)
				if allowed := map[bool]float64{true: 6, false: 2.5}[filter == Nearest || f == jpeg]; worst > allowed {
					t.Errorf("%v %v %v: off by %.1f at most", f.Format.PixelFormat, filter, crop, worst)
				}
			}
		}
	}
}

// furthest is how far a value of an undistorted image is from that of the whole
// picture around its point.
func furthest(img, whole *Image) (worst float64) {
	for i, in := range inner(img) {
		x, y, _ := img.ToCamera(float64(i%img.Width)+0.5, float64(i/img.Width)+0.5)
		for c := 0; in && c < 3; c++ {
			worst = max(worst, math.Abs(float64(img.Data[3*i+c])-between(whole, x, y, c)))
		}
	}
	return worst
}

// between is a channel of an RGB image around a point, bilinearly.
func between(img *Image, x, y float64, c int) float64 {
	x, y = x-0.5, y-0.5
	i, j := int(x), int(y)
	u, v := x-float64(i), y-float64(j)
	at := func(i, j int) float64 {
		return float64(img.Data[3*(min(j, img.Height-1)*img.Width+min(i, img.Width-1))+c])
	}
	return (at(i, j)*(1-u)+at(i+1, j)*u)*(1-v) + (at(i, j+1)*(1-u)+at(i+1, j+1)*u)*v
}

// What the lens does not show looks like the borders of a letterbox.
func TestWhatIsOutsideIsPad(t *testing.T) {
	whole, err := lenses["fisheye-4"].Balanced(1)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []*capture.Frame{smooth(capture.YUYV, 320, 240), smooth(capture.RGB3, 320, 240), smooth(capture.GREY, 320, 240)} {
		for _, dtype := range []DType{Uint8, Int8, Float32, Float16} {
			for _, rotate := range []int{0, 90} {
				s := Spec{Width: 200, Height: 260, Pad: 77, DType: dtype}
				img := process(t, f, View{Lens: whole, Rotate: rotate}, s)
				got := values(img)
				empty := 0
				for i := range got {
					x, y, ok := img.ToCamera(float64(i/3%img.Width)+0.5, float64(i/3/img.Width)+0.5)
					if ok && x > -0.01 && y > -0.01 && x < 320.01 && y < 240.01 {
						continue
					}
					empty++
					if math.Abs(got[i]-77) > 0.1 {
						t.Fatalf("%v %v: value %d, at %v,%v, is %v", f.Format.PixelFormat, dtype, i, x, y, got[i])
					}
				}
				if empty < 30_000 {
					t.Errorf("%v %v: only %d values are empty", f.Format.PixelFormat, dtype, empty)
				}
			}
		}
	}
}

func TestLensOfAnotherAspectIsRefused(t *testing.T) {
	p, err := New(View{Lens: wide}, []Spec{{Width: 64, Height: 64}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := smooth(capture.GREY, 320, 240)
	_, err = p.Process(t.Context(), f, []*Image{{Data: make([]byte, 0, 64*64*3)}})
	if refused, ok := errors.AsType[*Error](err); !ok || refused.Reason != ReasonGeometry || !strings.Contains(err.Error(), "calibration is of 1920x1080, and a picture of 320x240 has another aspect ratio") {
		t.Error(err)
	}
}
