package lens

import (
	"errors"
	"math"
)

// Balanced is the lens with another ideal camera: at 0 the undistorted picture
// is the largest part of which every pixel was seen, at 1 it holds everything
// that was, with empty edges; between them it is between. Pixels stay square,
// which those of cv::getOptimalNewCameraMatrix do not.
func (l Lens) Balanced(balance float64) (Lens, error) {
	inner, outer := l.extents()
	if !(inner.right > inner.left && inner.bottom > inner.top) {
		return Lens{}, errors.New("no rectangle of the undistorted picture is seen from edge to edge")
	}
	inner = inner.within(l.Limit)
	inside, outside := l.zoom(inner, math.Max), l.zoom(outer, math.Min)
	mix := func(a, b float64) float64 {
		// To a millionth, or the last bit would depend on the processor.
		return math.Round((a+(b-a)*balance)*1e6) / 1e6
	}
	z := mix(inside, outside)
	l.Picture.FX, l.Picture.FY = l.Camera.FX*z, l.Camera.FY*z
	x := mix((inner.left+inner.right)/2, (outer.left+outer.right)/2)
	y := mix((inner.top+inner.bottom)/2, (outer.top+outer.bottom)/2)
	l.Picture.CX = float64(l.Width)/2 - float64(l.Picture.FX*x)
	l.Picture.CY = float64(l.Height)/2 - float64(l.Picture.FY*y)
	return l, nil
}

// An extent is a rectangle of rays.
type extent struct{ left, top, right, bottom float64 }

// within shrinks e until its corners are not further from the axis than limit.
func (e extent) within(limit float64) extent {
	corner := math.Hypot(max(-e.left, e.right), max(-e.top, e.bottom))
	s := min(1, limit/corner)
	return extent{e.left * s, e.top * s, e.right * s, e.bottom * s}
}

// zoom is the focal length, in the camera's, at which the picture is as wide or
// as high as the extent: of the two the one that choose takes.
func (l *Lens) zoom(e extent, choose func(a, b float64) float64) float64 {
	return choose(float64(l.Width)/(e.right-e.left)/l.Camera.FX, float64(l.Height)/(e.bottom-e.top)/l.Camera.FY)
}

// extents are of the rays along the edges of the camera's picture: the rectangle
// between them, and the one around them.
func (l *Lens) extents() (inner, outer extent) {
	inf := math.Inf(1)
	inner, outer = extent{-inf, -inf, inf, inf}, extent{inf, inf, -inf, -inf}
	const points = 64
	w, h := float64(l.Width), float64(l.Height)
	for i := range points + 1 {
		at := float64(i) / points
		leftX, leftY := l.seen(0, at*h)
		rightX, rightY := l.seen(w, at*h)
		topX, topY := l.seen(at*w, 0)
		bottomX, bottomY := l.seen(at*w, h)
		inner.left, inner.right = max(inner.left, leftX), min(inner.right, rightX)
		inner.top, inner.bottom = max(inner.top, topY), min(inner.bottom, bottomY)
		outer.left, outer.right = min(outer.left, leftX, topX, bottomX), max(outer.right, rightX, topX, bottomX)
		outer.top, outer.bottom = min(outer.top, topY, leftY, rightY), max(outer.bottom, bottomY, leftY, rightY)
	}
	return inner, outer
}

// seen is the ray of a point of the camera's picture, held where flat pictures
// become stretched beyond use: at 75 degrees, or the model's limit.
func (l *Lens) seen(x, y float64) (float64, float64) {
	const most = 3.73
	x, y = l.Camera.ray(x, y)
	rayX, rayY, ok := l.straighten(x, y)
	if r := math.Hypot(rayX, rayY); ok && r <= most {
		return rayX, rayY
	}
	away := min(most, l.Limit) / max(math.Hypot(x, y), 1e-9)
	return x * away, y * away
}
