package capture

import (
	"fmt"
	"strings"
	"time"
)

// A PixelFormat is a V4L2 four-character code, the first character in the
// lowest byte. It names the arrangement of pixels only: the multi-planar
// variants of a format (NM12) have the code of their pixels (NV12) here.
type PixelFormat uint32

// FourCC makes a PixelFormat of its four characters, as v4l2-ctl prints them.
func FourCC(a, b, c, d byte) PixelFormat {
	return PixelFormat(a) | PixelFormat(b)<<8 | PixelFormat(c)<<16 | PixelFormat(d)<<24
}

// The highest bit of a code tells the big-endian variant of a format.
const (
	bigEndianBit    = PixelFormat(1) << 31
	bigEndianSuffix = "-BE"
)

// ParsePixelFormat reads a code as String writes it, or as v4l2-ctl does, which
// keeps the blanks of "Y16 ". It is false for what cannot be a code.
func ParsePixelFormat(s string) (PixelFormat, bool) {
	name, isBig := strings.CutSuffix(s, bigEndianSuffix)
	if len(name) < 3 || len(name) > 4 {
		return 0, false
	}
	name = (name + " ")[:4]
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return 0, false
		}
	}
	p := FourCC(name[0], name[1], name[2], name[3])
	if isBig {
		p |= bigEndianBit
	}
	return p, true
}

// String is the code as v4l2-ctl prints it, such as "YUYV", "Y16" or "Y16-BE".
func (p PixelFormat) String() string {
	low := p &^ bigEndianBit
	b := [4]byte{byte(low), byte(low >> 8), byte(low >> 16), byte(low >> 24)}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '.'
		}
	}
	name := strings.TrimRight(string(b[:]), " ")
	if p&bigEndianBit != 0 {
		name += bigEndianSuffix
	}
	return name
}

// Matrix says how the components become R'G'B': V4L2 has one field for the
// encoding of Y'CbCr and that of HSV, and so has a [Format].
type Matrix uint8

// The matrices of the ITU-R recommendations of the same number (BT.2020 without
// constant luminance) and of SMPTE 240M, and the two units of hue: 180 or 256
// steps a turn.
const (
	BT601 Matrix = iota
	BT709
	BT2020
	SMPTE240M
	HSV180
	HSV256
)

func (m Matrix) String() string {
	return [...]string{"bt601", "bt709", "bt2020", "smpte240m", "hsv180", "hsv256"}[m]
}

// Range says which code values mean black and white.
type Range uint8

// Limited has 16 to 235 (chroma 16 to 240) of 8 bits, Full has 0 to 255.
const (
	Limited Range = iota
	Full
)

func (r Range) String() string { return [...]string{"limited", "full"}[r] }

// Format is how the frames of a source are to be read. It is comparable: two
// frames with equal formats can be preprocessed in the same way.
type Format struct {
	PixelFormat   PixelFormat
	Width, Height int
	// Stride is the bytes from one row to the next, plane by plane; 0 for
	// compressed formats.
	Stride [MaxPlanes]int
	// Matrix and Range are resolved, never "default". Matrix says nothing about
	// RGB, gray and Bayer formats, and compressed ones are always JFIF (BT.601,
	// full range).
	Matrix Matrix
	Range  Range
	// Interval is the nominal time between frames, 0 when unknown.
	Interval time.Duration
}

// DefaultFormat is a format of that size whose colours nobody told: see
// [Kind.DefaultColors]. The strides are not set.
func DefaultFormat(p PixelFormat, width, height int) Format {
	f := Format{PixelFormat: p, Width: width, Height: height}
	if l := p.Layout(); l != nil {
		f.Matrix, f.Range = l.Kind.DefaultColors()
	}
	return f
}

// String is the format in a line of a log: "YUYV 1280x720".
func (f Format) String() string {
	return fmt.Sprintf("%s %dx%d", f.PixelFormat, f.Width, f.Height)
}

// RowBytes is how many bytes of a row of plane i carry pixels.
func (f Format) RowBytes(i int) int {
	p := f.PixelFormat.Layout().Planes[i]
	return ceilDiv(f.Width, p.Pixels) * p.Bytes
}

// Rows is how many rows plane i has.
func (f Format) Rows(i int) int {
	return ceilDiv(f.Height, f.PixelFormat.Layout().Planes[i].Rows)
}

// PlaneBytes is the least length of plane i: the padding after the last row
// need not be there.
func (f Format) PlaneBytes(i int) int {
	return f.Stride[i]*(f.Rows(i)-1) + f.RowBytes(i)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
