package preproc

import (
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// everyView calls test with each orientation, with and without a crop.
func everyView(t *testing.T, test func(t *testing.T, v View)) {
	for _, crop := range []Rect{{}, {4, 6, 24, 16}} {
		for _, rotate := range []int{0, 90, 180, 270} {
			for _, flip := range []Flip{FlipNone, FlipHorizontal, FlipVertical, FlipBoth} {
				v := View{Crop: crop, Rotate: rotate, Flip: flip}
				t.Run(fmt.Sprint(v), func(t *testing.T) { test(t, v) })
			}
		}
	}
}

// Each pixel of a grid of dots is found where Geometry says that it is.
func TestDotsLandOnTheirPixel(t *testing.T) {
	everyView(t, func(t *testing.T, v View) {
		for y := 0; y < 30; y += 7 {
			for x := 0; x < 40; x += 7 {
				checkDot(t, v, x, y)
			}
		}
	})
}

func checkDot(t *testing.T, v View, x, y int) {
	f := newFrame(capture.GREY, 40, 30, 0, func() byte { return 0 })
	f.Format.Range = capture.Full
	f.Planes[0][y*40+x] = 255
	img := process(t, f, v, Spec{Color: Gray})
	crop, _ := v.crop(&f.Format)
	inside := x >= crop.X && y >= crop.Y && x < crop.X+crop.Width && y < crop.Y+crop.Height
	dots := 0
	for i, value := range img.Data {
		if value == 0 {
			continue
		}
		dots++
		cx, cy := img.Geometry.Map(float64(i%img.Width)+0.5, float64(i/img.Width)+0.5)
		if cx != float64(x)+0.5 || cy != float64(y)+0.5 || value != 255 {
			t.Errorf("dot at %d,%d appears as %d at %d,%d, which maps to %v,%v", x, y, value, i%img.Width, i/img.Width, cx, cy)
		}
	}
	if inside != (dots == 1) || dots > 1 {
		t.Errorf("dot at %d,%d appears %d times, inside the view: %v", x, y, dots, inside)
	}
}

// What rotate and flip mean, said once by hand: the camera's 2x3 picture
//
//	1 2
//	3 4
//	5 6
func TestRotateIsClockwiseAndBeforeFlip(t *testing.T) {
	f := newFrame(capture.GREY, 2, 3, 0, func() byte { return 0 })
	f.Format.Range = capture.Full
	copy(f.Planes[0], []byte{1, 2, 3, 4, 5, 6})
	for _, c := range []struct {
		view View
		want string
	}{
		{View{}, "[1 2 3 4 5 6]"},
		{View{Rotate: 90}, "[5 3 1 6 4 2]"},
		{View{Rotate: 180}, "[6 5 4 3 2 1]"},
		{View{Rotate: 270}, "[2 4 6 1 3 5]"},
		{View{Flip: FlipHorizontal}, "[2 1 4 3 6 5]"},
		{View{Flip: FlipVertical}, "[5 6 3 4 1 2]"},
		{View{Flip: FlipBoth}, "[6 5 4 3 2 1]"},
		{View{Rotate: 90, Flip: FlipHorizontal}, "[1 3 5 2 4 6]"},
		{View{Crop: Rect{1, 1, 1, 2}, Rotate: 90}, "[6 4]"},
	} {
		if got := fmt.Sprint(process(t, f, c.view, Spec{Color: Gray}).Data); got != c.want {
			t.Errorf("%+v: %s, want %s", c.view, got, c.want)
		}
	}
}

func TestGeometryAndItsInverseComeBack(t *testing.T) {
	everyView(t, func(t *testing.T, v View) {
		for _, fit := range []Fit{Letterbox, Stretch, Cover, Inside} {
			s := Spec{Width: 64, Height: 50, Fit: fit}
			g, err := v.Geometry(&s, capture.Format{PixelFormat: capture.GREY, Width: 40, Height: 30})
			if err != nil {
				t.Fatal(err)
			}
			x, y := g.Inverse().Map(g.Map(12.25, 33.5))
			if math.Abs(x-12.25) > 1e-9 || math.Abs(y-33.5) > 1e-9 {
				t.Errorf("%v: 12.25,33.5 came back as %v,%v", fit, x, y)
			}
		}
	})
}

func TestLetterboxAndCoverOfAnHDCamera(t *testing.T) {
	hd := capture.Format{PixelFormat: capture.NV12, Width: 1920, Height: 1080}
	for _, c := range []struct {
		fit                Fit
		x, y, wantX, wantY float64
	}{
		{Letterbox, 0, 140, 0, 0},
		{Letterbox, 640, 500, 1920, 1080},
		{Stretch, 0, 0, 0, 0},
		{Stretch, 640, 640, 1920, 1080},
		{Cover, 0, 0, 420, 0},
		{Cover, 640, 640, 1500, 1080},
	} {
		s := Spec{Width: 640, Height: 640, Fit: c.fit}
		g, err := View{}.Geometry(&s, hd)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := g.Map(c.x, c.y); math.Abs(x-c.wantX) > 1e-9 || math.Abs(y-c.wantY) > 1e-9 {
			t.Errorf("%v: %v,%v maps to %v,%v, want %v,%v", c.fit, c.x, c.y, x, y, c.wantX, c.wantY)
		}
	}
}

func TestInsideIsAsLargeAsFitsAndNoLargerThanTheView(t *testing.T) {
	for _, c := range []struct{ vw, vh, rotate, w, h, width, height int }{
		{1920, 1080, 0, 1280, 720, 1280, 720},
		{1920, 1080, 90, 1280, 720, 405, 720},
		{640, 480, 0, 1280, 720, 640, 480}, // not enlarged
		{1600, 1200, 0, 1280, 720, 960, 720},
		{4000, 10, 0, 100, 100, 100, 1},
	} {
		spec := Spec{Width: c.w, Height: c.h, Fit: Inside}
		view, f := View{Rotate: c.rotate}, capture.Format{Width: c.vw, Height: c.vh}
		width, height, err := OutputSize(view, &spec, f)
		if err != nil || width != c.width || height != c.height {
			t.Errorf("%dx%d turned by %d inside %dx%d: %dx%d, %v", c.vw, c.vh, c.rotate, c.w, c.h, width, height, err)
		}
		// All of the view is shown, from corner to corner.
		g, err := view.Geometry(&spec, f)
		x, y := g.Map(float64(width), float64(height))
		if want := float64(c.vw); err != nil || c.rotate == 0 && (x != want || y != float64(c.vh)) {
			t.Errorf("the last corner is at %v,%v, %v", x, y, err)
		}
	}
}

func TestExtremeAspectsKeepAPixel(t *testing.T) {
	for _, size := range [][2]int{{200, 1}, {1, 200}} {
		f := newFrame(capture.RGB3, size[0], size[1], 0, noise())
		img := process(t, f, View{}, Spec{Width: 10, Height: 10, Pad: 7})
		var picture int
		for _, v := range img.Data {
			if v != 7 {
				picture++
			}
		}
		if picture < 10 {
			t.Errorf("%v: %d values of the picture are left", size, picture)
		}
	}
}

// In a fallback the view shows the same part of the picture.
func TestCropFollowsTheSize(t *testing.T) {
	v := View{Crop: Rect{320, 180, 640, 361}, CropWidth: 1280, CropHeight: 720}
	for size, want := range map[[2]int]Rect{
		{1280, 720}: {320, 180, 640, 361}, {640, 360}: {160, 90, 320, 181}, {640, 480}: {160, 120, 320, 241}, {1920, 1080}: {480, 270, 960, 542}, {3, 2}: {1, 1, 1, 1}, {1, 1}: {0, 0, 1, 1},
	} {
		c, err := v.crop(&capture.Format{Width: size[0], Height: size[1]})
		if err != nil || c != want {
			t.Errorf("%v: %v, %v, want %v", size, c, err, want)
		}
	}
	whole := View{Crop: Rect{0, 0, 1280, 720}, CropWidth: 1280, CropHeight: 720}
	for side := 1; side < 2000; side++ {
		if c, err := whole.crop(&capture.Format{Width: side, Height: side}); err != nil || c != (Rect{0, 0, side, side}) {
			t.Fatalf("%d: %v, %v", side, c, err)
		}
	}
	beyond := View{Crop: Rect{1270, 0, 20, 10}, CropWidth: 1280, CropHeight: 720}
	if _, err := beyond.crop(&capture.Format{Width: 1280, Height: 720}); err == nil {
		t.Error("a crop that does not fit its own picture was taken")
	}
}
