package replay

import (
	"image"
	"image/color"
	"math"

	"github.com/edge-agent/agent/capture"
)

// A pixel is a colour in the components of a format, with as many bits as these
// have; of a Bayer format it is red, green and blue.
type pixel [3]uint32

// A canvas fills rectangles of frames of one format.
type canvas struct {
	format capture.Format
	layout *capture.Layout
}

// drawable says whether edges on even pixels are edges between samples, too.
func drawable(l *capture.Layout) bool {
	if l == nil || l.Compressed() {
		return false
	}
	for _, c := range l.Components {
		if c.HSub > 2 || c.VSub > 2 {
			return false
		}
	}
	return true
}

// fill draws r, whose edges are even or the picture's own: samples that pixels
// share must not belong to two colours. The first row is drawn, and the others
// are copies of it where rows are alike and samples whole bytes.
func (c *canvas) fill(planes *[capture.MaxPlanes][]byte, r image.Rectangle, p pixel) {
	switch {
	case r.Empty():
	case c.layout.Kind == capture.Bayer || c.layout.Packing == capture.MIPI:
		c.fillSamples(planes, r, p)
	default:
		c.fillRows(planes, r, p)
	}
}

func (c *canvas) fillRows(planes *[capture.MaxPlanes][]byte, r image.Rectangle, p pixel) {
	for i, s := range c.layout.Components {
		row := planes[s.Plane][r.Min.Y/s.VSub*c.format.Stride[s.Plane]:]
		for x := r.Min.X / s.HSub; x < ceilDiv(r.Max.X, s.HSub); x++ {
			put(row[s.Offset+x*s.Step:], &s, p[i])
		}
	}
	for plane, l := range c.layout.Planes {
		from := r.Min.X / l.Pixels * l.Bytes
		to := ceilDiv(r.Max.X, l.Pixels) * l.Bytes
		stride := c.format.Stride[plane]
		first := planes[plane][r.Min.Y/l.Rows*stride:][from:to]
		for y := r.Min.Y/l.Rows + 1; y < ceilDiv(r.Max.Y, l.Rows); y++ {
			copy(planes[plane][y*stride+from:], first)
		}
	}
}

// fillSamples draws formats of one component sample by sample.
func (c *canvas) fillSamples(planes *[capture.MaxPlanes][]byte, r image.Rectangle, p pixel) {
	s, group := &c.layout.Components[0], c.layout.Planes[0]
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := planes[0][y*c.format.Stride[0]:]
		for x := r.Min.X; x < r.Max.X; x++ {
			v := p[0]
			if c.layout.Kind == capture.Bayer {
				v = p[(x^c.layout.RedX)&1+(y^c.layout.RedY)&1] // red, green, blue
			}
			if c.layout.Packing == capture.MIPI {
				putPacked(row[x/group.Pixels*group.Bytes:][:group.Bytes], group.Pixels, s.Bits, x%group.Pixels, v)
			} else {
				put(row[s.Offset+x*s.Step:], s, v)
			}
		}
	}
}

// put sets the bits of a component in the word that b begins with.
func put(b []byte, s *capture.Component, v uint32) {
	for k := range s.Word {
		shift := 8 * k
		if s.BigEndian {
			shift = 8 * (s.Word - 1 - k)
		}
		mask := byte((uint64(1)<<s.Bits - 1) << s.Shift >> shift)
		b[k] = b[k]&^mask | byte(uint64(v)<<s.Shift>>shift)&mask
	}
}

// putPacked sets sample i of a group of n: its upper eight bits in byte i, the
// others among the bits that follow the n bytes, from the lowest on.
func putPacked(group []byte, n, bits, i int, v uint32) {
	extra := bits - 8
	group[i] = byte(v >> extra)
	for k := range extra {
		at := i*extra + k
		b, bit := &group[n+at/8], byte(1)<<(at%8)
		*b &^= bit
		if v>>k&1 != 0 {
			*b |= bit
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// pixel is a colour in the canvas's format.
func (c *canvas) pixel(rgb color.RGBA) (p pixel) {
	var v [3]float64
	isColored := false
	switch c.layout.Kind {
	case capture.YUV, capture.Luma:
		v = ycbcr(rgb, c.format.Matrix)
	case capture.HSV:
		v = hsv(rgb, c.format.Matrix)
		return pixel{code(v[0], 255), code(v[1], 255), code(v[2], 255)}
	default:
		v, isColored = [3]float64{float64(rgb.R) / 255, float64(rgb.G) / 255, float64(rgb.B) / 255}, true
	}
	for i := range p {
		bits := c.layout.Components[min(i, len(c.layout.Components)-1)].Bits
		most := math.Ldexp(1, bits) - 1
		chroma := i > 0 && !isColored
		switch {
		case c.format.Range == capture.Full && chroma:
			p[i] = code(v[i]*most+math.Ldexp(1, bits-1), most)
		case c.format.Range == capture.Full:
			p[i] = code(v[i]*most, most)
		case chroma:
			p[i] = code((224*v[i]+128)*math.Ldexp(1, bits-8), most)
		default:
			p[i] = code((219*v[i]+16)*math.Ldexp(1, bits-8), most)
		}
	}
	return p
}

// ycbcr is the transform of ITU-R BT.601, BT.709 or BT.2020 (non-constant
// luminance) or SMPTE 240M, all of which follow from the weights of red and blue
// in luma: 0 to 1, and -1/2 to 1/2.
func ycbcr(rgb color.RGBA, m capture.Matrix) [3]float64 {
	weights := [...][2]float64{
		capture.BT601: {0.299, 0.114}, capture.BT709: {0.2126, 0.0722}, capture.BT2020: {0.2627, 0.0593}, capture.SMPTE240M: {0.212, 0.087},
	}
	kr, kb := weights[m][0], weights[m][1]
	red, green, blue := float64(rgb.R)/255, float64(rgb.G)/255, float64(rgb.B)/255
	y := kr*red + (1-kr-kb)*green + kb*blue
	return [3]float64{y, (blue - y) / (2 * (1 - kb)), (red - y) / (2 * (1 - kr))}
}

// hsv is the colour's place on the hexagon, its saturation and its value.
func hsv(rgb color.RGBA, m capture.Matrix) [3]float64 {
	red, green, blue := float64(rgb.R), float64(rgb.G), float64(rgb.B)
	high, low := max(red, green, blue), min(red, green, blue)
	turn, span := 180.0, high-low
	if m == capture.HSV256 {
		turn = 256
	}
	if span == 0 {
		return [3]float64{0, 0, high}
	}
	sixth := 0.0
	switch high {
	case red:
		sixth = math.Mod((green-blue)/span+6, 6)
	case green:
		sixth = (blue-red)/span + 2
	default:
		sixth = (red-green)/span + 4
	}
	return [3]float64{math.Mod(math.Round(sixth*turn/6), turn), span / high * 255, high}
}

func code(v, most float64) uint32 { return uint32(max(0, min(most, math.Round(v)))) }
