package preproc

import (
	"math"

	"github.com/edge-agent/agent/capture"
)

// isColored says that the components are, or become, red, green and blue.
func isColored(p capture.PixelFormat) bool {
	k := p.Layout().Kind
	return k == capture.RGB || k == capture.Bayer || k == capture.HSV
}

// grids are the components of a raw frame: Y'CbCr, R'G'B' or luma, as the table
// of package capture has them, with 8 bits each.
func grids(f *capture.Frame) []grid {
	var list []grid
	for i, c := range f.Format.PixelFormat.Layout().Components {
		list = append(list, grid{
			(f.Format.Width + c.HSub - 1) / c.HSub, (f.Format.Height + c.VSub - 1) / c.VSub,
			1 / float64(c.HSub), 1 / float64(c.VSub),
			func(x, y int) float64 { return eightBits(f, i, bitsOf(f, &c, x, y)) },
		})
	}
	return list
}

// bitsOf is a sample as it stands in memory.
func bitsOf(f *capture.Frame, c *capture.Component, x, y int) uint64 {
	row := f.Planes[c.Plane][y*f.Format.Stride[c.Plane]:]
	var word uint64
	for k := range c.Word {
		place := k
		if c.BigEndian {
			place = c.Word - 1 - k
		}
		word |= uint64(row[c.Offset+x*c.Step+k]) << (8 * place)
	}
	return word >> c.Shift % (1 << c.Bits)
}

// eightBits is a sample of component i on the scale of 8 bits: in limited range
// by a power of two, in full range from 0 to 255 (ITU-T H.273), rounded.
func eightBits(f *capture.Frame, i int, v uint64) float64 {
	l := f.Format.PixelFormat.Layout()
	bits := l.Components[i].Bits
	value := float64(v) * math.Ldexp(1, 8-bits)
	if f.Format.Range == capture.Full {
		white, middle := math.Ldexp(1, bits)-1, math.Ldexp(1, bits-1)
		value = float64(v) * 255 / white
		if l.Kind == capture.YUV && i > 0 {
			value = (float64(v)-middle)*255/white + 128
		}
	}
	return min(math.Floor(value+0.5), 255)
}
