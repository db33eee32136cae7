package preproc

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/edge-agent/agent/capture"
)

// The reference computes an output pixel by pixel, in float64, from the
// definitions alone: geometry, then the filter on each component's own grid,
// then colour. It shares nothing with the C++ room.

// A grid is one component's samples, as float64.
type grid struct {
	width, height  int
	scaleX, scaleY float64 // samples in a camera pixel
	at             func(x, y int) float64
}

// weights calls add with the samples, from lo to hi, that make up an output
// sample of the given centre and extent on the source's axis.
func weights(filter Filter, centre, extent float64, lo, hi int, add func(i int, w float64)) {
	switch {
	case filter == Nearest:
		add(min(max(int(math.Floor(centre+1e-7)), lo), hi-1), 1)
	case filter == Area && extent > 1:
		a, b := centre-extent/2, centre+extent/2
		var sum float64
		for i := lo; i < hi; i++ {
			sum += max(0, min(b, float64(i+1))-max(a, float64(i)))
		}
		for i := lo; i < hi; i++ {
			if w := min(b, float64(i+1)) - max(a, float64(i)); w > 0 {
				add(i, w/sum)
			}
		}
	default:
		f := centre - 0.5
		i := int(math.Floor(f))
		w := f - float64(i)
		add(min(max(i, lo), hi-1), 1-w)
		add(min(max(i+1, lo), hi-1), w)
	}
}

// sample is the value of a component around a point of the camera's picture.
func sample(g grid, filter Filter, crop Rect, x, y, extentX, extentY float64) float64 {
	lo := func(v int, scale float64) int { return int(math.Floor(float64(v) * scale)) }
	hi := func(v int, scale float64) int { return int(math.Ceil(float64(v) * scale)) }
	var value float64
	weights(filter, y*g.scaleY, extentY*g.scaleY, lo(crop.Y, g.scaleY), hi(crop.Y+crop.Height, g.scaleY), func(j int, wy float64) {
		weights(filter, x*g.scaleX, extentX*g.scaleX, lo(crop.X, g.scaleX), hi(crop.X+crop.Width, g.scaleX), func(i int, wx float64) {
			value += wx * wy * g.at(i, j)
		})
	})
	return value
}

// rgbOf turns component values into red, green and blue, 0 to 255, not clamped.
func rgbOf(f *capture.Format, v []float64) [3]float64 {
	if isColored(f.PixelFormat) {
		for i := range v {
			if f.Range == capture.Limited && f.PixelFormat.Layout().Kind != capture.HSV {
				v[i] = (v[i] - 16) * 255 / 219
			}
		}
		return [3]float64(v)
	}
	y, cb, cr := v[0]/255, 0.0, 0.0
	if len(v) == 3 {
		cb, cr = (v[1]-128)/255, (v[2]-128)/255
	}
	if f.Range == capture.Limited {
		y = (v[0] - 16) / 219
		cb, cr = cb*255/224, cr*255/224
	}
	k := map[capture.Matrix][2]float64{
		capture.BT601: {0.299, 0.114}, capture.BT709: {0.2126, 0.0722}, capture.BT2020: {0.2627, 0.0593}, capture.SMPTE240M: {0.212, 0.087},
	}[f.Matrix]
	r := y + 2*(1-k[0])*cr
	b := y + 2*(1-k[1])*cb
	g := (y - k[0]*r - k[1]*b) / (1 - k[0] - k[1])
	return [3]float64{r * 255, g * 255, b * 255}
}

// reference computes output s of a raw frame in the order HWC: each value 0 to
// 255 in floating point, before normalisation.
func reference(f *capture.Frame, v View, s *Spec) (values []float64, width, height int) {
	width, height, err := OutputSize(v, s, f.Format)
	if err != nil {
		panic(err)
	}
	g, err := v.Geometry(s, f.Format)
	if err != nil {
		panic(err)
	}
	crop, _ := v.crop(&f.Format)
	components := grids(f)
	for y := range height {
		for x := range width {
			values = append(values, referencePixel(f, components, s, g, crop, x, y)...)
		}
	}
	return values, width, height
}

func referencePixel(f *capture.Frame, components []grid, s *Spec, g Geometry, crop Rect, x, y int) []float64 {
	cx, cy := g.Map(float64(x)+0.5, float64(y)+0.5)
	inside := cx > float64(crop.X) && cx < float64(crop.X+crop.Width) && cy > float64(crop.Y) && cy < float64(crop.Y+crop.Height)
	if !inside {
		return slices.Repeat([]float64{float64(s.Pad)}, s.Channels())
	}
	ex, ey := math.Abs(g.XX+g.XY), math.Abs(g.YX+g.YY)
	var v []float64
	for _, component := range components {
		v = append(v, sample(component, s.Filter, crop, cx, cy, ex, ey))
	}
	clamp := func(v float64) float64 { return min(max(v, 0), 255) }
	if s.Color == Gray {
		if isColored(f.Format.PixelFormat) {
			c := rgbOf(&f.Format, v)
			return []float64{clamp(0.299*c[0] + 0.587*c[1] + 0.114*c[2])}
		}
		return []float64{clamp(rgbOf(&f.Format, v[:1])[0])}
	}
	c := rgbOf(&f.Format, v)
	if s.Color == BGR {
		c[0], c[2] = c[2], c[0]
	}
	return []float64{clamp(c[0]), clamp(c[1]), clamp(c[2])}
}

// newFrame makes a raw frame with rows `slack` bytes longer than they need to
// be; fill gives its bytes.
func newFrame(p capture.PixelFormat, width, height, slack int, fill func() byte) *capture.Frame {
	f := &capture.Frame{Sequence: 7, Timestamp: 11, Dequeued: 13}
	f.Format = capture.DefaultFormat(p, width, height)
	for i := range p.Layout().Planes {
		f.Format.Stride[i] = f.Format.RowBytes(i) + slack
		f.Planes[i] = make([]byte, f.Format.PlaneBytes(i))
		for j := range f.Planes[i] {
			f.Planes[i][j] = fill()
		}
	}
	return f
}

// noise gives the same bytes on every run.
func noise() func() byte {
	r := rand.New(rand.NewPCG(1, 2))
	return func() byte { return byte(r.Uint32()) }
}
