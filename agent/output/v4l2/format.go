package v4l2

import (
	"fmt"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// Auto is the pixel format that most programs can read: YUYV, which every
// browser has, of colour; GREY of gray; MJPG of JPEG files.
const Auto = capture.PixelFormat(0)

// Formats are those that an output may be written in, the usual one first.
func Formats(s *preproc.Spec) []capture.PixelFormat {
	switch {
	case s.Encode == preproc.JPEG:
		return []capture.PixelFormat{capture.MJPG}
	case s.DType != preproc.Uint8 || s.Layout != preproc.HWC || s.Scale != 0:
		return nil
	}
	switch s.Color {
	case preproc.RGB:
		return []capture.PixelFormat{capture.YUYV, capture.RGB3}
	case preproc.BGR:
		return []capture.PixelFormat{capture.YUYV, capture.BGR3}
	}
	return []capture.PixelFormat{capture.GREY}
}

// choose is the format to write s in.
func choose(s *preproc.Spec, want capture.PixelFormat, width int) (capture.PixelFormat, error) {
	formats := Formats(s)
	if formats == nil {
		return 0, fmt.Errorf("image of %v %v: allowed: raw uint8 hwc without a scale, or encode: jpeg", s.DType, s.Layout)
	}
	if want == Auto {
		want = formats[0]
	}
	for _, f := range formats {
		if f != want {
			continue
		}
		if f == capture.YUYV && width%2 != 0 {
			return 0, fmt.Errorf("YUYV of %d columns: allowed: an even number; %v has any", width, formats[1])
		}
		return f, nil
	}
	return 0, fmt.Errorf("format %v: allowed with this output: %v", want, formats)
}

// An encoder makes a frame of an image's rows. to has stride bytes a row.
type encoder func(to []byte, stride int, from []byte, width, height int)

func encoderOf(s *preproc.Spec, p capture.PixelFormat) encoder {
	switch {
	case p != capture.YUYV:
		channels := s.Channels()
		return func(to []byte, stride int, from []byte, width, height int) {
			row := width * channels
			for y := range height {
				copy(to[y*stride:][:row], from[y*row:])
			}
		}
	case s.Color == preproc.BGR:
		return func(to []byte, stride int, from []byte, width, height int) {
			eachRow(to, stride, from, width, height, func(to, from []byte) { yuyv(to, from, 2, 0) })
		}
	}
	return func(to []byte, stride int, from []byte, width, height int) {
		eachRow(to, stride, from, width, height, func(to, from []byte) { yuyv(to, from, 0, 2) })
	}
}

func eachRow(to []byte, stride int, from []byte, width, height int, convert func(to, from []byte)) {
	for y := range height {
		convert(to[y*stride:][:2*width], from[y*3*width:][:3*width])
	}
}

// The matrix of BT.601 from R'G'B' to Y'CbCr in limited range, in 1/65536
// (ITU-R BT.601-7, 2.5.1 to 2.5.3: luma 0.299, 0.587, 0.114 spans 219 levels,
// chroma 224). The rows of chroma add up to 0.
const (
	yr, yg, yb = 16829, 33039, 6416
	ur, ug, ub = -9714, -19070, 28784
	vr, vg, vb = 28784, -24103, -4681

	half = 1 << 15
)

// yuyv converts a row of pixels of three bytes, of which red and blue lie at r
// and b; the chroma of two pixels is that of their mean.
func yuyv(to, from []byte, r, b int) {
	for len(to) >= 4 && len(from) >= 6 {
		r0, g0, b0 := int32(from[r]), int32(from[1]), int32(from[b])
		r1, g1, b1 := int32(from[3+r]), int32(from[4]), int32(from[3+b])
		to[0] = byte((yr*r0+yg*g0+yb*b0+half)>>16 + 16)
		to[2] = byte((yr*r1+yg*g1+yb*b1+half)>>16 + 16)
		rs, gs, bs := r0+r1, g0+g1, b0+b1
		to[1] = byte((ur*rs+ug*gs+ub*bs+2*half)>>17 + 128)
		to[3] = byte((vr*rs+vg*gs+vb*bs+2*half)>>17 + 128)
		to, from = to[4:], from[6:]
	}
}
