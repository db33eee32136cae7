package gst

import (
	"errors"
	"fmt"
	"math"

	"github.com/edge-agent/agent/preproc"
)

// A picture says where the rows of an image lie in a buffer of GStreamer's.
type picture struct {
	rows, rowBytes, stride int // of JPEG: one row of any length
}

// alignment is that of rows in GStreamer's default layout of packed formats
// (gst_video_info_set_format), which is what plain caps mean.
const alignment = 4

func pictureOf(s *preproc.Spec, width, height int) picture {
	if s.Encode == preproc.JPEG {
		return picture{rows: 1}
	}
	row := width * s.Channels()
	return picture{height, row, (row + alignment - 1) / alignment * alignment}
}

// padded says that rows do not follow each other without a gap.
func (p picture) padded() bool { return p.stride != p.rowBytes }

// bytes is what a buffer takes of an image of n bytes.
func (p picture) bytes(n int) int {
	if p.padded() {
		return p.stride * p.rows
	}
	return n
}

// store copies an image into a buffer.
func (p picture) store(to, from []byte) {
	if !p.padded() {
		copy(to, from)
		return
	}
	for y := range p.rows {
		copy(to[y*p.stride:][:p.rowBytes], from[y*p.rowBytes:])
	}
}

// Allowed says what the images of an output of this kind may be, for those who
// have another one.
const Allowed = "raw uint8 hwc without a scale, or encode: jpeg"

// Check says what of s GStreamer has no caps for.
func Check(s *preproc.Spec) error {
	switch {
	case s.Encode == preproc.JPEG:
		return nil
	case s.DType != preproc.Uint8 || s.Layout != preproc.HWC:
		return fmt.Errorf("image of %v %v: allowed: %s", s.DType, s.Layout, Allowed)
	case s.Scale != 0:
		return errors.New("quantised image: allowed: " + Allowed)
	}
	return nil
}

// Caps are what a pipeline has to say after shmsrc, which does not know what it
// carries. A rate of 0 is unknown, or none that is fixed.
func Caps(s *preproc.Spec, width, height int, rate float64) string {
	format := "image/jpeg"
	if s.Encode == preproc.Raw {
		format = "video/x-raw,format=" + [...]string{preproc.RGB: "RGB", preproc.BGR: "BGR", preproc.Gray: "GRAY8"}[s.Color]
	}
	return fmt.Sprintf("%s,width=%d,height=%d,framerate=%s", format, width, height, fraction(rate))
}

// Pipeline is the beginning of a pipeline for gst-launch-1.0 that reads from a
// socket.
func Pipeline(socket string, s *preproc.Spec, width, height int, rate float64) string {
	return fmt.Sprintf("shmsrc socket-path=%s is-live=true do-timestamp=true ! %s ! ...", socket, Caps(s, width, height, rate))
}

// fraction writes a rate as GStreamer does, to a thousandth.
func fraction(rate float64) string {
	numerator, denominator := int(math.Round(rate*1000)), 1000
	for _, prime := range []int{2, 5} {
		for denominator%prime == 0 && numerator%prime == 0 {
			numerator, denominator = numerator/prime, denominator/prime
		}
	}
	return fmt.Sprintf("%d/%d", numerator, denominator)
}
