package preproc

import (
	"math"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// scene gives the bytes of a raw frame that looks like a picture: shapes,
// texture and sensor noise.
func scene(p capture.PixelFormat, width, height int) *capture.Frame {
	random := noise()
	n := 0
	return newFrame(p, width, height, 0, func() byte {
		x, y := float64(n%width), float64(n/width)
		n++
		v := 128 + 60*math.Sin(x/37+y/91) + 30*math.Sin(x*y/9000) + float64(random()%16)
		return byte(min(max(v, 0), 255))
	})
}

// encoded is the frame as a camera would compress it.
func encoded(t testing.TB, raw *capture.Frame, quality int) *capture.Frame {
	t.Helper()
	img := process(t, raw, View{}, Spec{Encode: JPEG, Quality: quality})
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: raw.Format.Width, Height: raw.Format.Height}}
	f.Planes[0] = img.Data
	return f
}

// model is what a detector wants.
var model = Spec{
	Width: 640, Height: 640, Pad: 114, DType: Float32, Layout: CHW,
	Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225},
}
