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
	switch f.Format.PixelFormat.Layout().Kind {
	case capture.Bayer:
		return demosaiced(f)
	case capture.HSV:
		return unhued(f)
	}
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
	if l := f.Format.PixelFormat.Layout(); l.Packing == capture.MIPI {
		return packedBits(row, l.Planes[0], c.Bits, x)
	}
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
	return max(0, min(math.Floor(value+0.5), 255))
}

// packedBits is sample x of a MIPI row: of each group first the upper bytes come
// and then the lower bits, as one number that the first sample begins.
func packedBits(row []byte, group capture.Plane, bits, x int) uint64 {
	row = row[x/group.Pixels*group.Bytes:]
	var lows uint64
	for i, b := range row[group.Pixels:group.Bytes] {
		lows |= uint64(b) << (8 * i)
	}
	extra, i := bits-8, x%group.Pixels
	return uint64(row[i])<<extra | lows>>(i*extra)%(1<<extra)
}

// demosaiced are red, green and blue of a Bayer frame: of each colour the mean
// of the samples that are nearest, in the pixel or beside it or at its corners,
// rounded. Beyond the edge the picture is mirrored.
func demosaiced(f *capture.Frame) []grid {
	w, h := f.Format.Width, f.Format.Height
	l := f.Format.PixelFormat.Layout()
	mirror := func(v, n int) int {
		switch {
		case n == 1:
			return 0
		case v < 0:
			return -v
		case v >= n:
			return 2*n - 2 - v
		}
		return v
	}
	sample := func(x, y int) float64 {
		return eightBits(f, 0, bitsOf(f, &l.Components[0], mirror(x, w), mirror(y, h)))
	}
	colour := func(x, y int) int { // 0 is red, 1 green, 2 blue
		return (x+l.RedX)&1 + (y+l.RedY)&1
	}
	neighbours := [][][2]int{
		{{0, 0}}, {{-1, 0}, {1, 0}, {0, -1}, {0, 1}}, {{-1, -1}, {1, -1}, {-1, 1}, {1, 1}},
	}
	var list []grid
	for c := range 3 {
		list = append(list, grid{w, h, 1, 1, func(x, y int) float64 {
			for _, ring := range neighbours {
				sum, n := 0.0, 0.0
				for _, d := range ring {
					if colour(x+d[0]+2, y+d[1]+2) == c {
						sum, n = sum+sample(x+d[0], y+d[1]), n+1
					}
				}
				if n > 0 {
					return math.Floor(sum/n + 0.5)
				}
			}
			panic("no sample of that colour")
		}})
	}
	return list
}

// unhued are red, green and blue of an HSV frame, by the formula with chroma
// and the distance to the middle of each channel's third of the turn.
func unhued(f *capture.Frame) []grid {
	l := f.Format.PixelFormat.Layout()
	turn := map[capture.Matrix]float64{capture.HSV180: 180, capture.HSV256: 256}[f.Format.Matrix]
	var list []grid
	for c := range 3 {
		list = append(list, grid{f.Format.Width, f.Format.Height, 1, 1, func(x, y int) float64 {
			at := func(i int) float64 { return float64(bitsOf(f, &l.Components[i], x, y)) }
			hue := math.Mod(at(0), turn) / turn * 6
			k := math.Mod(float64([3]int{5, 3, 1}[c])+hue, 6)
			v := at(2) * (1 - at(1)/255*max(0, min(k, 4-k, 1)))
			return math.Floor(v + 0.5)
		}})
	}
	return list
}
