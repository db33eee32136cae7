// Package lens is the optics of a calibrated camera.
//
// What enters: the numbers of a calibration, as OpenCV and ROS have them, and
// points. What leaves: where a point of the undistorted picture, which an ideal
// camera would take, lies in the camera's own, and the other way round. It reads
// no files, touches no pixels, and imports the standard library only, so that
// consumers can have it; the C++ room has the same formulas for its maps.
//
// Source of the formulas: OpenCV's documentation of calib3d, "Camera Calibration
// and 3D Reconstruction" and "Fisheye camera model".
package lens

import (
	"fmt"
	"math"
)

// A Model says how a lens bends.
type Model string

const (
	// None: pictures are taken as they are. The zero Lens has it.
	None Model = ""
	// Pinhole is OpenCV's default: radial, rational, tangential, thin prism and
	// tilted; plumb_bob and rational_polynomial in ROS.
	Pinhole Model = "pinhole"
	// Fisheye is that of cv::fisheye; equidistant in ROS.
	Fisheye Model = "fisheye"
)

// A Matrix is an ideal camera: focal lengths and the axis, in pixels. Pixel i
// covers i to i+1, so that CX and CY are 0.5 more than OpenCV's.
type Matrix struct {
	FX float64 `json:"fx"`
	FY float64 `json:"fy"`
	CX float64 `json:"cx"`
	CY float64 `json:"cy"`
}

// A Lens is what bends a camera's pictures of Width x Height.
type Lens struct {
	Model  Model `json:"model"`
	Width  int   `json:"width"`
	Height int   `json:"height"`
	// Camera is the calibrated one, Picture the ideal one that takes the
	// undistorted picture. Both have pictures of the same size.
	Camera  Matrix `json:"camera"`
	Picture Matrix `json:"picture"`
	// Coefficients are in OpenCV's order: k1 k2 p1 p2 k3 k4 k5 k6 s1 s2 s3 s4
	// tau_x tau_y, or the fisheye's k1 k2 k3 k4; the rest are zero.
	Coefficients [14]float64 `json:"coefficients"`
	// Limit is how far from the axis, in focal lengths, the model holds: there
	// its curve turns back, and what it says of points beyond is of no lens.
	Limit float64 `json:"limit"`
}

// widest is the tangent of 88.85 degrees: flat pictures end there.
const widest = 50

// New completes the lens of a calibration: the picture keeps the camera's
// focal length, as that of cv::undistort does, and Limit is found.
func New(m Model, width, height int, camera Matrix, coefficients []float64) Lens {
	l := Lens{Model: m, Width: width, Height: height, Camera: camera, Picture: camera}
	copy(l.Coefficients[:], coefficients)
	const step = 1. / 1024
	l.Limit = step
	for before := 0.0; l.Limit < widest; l.Limit += step {
		at, ok := l.radius(l.Limit)
		if !ok || at <= before {
			l.Limit -= step
			break
		}
		before = at
	}
	return l
}

// For is the lens for pictures of another size of the camera, which shows the
// same: up to half a percent the same aspect ratio.
func (l Lens) For(width, height int) (Lens, error) {
	x, y := float64(width)/float64(l.Width), float64(height)/float64(l.Height)
	if !(math.Abs(x/y-1) <= 0.005) {
		return Lens{}, fmt.Errorf("calibration is of %dx%d, and a picture of %dx%d has another aspect ratio", l.Width, l.Height, width, height)
	}
	l.Camera, l.Picture = l.Camera.scaled(x, y), l.Picture.scaled(x, y)
	l.Width, l.Height = width, height
	return l, nil
}

// The conversions keep compilers from fusing, which rounds differently: the
// numbers are the same on every machine.
func (m Matrix) scaled(x, y float64) Matrix {
	return Matrix{float64(m.FX * x), float64(m.FY * y), float64(m.CX * x), float64(m.CY * y)}
}

func (m *Matrix) pixel(x, y float64) (float64, float64) { return m.FX*x + m.CX, m.FY*y + m.CY }

func (m *Matrix) ray(x, y float64) (float64, float64) { return (x - m.CX) / m.FX, (y - m.CY) / m.FY }

// ToCamera is where a point of the undistorted picture lies in the camera's. It
// is false where the lens shows nothing; the point is of no use then.
func (l *Lens) ToCamera(x, y float64) (float64, float64, bool) {
	if l.Model == None {
		return x, y, true
	}
	x, y = l.Picture.ray(x, y)
	ok := math.Hypot(x, y) <= l.Limit
	x, y = l.bend(x, y)
	x, y = l.Camera.pixel(x, y)
	return x, y, ok && finite(x) && finite(y)
}

// FromCamera is the inverse of ToCamera. It is false for points that the
// undistorted picture has nowhere.
func (l *Lens) FromCamera(x, y float64) (float64, float64, bool) {
	if l.Model == None {
		return x, y, true
	}
	x, y = l.Camera.ray(x, y)
	x, y, ok := l.straighten(x, y)
	x, y = l.Picture.pixel(x, y)
	return x, y, ok
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
