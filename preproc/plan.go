package preproc

import (
	"fmt"
	"math"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
	"github.com/edge-agent/agent/preproc/lens"
)

// nativeFormat is f in the words of the C++ room, which knows numbers and no
// four-character codes.
func nativeFormat(f *capture.Format) (*native.Format, error) {
	l := f.PixelFormat.Layout()
	if l == nil {
		return nil, &Error{ReasonUnsupported, fmt.Sprintf("pixel format %s: %s", f.PixelFormat, f.PixelFormat.Unreadable())}
	}
	n := &native.Format{
		Width: f.Width, Height: f.Height,
		Kind: int(l.Kind), Packing: int(l.Packing), RedX: l.RedX, RedY: l.RedY,
		PlaneCount: len(l.Planes), Components: len(l.Components),
		Matrix: int(f.Matrix), Range: int(f.Range),
	}
	for i, p := range l.Planes {
		n.Planes[i] = native.Plane{Stride: f.Stride[i], Bytes: p.Bytes, Pixels: p.Pixels, Rows: p.Rows}
	}
	for i, c := range l.Components {
		n.Component[i] = native.Component(c)
	}
	return n, nil
}

// nativeOutput resolves the output s of frames of format f to numbers: which
// part of the picture goes where, and in which orientation.
func nativeOutput(v View, s *Spec, f capture.Format) (native.Output, error) {
	c, err := v.crop(&f)
	if err != nil {
		return native.Output{}, err
	}
	t, err := v.fitting(s, f)
	if err != nil {
		return native.Output{}, err
	}
	width, height, err := OutputSize(v, s, f)
	if err != nil {
		return native.Output{}, err
	}
	o := native.Output{
		Width: width, Height: height, Content: t.content,
		Bounds: native.Span{X: c.X, Y: c.Y, Width: c.Width, Height: c.Height},
		Filter: int(s.Filter), Pad: int(s.Pad), Color: int(s.Color), DType: int(s.DType),
		Layout: int(s.Layout), Encode: int(s.Encode), Quality: s.Quality,
		Mean: s.Mean, Std: s.Std, Scale: s.Scale, ZeroPoint: s.ZeroPoint,
		Gamma: s.Tone.Gamma, CLAHEClip: s.Tone.Clip, CLAHEColumns: s.Tone.Columns, CLAHERows: s.Tone.Rows,
	}
	for i := range o.Std {
		if o.Std[i] == 0 {
			o.Std[i] = 1
		}
	}
	region(&o, t, v.geometry(c))
	o.Lens, err = nativeLens(v, f)
	return o, err
}

// nativeLens is the view's lens for frames of format f.
func nativeLens(v View, f capture.Format) (native.Lens, error) {
	l, err := v.ScaledLens(f)
	if err != nil || l.Model == lens.None {
		return native.Lens{}, err
	}
	n := native.Lens{
		Model: native.Pinhole, Width: l.Width, Height: l.Height,
		Camera:       [4]float64{l.Camera.FX, l.Camera.FY, l.Camera.CX, l.Camera.CY},
		Picture:      [4]float64{l.Picture.FX, l.Picture.FY, l.Picture.CX, l.Picture.CY},
		Coefficients: l.Coefficients, Limit: l.Limit,
	}
	if l.Model == lens.Fisheye {
		n.Model = native.Fisheye
	}
	return n, nil
}

// region finds the camera's pixels behind the part t of the view, of which g is
// the map to the camera, and which way they run.
func region(o *native.Output, t fitting, g Geometry) {
	ax, ay := g.Map(t.x0, t.y0)
	bx, by := g.Map(t.x0+t.width, t.y0+t.height)
	o.RegionX, o.RegionWidth = min(ax, bx), math.Abs(bx-ax)
	o.RegionY, o.RegionHeight = min(ay, by), math.Abs(by-ay)
	o.Transpose = g.XX == 0
	o.ReverseX, o.ReverseY = bx < ax, by < ay
}
