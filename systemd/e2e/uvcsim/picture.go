package main

import (
	"image/color"
	"math"
)

// The picture lies on a grid of cells of 16x8 pixels, which are the coding
// units of its JPEG: no cell has two colours, so that JPEG's losses are none.
const cellWidth, cellHeight = 16, 8

// bars are those of vivid's "75% Colorbar", so that one test checks both.
var bars = [8]color.RGBA{
	{R: 191, G: 191, B: 191}, {R: 191, G: 191}, {G: 191, B: 191}, {G: 191},
	{R: 191, B: 191}, {R: 191}, {B: 191}, {},
}

var black, white = color.RGBA{}, color.RGBA{R: 255, G: 255, B: 255}

// cell is the colour of one cell of frame number n: the top eighth is the
// number, highest bit first, in 16 blocks; the rest is bars.
func cell(s size, n, column, row int) color.RGBA {
	across := func(parts int) int { return (2*column + 1) * cellWidth * parts / (2 * s.width) }
	if row >= s.height/8/cellHeight {
		return bars[min(across(8), 7)]
	}
	if n>>(15-min(across(16), 15))&1 == 1 {
		return white
	}
	return black
}

// columns and rows of cells that cover the picture.
func (s size) columns() int { return (s.width + cellWidth - 1) / cellWidth }
func (s size) rows() int    { return (s.height + cellHeight - 1) / cellHeight }

// yuyv is the picture in 4:2:2, BT.601, limited range: what V4L2 says of a
// camera whose descriptor names that matrix.
func yuyv(s size, n int) []byte {
	b := make([]byte, 0, s.width*s.height*2)
	for row := range s.rows() {
		start := len(b)
		for x := 0; x < s.width; x += 2 {
			y, cb, cr := limited(cell(s, n, x/cellWidth, row))
			b = append(b, y, cb, y, cr)
		}
		line := b[start:]
		for y := row*cellHeight + 1; y < min(s.height, (row+1)*cellHeight); y++ {
			b = append(b, line...)
		}
	}
	return b
}

func limited(c color.RGBA) (y, cb, cr byte) {
	r, g, b := float64(c.R)/255, float64(c.G)/255, float64(c.B)/255
	luma := 0.299*r + 0.587*g + 0.114*b
	return byte(math.Round(16 + 219*luma)), byte(math.Round(128 + 224*(b-luma)/1.772)), byte(math.Round(128 + 224*(r-luma)/1.402))
}
