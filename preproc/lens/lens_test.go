package lens

import (
	"bufio"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
)

// The calibrations of testdata/calibration, in pictures of 320x240.
var calibrations = map[string]Lens{
	"pinhole-4":    pinhole(260, 262, 158.5, 121.25, -0.28, 0.07, 1e-3, -7e-4),
	"pinhole-5":    pinhole(260, 262, 158.5, 121.25, -0.31, 0.12, 8e-4, -5e-4, -0.02),
	"rational-8":   pinhole(210, 211, 160.25, 118, 2.1, 0.9, 1e-4, 2e-4, 0.04, 2.45, 1.6, 0.23),
	"prism-12":     pinhole(280, 279, 161, 119, -0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3, 5e-4),
	"tilted-14":    pinhole(280, 279, 161, 119, -0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3, 5e-4, 0.02, -0.03),
	"pincushion-5": pinhole(400, 400, 160, 120, 0.22, 0.03, -4e-4, 6e-4, 0.01),
	"fisheye-4":    New(Fisheye, 320, 240, Matrix{145, 146, 159.5, 121}, []float64{-0.02, 0.006, -0.003, 4e-4}),
}

func pinhole(fx, fy, cx, cy float64, coefficients ...float64) Lens {
	return New(Pinhole, 320, 240, Matrix{fx, fy, cx + 0.5, cy + 0.5}, coefficients)
}

// OpenCV's own projection of the same rays, to a millionth of a pixel.
func TestPointsAreWhereOpenCVPutsThem(t *testing.T) {
	file, err := os.Open("../../testdata/calibration/points.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := map[string]int{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var name string
		var x, y, wantX, wantY float64
		if _, err := fmt.Sscan(lines.Text(), &name, &x, &y, &wantX, &wantY); err != nil {
			t.Fatal(err)
		}
		l := calibrations[name]
		px, py := l.Picture.pixel(x, y)
		gotX, gotY, ok := l.ToCamera(px, py)
		if !ok || math.Hypot(gotX-wantX-0.5, gotY-wantY-0.5) > 1e-6 {
			t.Errorf("%s: ray %v,%v is at %v,%v (%v), OpenCV says %v,%v", name, x, y, gotX, gotY, ok, wantX+0.5, wantY+0.5)
		}
		seen[name]++
	}
	if len(seen) != len(calibrations) {
		t.Errorf("points of %d calibrations, want %d", len(seen), len(calibrations))
	}
}

// Wherever a lens shows something, the way to the camera and back ends where it
// began; the bar is a twentieth of a pixel.
func TestPointsComeBack(t *testing.T) {
	for name, l := range calibrations {
		for _, balance := range []float64{-1, 0, 0.5, 1} {
			t.Run(fmt.Sprint(name, balance), func(t *testing.T) {
				if balance >= 0 {
					var err error
					if l, err = l.Balanced(balance); err != nil {
						t.Fatal(err)
					}
				}
				worst, points := roundTrip(&l)
				t.Logf("%d points, off by %.1e pixels at most", points, worst)
				if worst > 0.05 || points < 200 {
					t.Errorf("%d points, off by %v pixels", points, worst)
				}
			})
		}
	}
}

// roundTrip takes the camera's pixels to the undistorted picture and back, and
// that picture's pixels to the camera and back.
func roundTrip(l *Lens) (worst float64, points int) {
	for y := 0.5; y < float64(l.Height); y += 7 {
		for x := 0.5; x < float64(l.Width); x += 7 {
			if px, py, ok := l.FromCamera(x, y); ok {
				backX, backY, ok := l.ToCamera(px, py)
				if !ok {
					return math.Inf(1), points
				}
				worst = max(worst, math.Hypot(backX-x, backY-y))
				points++
			}
			cx, cy, ok := l.ToCamera(x, y)
			if !ok || cx < 0 || cy < 0 || cx > float64(l.Width) || cy > float64(l.Height) {
				continue
			}
			backX, backY, ok := l.FromCamera(cx, cy)
			if !ok {
				return math.Inf(1), points
			}
			worst = max(worst, math.Hypot(backX-x, backY-y))
		}
	}
	return worst, points
}

func TestNoLensChangesNothing(t *testing.T) {
	x, y, ok := new(Lens).ToCamera(3, 4)
	backX, backY, back := new(Lens).FromCamera(3, 4)
	if !ok || !back || x != 3 || y != 4 || backX != 3 || backY != 4 {
		t.Error(x, y, backX, backY)
	}
}

// Beyond the point where a polynomial turns back, it would show the middle of
// the picture again.
func TestModelsEndWhereTheyTurnBack(t *testing.T) {
	l := pinhole(100, 100, 160, 120, -0.3)
	// r - 0.3 r^3 is steepest down from r = 1/sqrt(0.9) on.
	if want := 1 / math.Sqrt(0.9); math.Abs(l.Limit-want) > 0.002 {
		t.Errorf("limit %v, want %v", l.Limit, want)
	}
	if x, y, ok := l.ToCamera(160.5+100*1.2, 120.5); ok {
		t.Errorf("a point beyond is at %v,%v", x, y)
	}
	if x, y, ok := l.FromCamera(160.5+100*0.75, 120.5); ok { // the curve's top is 0.70
		t.Errorf("a pixel that no ray reaches is at %v,%v", x, y)
	}
	whole := New(Fisheye, 320, 240, Matrix{100, 100, 160, 120}, make([]float64, 4))
	if whole.Limit != widest {
		t.Errorf("a fisheye that never turns back ends at %v", whole.Limit)
	}
}

func TestLensFollowsTheMode(t *testing.T) {
	l := calibrations["pinhole-5"]
	half, err := l.For(160, 120)
	if err != nil {
		t.Fatal(err)
	}
	x, y, _ := l.ToCamera(30, 200)
	if hx, hy, _ := half.ToCamera(15, 100); math.Hypot(2*hx-x, 2*hy-y) > 1e-9 {
		t.Errorf("%v,%v at half size, %v,%v at full", hx, hy, x, y)
	}
	if _, err := l.For(320, 240); err != nil {
		t.Error(err)
	}
	if _, err := l.For(320, 241); err != nil { // a driver rounds
		t.Error(err)
	}
	for _, size := range [][2]int{{320, 180}, {0, 0}, {1, 0}, {320, 0}} {
		if _, err := l.For(size[0], size[1]); err == nil || !strings.Contains(err.Error(), "of 320x240") {
			t.Errorf("%v: %v", size, err)
		}
	}
}

func TestBalance(t *testing.T) {
	for name, l := range calibrations {
		inside, err := l.Balanced(0)
		if err != nil {
			t.Fatal(err)
		}
		outside, err := l.Balanced(1)
		if err != nil {
			t.Fatal(err)
		}
		if n := edges(&inside, false); n > 0 {
			t.Errorf("%s: balance 0 leaves %d points without a picture", name, n)
		}
		if n := edges(&outside, true); n > 0 && name != "fisheye-4" {
			t.Errorf("%s: balance 1 loses %d points of the camera's picture", name, n)
		}
		if !(outside.Picture.FX <= inside.Picture.FX) {
			t.Errorf("%s: more is shown at %v than at %v", name, inside.Picture, outside.Picture)
		}
	}
	// A model that turns back within the picture has no more to show.
	early := pinhole(150, 150, 160, 120, -0.3)
	inside, err := early.Balanced(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []float64{0, 320} {
		for _, y := range []float64{0, 240} {
			if _, _, ok := inside.ToCamera(x, y); !ok {
				t.Errorf("balance 0 leaves the corner %v,%v without a picture: %+v", x, y, inside)
			}
		}
	}
}

// edges counts points along the edges of one picture that are not in the other
// one: of the undistorted in the camera's, or of the camera's in it.
func edges(l *Lens, camera bool) (lost int) {
	w, h := float64(l.Width), float64(l.Height)
	way := l.ToCamera
	if camera {
		way = l.FromCamera
	}
	const tolerance = 0.1 // of a pixel, between the points that were looked at
	for i := range 201 {
		at := float64(i) / 200
		for _, p := range [][2]float64{{at * w, 0}, {at * w, h}, {0, at * h}, {w, at * h}} {
			x, y, ok := way(p[0], p[1])
			if !ok || x < -tolerance || y < -tolerance || x > w+tolerance || y > h+tolerance {
				lost++
			}
		}
	}
	return lost
}

func TestBalanceOfALensWithoutARectangleIsRefused(t *testing.T) {
	l := New(Fisheye, 320, 240, Matrix{20, 20, -1000, 120}, make([]float64, 4))
	if _, err := l.Balanced(0); err == nil {
		t.Error("balanced")
	}
}
