package config

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/edge-agent/agent/preproc"
)

type size struct{ width, height int }

func sizeOf(s string) (size, bool) {
	w, h, ok := strings.Cut(s, "x")
	width, errW := strconv.ParseUint(w, 10, 31)
	height, errH := strconv.ParseUint(h, 10, 31)
	return size{int(width), int(height)}, ok && errW == nil && errH == nil &&
		width > 0 && height > 0 && width <= preproc.MaxSide && height <= preproc.MaxSide && width*height <= preproc.MaxPixels
}

var sizes = scalarKind("size", fmt.Sprintf(
	"allowed: WIDTHxHEIGHT in pixels such as 1280x720, sides up to %d, %d megapixels at most", preproc.MaxSide, preproc.MaxPixels>>20), sizeOf)

var grids = scalarKind("grid", "allowed: ACROSSxDOWN such as 8x8, 1 to 64 each", func(s string) (size, bool) {
	v, ok := sizeOf(s)
	return v, ok && v.width <= 64 && v.height <= 64
})

// rects reads WIDTHxHEIGHT+X+Y, the geometry of X11, which needs no quotes
// between braces, and X,Y,WIDTHxHEIGHT, which does.
var rects = scalarKind("rectangle", "allowed: none, WIDTHxHEIGHT+X+Y such as 1280x720+0+60, or X,Y,WIDTHxHEIGHT in quotes",
	func(s string) (preproc.Rect, bool) {
		if s == "none" {
			return preproc.Rect{}, true
		}
		parts := strings.Split(s, "+")
		if p := strings.Split(s, ","); len(p) == 3 {
			parts = []string{p[2], p[0], p[1]}
		}
		if len(parts) != 3 {
			return preproc.Rect{}, false
		}
		wh, ok := sizeOf(parts[0])
		x, errX := strconv.ParseUint(parts[1], 10, 31)
		y, errY := strconv.ParseUint(parts[2], 10, 31)
		return preproc.Rect{X: int(x), Y: int(y), Width: wh.width, Height: wh.height},
			ok && errX == nil && errY == nil && x < preproc.MaxSide && y < preproc.MaxSide
	})
