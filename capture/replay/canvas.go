package replay

import (
	"image"
	"image/color"
	"math"

	"github.com/edge-agent/agent/capture"
)

// A sample says where one component of a pixel format lies: in which plane,
// from which byte of the row on, how many bytes apart, and for how many
// pixels of a row and of a column one sample stands.
type sample struct{ plane, first, step, hsub, vsub int }

// components are those of the formats that can be drawn: Y'CbCr, of which GREY
// has only the first, or R'G'B'.
var components = map[capture.PixelFormat][]sample{
	capture.YUYV: {{0, 0, 2, 1, 1}, {0, 1, 4, 2, 1}, {0, 3, 4, 2, 1}},
	capture.UYVY: {{0, 1, 2, 1, 1}, {0, 0, 4, 2, 1}, {0, 2, 4, 2, 1}},
	capture.NV12: {{0, 0, 1, 1, 1}, {1, 0, 2, 2, 2}, {1, 1, 2, 2, 2}},
	capture.YU12: {{0, 0, 1, 1, 1}, {1, 0, 1, 2, 2}, {2, 0, 1, 2, 2}},
	capture.GREY: {{0, 0, 1, 1, 1}},
	capture.RGB3: {{0, 0, 3, 1, 1}, {0, 1, 3, 1, 1}, {0, 2, 3, 1, 1}},
	capture.BGR3: {{0, 2, 3, 1, 1}, {0, 1, 3, 1, 1}, {0, 0, 3, 1, 1}},
}

// A pixel is a colour in the components of a format.
type pixel [3]byte

// A canvas fills rectangles of frames of one format.
type canvas struct {
	format  capture.Format
	samples []sample
}

// fill draws r, whose edges are even or the picture's own: samples that pixels
// share must not belong to two colours. The first row is drawn, the others are
// copies of it.
func (c *canvas) fill(planes *[capture.MaxPlanes][]byte, r image.Rectangle, p pixel) {
	if r.Empty() {
		return
	}
	for i, s := range c.samples {
		row := planes[s.plane][r.Min.Y/s.vsub*c.format.Stride[s.plane]:]
		for x := r.Min.X / s.hsub; x < ceilDiv(r.Max.X, s.hsub); x++ {
			row[s.first+x*s.step] = p[i]
		}
	}
	for plane, l := range c.format.PixelFormat.Layout().Planes {
		from := r.Min.X / l.Pixels * l.Bytes
		to := ceilDiv(r.Max.X, l.Pixels) * l.Bytes
		stride := c.format.Stride[plane]
		first := planes[plane][r.Min.Y/l.Rows*stride:][from:to]
		for y := r.Min.Y/l.Rows + 1; y < ceilDiv(r.Max.Y, l.Rows); y++ {
			copy(planes[plane][y*stride+from:], first)
		}
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// pixel is a colour in the canvas's format.
func (c *canvas) pixel(rgb color.RGBA) pixel {
	switch c.format.PixelFormat {
	case capture.RGB3, capture.BGR3:
		return pixel{rgb.R, rgb.G, rgb.B}
	}
	return ycbcr(rgb, c.format.Matrix, c.format.Range)
}

// ycbcr is the transform of ITU-R BT.601, BT.709 or BT.2020 (non-constant
// luminance), all of which follow from the weights of red and blue in luma.
func ycbcr(rgb color.RGBA, m capture.Matrix, r capture.Range) pixel {
	weights := [...][2]float64{capture.BT601: {0.299, 0.114}, capture.BT709: {0.2126, 0.0722}, capture.BT2020: {0.2627, 0.0593}}
	kr, kb := weights[m][0], weights[m][1]
	red, green, blue := float64(rgb.R)/255, float64(rgb.G)/255, float64(rgb.B)/255
	y := kr*red + (1-kr-kb)*green + kb*blue
	cb, cr := (blue-y)/(2*(1-kb)), (red-y)/(2*(1-kr))
	if r == capture.Full {
		return pixel{code(255 * y), code(128 + 255*cb), code(128 + 255*cr)}
	}
	return pixel{code(16 + 219*y), code(128 + 224*cb), code(128 + 224*cr)}
}

func code(v float64) byte { return byte(max(0, min(255, math.Round(v)))) }
