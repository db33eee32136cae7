package preproc

import (
	"math"
	"os"
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

// BenchmarkProcess is the cost of a 1080p frame. AGENT_BENCH_JPEG names a file
// to be used in place of the made-up MJPG frame.
func BenchmarkProcess(b *testing.B) {
	frames := map[string]*capture.Frame{
		"YUYV": scene(capture.YUYV, 1920, 1080),
		"NV12": scene(capture.NV12, 1920, 1080),
		"MJPG": encoded(b, scene(capture.RGB3, 1920, 1080), 85),
	}
	if name := os.Getenv("AGENT_BENCH_JPEG"); name != "" {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		frames["MJPG"].Planes[0] = data
	}
	linear, small := model, Spec{Width: 640, Height: 640, Pad: 114}
	linear.Filter = Linear
	specs := map[string]Spec{"float32-area": model, "float32-linear": linear, "uint8-area": small}
	for format, f := range frames {
		for name, s := range specs {
			b.Run(format+"/"+name, func(b *testing.B) { benchmarkFrame(b, f, s) })
		}
	}
}

func benchmarkFrame(b *testing.B, f *capture.Frame, s Spec) {
	p, err := New(View{}, []Spec{s})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	images := []*Image{imageFor(b, f, View{}, s)}
	bytes := 0
	for _, plane := range f.Planes {
		bytes += len(plane)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	frames := []*capture.Frame{f, another(f)} // a picture that stands still costs more
	for i := 0; b.Loop(); i++ {
		if _, err := p.Process(b.Context(), frames[i%2], images); err != nil {
			b.Fatal(err)
		}
	}
}
