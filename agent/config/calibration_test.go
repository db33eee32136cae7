package config

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/preproc/lens"
)

const calibrations = "../../testdata/calibration/"

// The numbers that the files were made with.
func TestCalibrationsAreRead(t *testing.T) {
	prism := []float64{-0.2, 0.05, 5e-4, 3e-4, 0.01, 0.02, 0.01, 0.001, 2e-3, -1e-3, 1.5e-3, 5e-4}
	plumb, rational, wide := []float64{-0.31, 0.12, 8e-4, -5e-4, -0.02}, []float64{2.1, 0.9, 1e-4, 2e-4, 0.04, 2.45, 1.6, 0.23}, []float64{-0.02, 0.006, -0.003, 4e-4}
	narrow, square := lens.Matrix{FX: 260, FY: 262, CX: 159, CY: 121.75}, lens.Matrix{FX: 280, FY: 279, CX: 161.5, CY: 119.5}
	files := decoder{calibration: (&Text{}).calibration}
	for name, want := range map[string]lens.Lens{
		"pinhole-4":       lens.New(lens.Pinhole, 320, 240, narrow, []float64{-0.28, 0.07, 1e-3, -7e-4}),
		"pinhole-5":       lens.New(lens.Pinhole, 320, 240, narrow, plumb),
		"old-spelling":    lens.New(lens.Pinhole, 320, 240, narrow, plumb),
		"ros-plumb-bob":   lens.New(lens.Pinhole, 320, 240, narrow, plumb),
		"rational-8":      lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 210, FY: 211, CX: 160.75, CY: 118.5}, rational),
		"ros-rational":    lens.New(lens.Pinhole, 320, 240, lens.Matrix{FX: 210, FY: 211, CX: 160.75, CY: 118.5}, rational),
		"prism-12":        lens.New(lens.Pinhole, 320, 240, square, prism),
		"tilted-14":       lens.New(lens.Pinhole, 320, 240, square, slices.Concat(prism, []float64{0.02, -0.03})),
		"fisheye-4":       lens.New(lens.Fisheye, 320, 240, lens.Matrix{FX: 145, FY: 146, CX: 159.5, CY: 121}, wide),
		"ros-equidistant": lens.New(lens.Fisheye, 320, 240, lens.Matrix{FX: 145, FY: 146, CX: 159.5, CY: 121}, wide),
	} {
		if got, faults := files.lens(calibrations + name + ".yaml"); len(faults) > 0 || got != want {
			t.Errorf("%s: %v\n got %+v\nwant %+v", name, Faults(faults), got, want)
		}
	}
}

// good is a calibration; a test replaces one line of it.
const good = `image_width: 640
image_height: 480
camera_matrix:
   rows: 3
   cols: 3
   data: [600, 0, 320, 0, 600, 240, 0, 0, 1]
distortion_coefficients:
   rows: 1
   cols: 5
   data: [-0.3, 0.1, 0, 0, 0]
`

func TestBadCalibrationsAreExplained(t *testing.T) {
	if _, faults := parseCalibration("c.yaml", []byte(good)); len(faults) > 0 {
		t.Fatal(Faults(faults))
	}
	for _, c := range []struct{ old, new, want string }{
		{good, "", "c.yaml:1:1: image_width: missing; a calibration holds for pictures of its own size"},
		{good, "\x00\xff", "c.yaml:1:1: bytes that are not UTF-8"},
		{good, "image_width: [640", "c.yaml:1:14: sequence end token ']' not found; this is not YAML"},
		{good, "- 1\n- 2\n", "image_width: missing"},
		{"image_width: 640", "image_width: 0", "c.yaml:1:14: image_width: found \"0\"; allowed: 1 to 65536 pixels"},
		{"image_height: 480\n", "", "c.yaml:1:1: image_height: missing"},
		{"camera_matrix", "matrix", "c.yaml:1:1: camera_matrix: missing; allowed: a matrix with rows, cols and data: 3 rows of 3"},
		{"rows: 3", "rows: 4", "c.yaml:4:4: camera_matrix: found 9 numbers, 4 rows of 3; allowed: 3 rows of 3"},
		{"   cols: 3\n", "", "c.yaml:4:4: camera_matrix.cols: missing; allowed: how many there are"},
		{"cols: 3", "cols: x", "c.yaml:5:10: camera_matrix.cols: found \"x\""},
		{"data: [600, 0, 320", "data: [0, 0, 320", "c.yaml:6:10: camera_matrix: found focal lengths of 0 and 600 pixels; allowed: above 0"},
		{"data: [600, 0, 320", "data: [600, 3, 320", "c.yaml:6:10: camera_matrix: found [600 3 320"},
		{"data: [600, 0, 320", "data: [.Nan, 0, 320", "c.yaml:6:11: camera_matrix.data: found \".Nan\"; allowed: finite numbers"},
		{"data: [600, 0, 320", "data: [1e999, 0, 320", "found \"1e999\"; allowed: finite numbers"},
		{"data: [600, 0, 320, 0, 600, 240, 0, 0, 1]", "data: 600", "camera_matrix.data: found no list"},
		{"cols: 5", "cols: 6", "c.yaml:8:4: distortion_coefficients: found 5 numbers, 1 rows of 6; allowed: 4, 5, 8, 12, 14 in a row or a column"},
		{"-0.3, 0.1", "-0.3, [0.1]", "distortion_coefficients.data: found a list; allowed: finite numbers"},
		{"distortion_c", "distortion_model: fov\ndistortion_c", "c.yaml:7:19: distortion_model: found \"fov\"; allowed: plumb_bob, rational_polynomial, equidistant, fisheye"},
		{"distortion_c", "distortion_model: fisheye\ndistortion_c", "allowed: 4 in a row or a column"},
		{"distortion_c", "fisheye_model: 2\ndistortion_c", "c.yaml:7:16: fisheye_model: found \"2\"; allowed: 0, 1"},
	} {
		_, faults := parseCalibration("c.yaml", []byte(strings.Replace(good, c.old, c.new, 1)))
		if got := Faults(faults).Error(); !strings.Contains(got, c.want) {
			t.Errorf("%q for %q:\n got %s\nwant %s", c.new, c.old, got, c.want)
		}
	}
}

// What is not asked for may be as long as it likes.
func TestLongCalibrationsAreRead(t *testing.T) {
	points := "image_points: !!opencv-matrix\n   rows: 1\n   cols: 400000\n   dt: f\n   data: [ " + strings.Repeat("1.5e+00, ", 400_000) + "1. ]\n"
	if _, faults := parseCalibration("c.yaml", []byte("%YAML:1.0\n---\n"+points+good+"...\nimage_width: [\n")); len(faults) > 0 {
		t.Error(Faults(faults))
	}
}

func TestUndistortIsLoaded(t *testing.T) {
	dir := t.TempDir()
	data, err := os.ReadFile(calibrations + "pinhole-5.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"front.yaml": data, "bad.yaml": []byte(strings.Replace(good, "600", "-600", 1))} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	camera := func(preprocess string) (*Config, error) {
		return Parse(filepath.Join(dir, "agent.yaml"), []byte("cameras: {a: {device: {pattern: bars}, mode: {size: 640x480}, fallback: [{size: 320x240}], preprocess: {"+preprocess+"}}}"))
	}
	kept, err := camera("undistort: front.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if l := kept.Cameras[0].View.Lens; l.Model != lens.Pinhole || l.Picture != l.Camera || kept.Cameras[0].Undistort.File != dir+"/front.yaml" {
		t.Errorf("%+v", kept.Cameras[0])
	}
	balanced, err := camera("undistort: {file: front.yaml, balance: 0.5}")
	if err != nil {
		t.Fatal(err)
	}
	if l := balanced.Cameras[0].View.Lens; l.Picture == l.Camera || math.Abs(l.Picture.FX/l.Picture.FY-260./262) > 1e-9 {
		t.Errorf("%+v", l)
	}
	for preprocess, want := range map[string]string{
		"undistort: missing.yaml":                    `agent.yaml:1:116: cameras.a.preprocess.undistort.file: "` + dir + `/missing.yaml": no such file or directory; a calibration is a file that the agent may read`,
		"undistort: .":                               "not a regular file",
		"undistort: pipe":                            "not a regular file",
		"undistort: bad.yaml":                        dir + "/bad.yaml:6:10: camera_matrix: found focal lengths of -600 and 600 pixels",
		"undistort: {file: front.yaml, balance: 2}":  `found "2"; allowed: keep, or a number from 0 to 1`,
		"undistort: {balance: 0}":                    "undistort.balance: given without file",
		"undistort: [front.yaml]":                    "found a list; allowed: the keys file, balance",
		"undistort: {file: front.yaml, balanced: 0}": "did you mean balance?",
	} {
		if _, err := camera(preprocess); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", preprocess, err, want)
		}
	}
	_, err = Parse(dir+"/agent.yaml", []byte("cameras: {a: {device: {pattern: bars}, mode: {size: 640x360}, preprocess: {undistort: front.yaml}}}"))
	if err == nil || !strings.Contains(err.Error(), "undistort.file: is of pictures of 320x240; allowed: the aspect ratio of mode.size, 640x360") {
		t.Error(err)
	}
}

// Any file gives a lens that can be used, or faults.
func FuzzCalibration(f *testing.F) {
	files, err := filepath.Glob(calibrations + "*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(good))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, faults := parseCalibration("c.yaml", data)
		if len(faults) > 0 {
			return
		}
		if l.Model == lens.None || l.Width < 1 || l.Height < 1 || !(l.Limit > 0) {
			t.Errorf("%+v", l)
		}
		for _, p := range [][2]float64{{0, 0}, {float64(l.Width), float64(l.Height) / 2}, {-1e6, 1e9}} {
			if x, y, ok := l.ToCamera(p[0], p[1]); ok && (math.IsNaN(x) || math.IsNaN(y)) {
				t.Errorf("%v is at %v,%v: %+v", p, x, y, l)
			}
			if x, y, ok := l.FromCamera(p[0], p[1]); ok && (math.IsNaN(x) || math.IsNaN(y)) {
				t.Errorf("%v comes from %v,%v: %+v", p, x, y, l)
			}
		}
		if b, err := l.Balanced(0.5); err == nil && !(b.Picture.FX > 0 && b.Picture.FY > 0) {
			t.Errorf("balanced: %+v", b)
		}
	})
}
