package main

import (
	"image/color"
	"math/bits"
)

// jpeg is the picture as baseline JFIF, 4:2:2 as most cameras have it. Every
// block has one colour, so that it is its DC coefficient and an end of block:
// a frame costs an emulated CPU next to nothing.
func jpeg(s size, n int) []byte {
	w := &bitWriter{b: jpegHeader(s)}
	var last [3]int // the predictors of the DC coefficients
	for row := range s.rows() {
		for column := range s.columns() {
			c := cell(s, n, column, row)
			y, cb, cr := color.RGBToYCbCr(c.R, c.G, c.B)
			w.block(&last[0], y)
			w.block(&last[0], y)
			w.block(&last[1], cb)
			w.block(&last[2], cr)
		}
	}
	return append(w.flush(), 0xFF, 0xD9)
}

// jpegHeader is everything up to the scan's data: quantizers of 1, one pair of
// Huffman tables for all components.
func jpegHeader(s size) []byte {
	quantizers := make([]byte, 64)
	for i := range quantizers {
		quantizers[i] = 1
	}
	segment := func(marker int, fields ...any) []byte {
		body := join(fields...)
		return join(0xFF, marker, (len(body)+2)>>8, len(body)+2, body)
	}
	return join(0xFF, 0xD8,
		segment(0xE0, []byte("JFIF\x00"), 1, 1, 0, 0, 1, 0, 1, 0, 0),
		segment(0xDB, 0, quantizers),
		segment(0xC0, 8, s.height>>8, s.height, s.width>>8, s.width, 3, 1, 0x21, 0, 2, 0x11, 0, 3, 0x11, 0),
		segment(0xC4, 0x00, dcLengths[:], []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}),
		segment(0xC4, 0x10, 1, make([]byte, 15), 0), // one code of one bit: end of block
		segment(0xDA, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0))
}

// dcLengths says how many codes have 1, 2, 3... bits: table K.3 of ITU-T T.81.
var dcLengths = [16]byte{0, 1, 5, 1, 1, 1, 1, 1, 1}

// dcCodes are the codes of the categories 0 to 11 that follow from it.
var dcCodes = func() (codes [12]struct{ code, length int }) {
	code, category := 0, 0
	for i, n := range dcLengths {
		for range n {
			codes[category].code, codes[category].length = code, i+1
			code++
			category++
		}
		code <<= 1
	}
	return codes
}()

type bitWriter struct {
	b       []byte
	acc, nb uint
}

// block writes an 8x8 block of one value: the difference of its DC
// coefficient, which is 8 times the value, to the one before, and the end of block.
func (w *bitWriter) block(last *int, value byte) {
	dc := 8 * (int(value) - 128)
	diff := dc - *last
	*last = dc
	category := bits.Len(uint(max(diff, -diff)))
	w.put(dcCodes[category].code, dcCodes[category].length)
	if diff < 0 {
		diff += 1<<category - 1
	}
	w.put(diff, category)
	w.put(0, 1)
}

func (w *bitWriter) put(v, length int) {
	w.acc = w.acc<<length | uint(v)
	w.nb += uint(length)
	for w.nb >= 8 {
		w.nb -= 8
		b := byte(w.acc >> w.nb)
		w.b = append(w.b, b)
		if b == 0xFF { // in scan data a zero follows it, else it is a marker
			w.b = append(w.b, 0)
		}
	}
	w.acc &= 1<<w.nb - 1
}

func (w *bitWriter) flush() []byte {
	if w.nb > 0 {
		w.put(1<<(8-w.nb)-1, int(8-w.nb))
	}
	return w.b
}
