package replay

import (
	"cmp"
	"fmt"
	"image"
	"image/color"

	"github.com/edge-agent/agent/capture"
)

// The test pattern is eight vertical colour bars under a row of 16 blocks that
// carry the frame's number and over a black strip along which a white square
// moves. All edges lie on even pixels, so that the colours within are exact in
// every format.
const (
	numberBits = 16
	// The number takes the upper twelfth of the picture, the strip the lower sixth.
	numberPart, stripPart = 12, 6
	// With fewer pixels a block could not be told from its neighbours.
	minPatternWidth, minPatternHeight = 64, 48
	// Steps that the square takes from one side to the other.
	squareSteps = 64
)

var (
	black = color.RGBA{A: 255}
	white = color.RGBA{255, 255, 255, 255}
)

// BarColors are the colours of the pattern's bars from left to right: white,
// yellow, cyan, green, magenta, red, blue at three quarters, and black.
func BarColors() [8]color.RGBA {
	const q = 191
	return [8]color.RGBA{
		{q, q, q, 255}, {q, q, 0, 255}, {0, q, q, 255}, {0, q, 0, 255},
		{q, 0, q, 255}, {q, 0, 0, 255}, {0, 0, q, 255}, black,
	}
}

// BarRect is where bar i of a pattern of w by h pixels lies.
func BarRect(i, w, h int) image.Rectangle {
	n := len(BarColors())
	return image.Rect(part(i, n, w), part(1, numberPart, h), part(i+1, n, w), part(stripPart-1, stripPart, h))
}

// blockRect is where bit i of the number lies, 0 being the most significant.
func blockRect(i, w, h int) image.Rectangle {
	return image.Rect(part(i, numberBits, w), 0, part(i+1, numberBits, w), part(1, numberPart, h))
}

func stripRect(w, h int) image.Rectangle {
	return image.Rect(0, part(stripPart-1, stripPart, h), w, h)
}

// squareRect is where the square is in frame n.
func squareRect(n uint64, w, h int) image.Rectangle {
	strip := stripRect(w, h)
	side := strip.Dy()
	x := int(n%squareSteps) * (w - side) / (squareSteps - 1) &^ 1
	return image.Rect(x, strip.Min.Y, min(x+side+side&1, w), strip.Max.Y)
}

// part is i/n of length on an even pixel, or length itself.
func part(i, n, length int) int {
	if i == n {
		return length
	}
	return length * i / n &^ 1
}

// ReadFrameNumber reads a pattern's frame number out of a picture of w by h
// pixels, of which luma is the brightness. It tells black from white by a wide
// margin, so the picture may have been compressed or resized meanwhile. It is
// false when a block is neither: this is not the pattern, or it is torn.
func ReadFrameNumber(luma func(x, y int) byte, w, h int) (uint16, bool) {
	const dark, bright = 80, 176
	var number uint16
	for i := range numberBits {
		r := blockRect(i, w, h)
		sum, n := 0, 0
		for y := r.Min.Y + r.Dy()/4; y < r.Max.Y-r.Dy()/4; y++ {
			for x := r.Min.X + r.Dx()/4; x < r.Max.X-r.Dx()/4; x++ {
				sum, n = sum+int(luma(x, y)), n+1
			}
		}
		if n == 0 || sum > dark*n && sum < bright*n {
			return 0, false
		}
		number <<= 1
		if sum >= bright*n {
			number |= 1
		}
	}
	return number, true
}

// A pattern draws a frame by changing what differs from the one that was last
// drawn into the same memory.
type pattern struct {
	canvas canvas
	bytes  int // of a frame
	number uint64
	bars   [8]pixel
	black  pixel
	white  pixel
}

// drawn is what a slot's memory shows.
type drawn struct {
	bars   bool
	number uint64
}

func newPattern(cfg Config) (*pattern, error) {
	f := capture.DefaultFormat(cmp.Or(cfg.Format, capture.YUYV), cfg.Width, cfg.Height)
	if cfg.Raw != nil {
		f = *cfg.Raw
	}
	if f.Width == 0 && f.Height == 0 {
		f.Width, f.Height = 1280, 720
	}
	switch {
	case cfg.Pattern != "bars":
		return nil, fmt.Errorf("test pattern %q: allowed is \"bars\"", cfg.Pattern)
	case !drawable(f.PixelFormat.Layout()):
		return nil, fmt.Errorf("test pattern in %s: allowed are raw formats with chroma for two by two pixels or fewer", f.PixelFormat)
	case f.Width < minPatternWidth || f.Height < minPatternHeight:
		return nil, fmt.Errorf("test pattern of %dx%d: allowed is %dx%d and more", f.Width, f.Height, minPatternWidth, minPatternHeight)
	}
	n, err := denseSize(&f)
	if err != nil {
		return nil, fmt.Errorf("test pattern: %w", err)
	}
	p := &pattern{canvas: canvas{f, f.PixelFormat.Layout()}, bytes: n}
	p.black, p.white = p.canvas.pixel(black), p.canvas.pixel(white)
	for i, c := range BarColors() {
		p.bars[i] = p.canvas.pixel(c)
	}
	return p, nil
}

func (p *pattern) next(s *slot) error {
	s.set(p.canvas.format, s.bytes(p.bytes))
	p.draw(&s.frame.Planes, &s.drawn)
	p.number++
	return nil
}

func (p *pattern) draw(planes *[capture.MaxPlanes][]byte, d *drawn) {
	w, h := p.canvas.format.Width, p.canvas.format.Height
	changed := p.number ^ d.number
	if !d.bars {
		for i, c := range p.bars {
			p.canvas.fill(planes, BarRect(i, w, h), c)
		}
		p.canvas.fill(planes, stripRect(w, h), p.black)
		changed = 1<<numberBits - 1
	} else {
		p.canvas.fill(planes, squareRect(d.number, w, h), p.black)
	}
	p.canvas.fill(planes, squareRect(p.number, w, h), p.white)
	for i := range numberBits {
		bit := uint64(1) << (numberBits - 1 - i)
		if changed&bit == 0 {
			continue
		}
		c := p.black
		if p.number&bit != 0 {
			c = p.white
		}
		p.canvas.fill(planes, blockRect(i, w, h), c)
	}
	*d = drawn{true, p.number}
}

// rewind does nothing: the pattern has no end, and no number comes twice
// before 16 bits are used up.
func (p *pattern) rewind() error { return nil }

func (p *pattern) Close() error { return nil }
