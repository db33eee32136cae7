package capture

import (
	"fmt"
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

// The pixel formats that the preprocessor reads. What each one looks like
// stands in the table of layouts.
var (
	MJPG = FourCC('M', 'J', 'P', 'G')
	JPEG = FourCC('J', 'P', 'E', 'G')
	YUYV = FourCC('Y', 'U', 'Y', 'V')
	UYVY = FourCC('U', 'Y', 'V', 'Y')
	NV12 = FourCC('N', 'V', '1', '2')
	YU12 = FourCC('Y', 'U', '1', '2')
	GREY = FourCC('G', 'R', 'E', 'Y')
	RGB3 = FourCC('R', 'G', 'B', '3')
	BGR3 = FourCC('B', 'G', 'R', '3')
)

// String is the code as v4l2-ctl prints it, such as "YUYV".
func (p PixelFormat) String() string {
	b := [4]byte{byte(p), byte(p >> 8), byte(p >> 16), byte(p >> 24)}
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '.'
		}
	}
	return string(b[:])
}

// A Plane says how one plane of a pixel format lies in memory.
type Plane struct {
	// BytesPerSample is the step between samples of a row (YUYV: 2 per pixel).
	BytesPerSample int
	// HSub and VSub divide the picture's width and height (rounded up).
	HSub, VSub int
}

// A Layout is a row of the table of pixel formats.
type Layout struct {
	PixelFormat PixelFormat
	Description string
	// Compressed formats have one plane, the bitstream, and no stride.
	Compressed bool
	// Cost orders formats of equal size and rate: the lower is cheaper to
	// preprocess.
	Cost   int
	Planes []Plane
}

// A new format is a new line here and a case in native/.
var layouts = []Layout{
	{NV12, "YUV 4:2:0, Y and interleaved CbCr", false, 1, []Plane{{1, 1, 1}, {2, 2, 2}}},
	{YU12, "YUV 4:2:0, planar", false, 1, []Plane{{1, 1, 1}, {1, 2, 2}, {1, 2, 2}}},
	{GREY, "8-bit luma only", false, 9, []Plane{{1, 1, 1}}},
	{YUYV, "YUV 4:2:2, packed Y Cb Y Cr", false, 2, []Plane{{4, 2, 1}}},
	{UYVY, "YUV 4:2:2, packed Cb Y Cr Y", false, 2, []Plane{{4, 2, 1}}},
	{RGB3, "RGB, 8 bits each", false, 3, []Plane{{3, 1, 1}}},
	{BGR3, "BGR, 8 bits each", false, 3, []Plane{{3, 1, 1}}},
	{MJPG, "Motion JPEG", true, 6, []Plane{{0, 1, 1}}},
	{JPEG, "JPEG", true, 6, []Plane{{0, 1, 1}}},
}

var layoutOf = func() map[PixelFormat]*Layout {
	m := make(map[PixelFormat]*Layout, len(layouts))
	for i := range layouts {
		m[layouts[i].PixelFormat] = &layouts[i]
	}
	return m
}()

// Layout is the format's row of the table, or nil when there is none: such a
// format cannot be preprocessed.
func (p PixelFormat) Layout() *Layout { return layoutOf[p] }

// Formats lists the pixel formats that can be preprocessed.
func Formats() []Layout { return append([]Layout(nil), layouts...) }

// Matrix says which coefficients turn Y'CbCr into R'G'B'.
type Matrix uint8

// The matrices of the ITU-R recommendations of the same number.
const (
	BT601 Matrix = iota
	BT709
	BT2020
)

func (m Matrix) String() string { return [...]string{"bt601", "bt709", "bt2020"}[m] }

// Range says which code values mean black and white.
type Range uint8

// Limited has 16 to 235 (chroma 16 to 240), Full has 0 to 255.
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
	// Matrix and Range are resolved, never "default"; they say nothing about
	// RGB formats, and compressed ones are always JFIF (BT.601, full range).
	Matrix Matrix
	Range  Range
	// Interval is the nominal time between frames, 0 when unknown.
	Interval time.Duration
}

// String is the format in a line of a log: "YUYV 1280x720".
func (f Format) String() string {
	return fmt.Sprintf("%s %dx%d", f.PixelFormat, f.Width, f.Height)
}

// RowBytes is how many bytes of a row of plane i carry pixels.
func (f Format) RowBytes(i int) int {
	p := f.PixelFormat.Layout().Planes[i]
	return (f.Width + p.HSub - 1) / p.HSub * p.BytesPerSample
}

// Rows is how many rows plane i has.
func (f Format) Rows(i int) int {
	p := f.PixelFormat.Layout().Planes[i]
	return (f.Height + p.VSub - 1) / p.VSub
}

// PlaneBytes is the least length of plane i: the padding after the last row
// need not be there.
func (f Format) PlaneBytes(i int) int {
	return f.Stride[i]*(f.Rows(i)-1) + f.RowBytes(i)
}
