package preproc

import (
	"fmt"
	"math"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
	"github.com/edge-agent/agent/preproc/lens"
)

// then is the map that takes a point through g and the result through outer.
func (g Geometry) then(outer Geometry) Geometry {
	x0, y0 := outer.Map(g.X0, g.Y0)
	return Geometry{
		XX: outer.XX*g.XX + outer.XY*g.YX, XY: outer.XX*g.XY + outer.XY*g.YY, X0: x0,
		YX: outer.YX*g.XX + outer.YY*g.YX, YY: outer.YX*g.XY + outer.YY*g.YY, Y0: y0,
	}
}

// Inverse maps the camera's coordinates to the output's.
func (g Geometry) Inverse() Geometry {
	d := g.XX*g.YY - g.XY*g.YX
	i := Geometry{XX: g.YY / d, XY: -g.XY / d, YX: -g.YX / d, YY: g.XX / d}
	i.X0 = -(i.XX*g.X0 + i.XY*g.Y0)
	i.Y0 = -(i.YX*g.X0 + i.YY*g.Y0)
	return i
}

// crop is the part of the camera's picture that the view shows.
func (v View) crop(f *capture.Format) (Rect, error) {
	c := v.Crop
	if c == (Rect{}) {
		return Rect{0, 0, f.Width, f.Height}, nil
	}
	if v.CropWidth > 0 && v.CropHeight > 0 {
		c.X, c.Width = scaled(c.X, c.Width, v.CropWidth, f.Width)
		c.Y, c.Height = scaled(c.Y, c.Height, v.CropHeight, f.Height)
	}
	if c.X < 0 || c.Y < 0 || c.Width < 1 || c.Height < 1 ||
		c.Width > f.Width-c.X || c.Height > f.Height-c.Y {
		return Rect{}, fmt.Errorf("crop %d,%d,%dx%d does not fit into the %dx%d picture",
			c.X, c.Y, c.Width, c.Height, f.Width, f.Height)
	}
	return c, nil
}

// scaled takes a part of a side, from start on, to a side of another length: to
// whole pixels, and to one at least.
func scaled(start, length, from, to int) (int, int) {
	if from == to {
		return start, length
	}
	at := func(v int) int { return int(math.Round(float64(v) * float64(to) / float64(from))) }
	first := min(at(start), to-1)
	return first, max(at(start+length)-first, 1)
}

// ScaledLens is the view's Lens for frames of format f. It fails when these
// have another aspect ratio than the calibration.
func (v View) ScaledLens(f capture.Format) (lens.Lens, error) {
	if v.Lens.Model == lens.None {
		return lens.Lens{}, nil
	}
	l, err := v.Lens.For(f.Width, f.Height)
	if err != nil {
		return l, fmt.Errorf("undistort: %w", err)
	}
	return l, nil
}

// Size is the size of what the view shows of frames of format f, after the
// rotation. It fails when the crop does not fit into the picture.
func (v View) Size(f capture.Format) (width, height int, err error) {
	c, err := v.crop(&f)
	if err != nil {
		return 0, 0, err
	}
	if v.Rotate == 90 || v.Rotate == 270 {
		return c.Height, c.Width, nil
	}
	return c.Width, c.Height, nil
}

// CheckSize says whether frames of format f can be preprocessed as far as their
// size goes, which a damaged recording may claim to be anything.
func CheckSize(f capture.Format) error {
	if f.Width < 1 || f.Height < 1 || f.Width > native.MaxSide || f.Height > native.MaxSide || f.Width*f.Height > native.MaxPixels {
		return fmt.Errorf("frame is %dx%d; allowed are sides of 1 to %d and %d pixels", f.Width, f.Height, native.MaxSide, native.MaxPixels)
	}
	return nil
}

// OutputSize is the size of the output s of frames of format f, in pixels: its
// own, or that of the view, or what becomes of the view inside its own.
func OutputSize(v View, s *Spec, f capture.Format) (width, height int, err error) {
	width, height, err = v.Size(f)
	switch {
	case err != nil || s.Width == 0:
		return width, height, err
	case s.Fit == Inside:
		width, height = shrunk(width, height, s.Width, s.Height)
		return width, height, nil
	}
	return s.Width, s.Height, nil
}

// shrunk is a size of vw x vh made smaller until it is within w x h.
func shrunk(vw, vh, w, h int) (width, height int) {
	scale := min(1, float64(w)/float64(vw), float64(h)/float64(vh))
	return scaledSide(vw, scale, w), scaledSide(vh, scale, h)
}

// scaledSide is in whole pixels: one at least, and at most so many.
func scaledSide(v int, scale float64, most int) int {
	return min(most, max(1, int(math.Round(float64(v)*scale))))
}

// geometry maps the view's coordinates to the camera's, for a crop c.
func (v View) geometry(c Rect) Geometry {
	w, h := float64(c.Width), float64(c.Height)
	g := Geometry{XX: 1, YY: 1}
	width, height := w, h
	switch v.Rotate {
	case 90:
		g = Geometry{XY: 1, YX: -1, Y0: h}
		width, height = h, w
	case 180:
		g = Geometry{XX: -1, X0: w, YY: -1, Y0: h}
	case 270:
		g = Geometry{XY: -1, X0: w, YX: 1}
		width, height = h, w
	}
	flip := Geometry{XX: 1, YY: 1}
	if v.Flip == FlipHorizontal || v.Flip == FlipBoth {
		flip.XX, flip.X0 = -1, width
	}
	if v.Flip == FlipVertical || v.Flip == FlipBoth {
		flip.YY, flip.Y0 = -1, height
	}
	return flip.then(g).then(Geometry{XX: 1, X0: float64(c.X), YY: 1, Y0: float64(c.Y)})
}

// A fitting says where in the output the picture goes, and which part of the
// view it is: x0, y0, width, height in the view's pixels.
type fitting struct {
	content               native.Span
	x0, y0, width, height float64
}

// fit lays a view of vw x vh into an output of w x h.
func (s *Spec) fit(vw, vh, w, h int) fitting {
	all := fitting{native.Span{Width: w, Height: h}, 0, 0, float64(vw), float64(vh)}
	switch s.Fit {
	case Letterbox:
		scale := min(float64(w)/float64(vw), float64(h)/float64(vh))
		cw, ch := scaledSide(vw, scale, w), scaledSide(vh, scale, h)
		all.content = native.Span{X: (w - cw) / 2, Y: (h - ch) / 2, Width: cw, Height: ch}
	case Cover:
		scale := min(float64(vw)/float64(w), float64(vh)/float64(h))
		all.width, all.height = float64(w)*scale, float64(h)*scale
		all.x0, all.y0 = (float64(vw)-all.width)/2, (float64(vh)-all.height)/2
	}
	return all
}

// geometry maps the output's coordinates to the view's.
func (t fitting) geometry() Geometry {
	xx, yy := t.width/float64(t.content.Width), t.height/float64(t.content.Height)
	return Geometry{
		XX: xx, X0: t.x0 - xx*float64(t.content.X),
		YY: yy, Y0: t.y0 - yy*float64(t.content.Y),
	}
}

// Geometry maps coordinates of the output s to the camera's, for frames of
// format f, or to those of the undistorted picture where the view has a Lens.
// In a letterbox, points of the border map to points outside of the view.
func (v View) Geometry(s *Spec, f capture.Format) (Geometry, error) {
	c, err := v.crop(&f)
	if err != nil {
		return Geometry{}, err
	}
	t, err := v.fitting(s, f)
	return t.geometry().then(v.geometry(c)), err
}

func (v View) fitting(s *Spec, f capture.Format) (fitting, error) {
	vw, vh, err := v.Size(f)
	if err != nil {
		return fitting{}, err
	}
	w, h, err := OutputSize(v, s, f)
	return s.fit(vw, vh, w, h), err
}
