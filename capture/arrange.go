package capture

// Of two chroma components, which comes first.
type chroma bool

const (
	cbFirst chroma = false
	crFirst chroma = true
)

// word16 and word32 hold a pixel.
type endian bool

const (
	little endian = false
	big    endian = true
)

// field is a component's place within a word.
type field struct{ shift, bits int }

// octet is a component of whole bytes that is not subsampled.
func octet(plane, offset, step int) Component {
	return Component{Plane: plane, Offset: offset, Step: step, Word: 1, Bits: 8, HSub: 1, VSub: 1}
}

// sub makes c stand for several pixels.
func (c Component) sub(h, v int) Component {
	c.HSub, c.VSub = h, v
	return c
}

// deep makes c the upper bits of a little-endian 16-bit word.
func (c Component) deep(bits int) Component {
	c.Word, c.Bits, c.Shift = 2, bits, 16-bits
	return c
}

// swap puts Cr before Cb, in a list of Y', Cb and Cr.
func swap(list []Component, c chroma) []Component {
	if c == crFirst {
		list[1], list[2] = list[2], list[1]
	}
	return list
}

// packed422 has two pixels in four bytes.
func packed422(y, cb, cr int) Arrangement {
	return Arrangement{Kind: YUV, Planes: []Plane{{4, 2, 1}}, Components: []Component{
		octet(0, y, 2), octet(0, cb, 4).sub(2, 1), octet(0, cr, 4).sub(2, 1),
	}}
}

// planar has a plane for each component; chroma stands for h by v pixels.
func planar(h, v int, order chroma) Arrangement {
	return Arrangement{Kind: YUV, Planes: []Plane{{1, 1, 1}, {1, h, v}, {1, h, v}}, Components: swap([]Component{
		octet(0, 0, 1), octet(1, 0, 1).sub(h, v), octet(2, 0, 1).sub(h, v),
	}, order)}
}

// semiplanar has luma in one plane and both chroma components in the other.
func semiplanar(h, v int, order chroma) Arrangement {
	return Arrangement{Kind: YUV, Planes: []Plane{{1, 1, 1}, {2, h, v}}, Components: swap([]Component{
		octet(0, 0, 1), octet(1, 0, 2).sub(h, v), octet(1, 1, 2).sub(h, v),
	}, order)}
}

// deepSemiplanar is semiplanar 4:2:0 with samples in the upper bits of words.
func deepSemiplanar(bits int) Arrangement {
	return Arrangement{Kind: YUV, Planes: []Plane{{2, 1, 1}, {4, 2, 2}}, Components: []Component{
		octet(0, 0, 2).deep(bits), octet(1, 0, 4).sub(2, 2).deep(bits), octet(1, 2, 4).sub(2, 2).deep(bits),
	}}
}

// deep422 is YUYV with samples in the upper bits of words.
func deep422(bits int) Arrangement {
	return Arrangement{Kind: YUV, Planes: []Plane{{8, 2, 1}}, Components: []Component{
		octet(0, 0, 4).deep(bits), octet(0, 2, 8).sub(2, 1).deep(bits), octet(0, 6, 8).sub(2, 1).deep(bits),
	}}
}

// packed has a pixel in size bytes; a, b and c are those of its components.
func packed(k Kind, size, a, b, c int) Arrangement {
	return Arrangement{Kind: k, Planes: []Plane{{size, 1, 1}}, Components: []Component{
		octet(0, a, size), octet(0, b, size), octet(0, c, size),
	}}
}

// word has a pixel in a word of size bytes.
func word(k Kind, size int, e endian, fields ...field) Arrangement {
	a := Arrangement{Kind: k, Planes: []Plane{{size, 1, 1}}}
	for _, f := range fields {
		a.Components = append(a.Components, Component{
			Step: size, Word: size, BigEndian: bool(e), Shift: f.shift, Bits: f.bits, HSub: 1, VSub: 1,
		})
	}
	return a
}

// luma has one sample a pixel, of the lowest bits of as many bytes as it takes.
func luma(bits int, e endian) Arrangement { return word(Luma, ceilDiv(bits, 8), e, field{0, bits}) }

// mipi has the groups of samples that fill whole bytes.
func mipi(k Kind, bits int) Arrangement {
	group := map[int]Plane{10: {5, 4, 1}, 12: {3, 2, 1}, 14: {7, 4, 1}}[bits]
	return Arrangement{Kind: k, Packing: MIPI, Planes: []Plane{group}, Components: []Component{{Bits: bits, HSub: 1, VSub: 1}}}
}

// filtered puts a colour filter before a luma format, its cell row by row.
func filtered(cell string, a Arrangement) Arrangement {
	red := map[string]int{"RGGB": 0, "GRBG": 1, "GBRG": 2, "BGGR": 3}[cell]
	a.Kind, a.RedX, a.RedY = Bayer, red%2, red/2
	return a
}

func bitstream() Arrangement { return Arrangement{Kind: Compressed, Planes: []Plane{{0, 1, 1}}} }
