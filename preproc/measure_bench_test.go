package preproc

import (
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
)

// BenchmarkMeasure is what measuring adds to the preprocessing of a 1080p
// frame. Frames with and without it take turns, and the quickest of each count,
// so that other work of the machine does not.
func BenchmarkMeasure(b *testing.B) {
	for _, f := range []*capture.Frame{
		encoded(b, scene(capture.RGB3, 1920, 1080), 85), scene(capture.YUYV, 1920, 1080),
		scene(capture.NV12, 1920, 1080), scene(capture.RGB3, 1920, 1080),
	} {
		b.Run(f.Format.PixelFormat.String(), func(b *testing.B) { benchmarkMeasure(b, f) })
	}
}

func benchmarkMeasure(b *testing.B, f *capture.Frame) {
	s := Spec{Width: 640, Height: 640, Pad: 114}
	p, err := New(View{}, []Spec{s})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	images := []*Image{imageFor(b, f, View{}, s)}
	if _, err := p.Process(b.Context(), f, images); err != nil {
		b.Fatal(err)
	}
	quickest := map[bool]time.Duration{false: time.Hour, true: time.Hour}
	for b.Loop() {
		for measured := range quickest {
			var m *native.Measure
			if measured {
				m = new(native.Measure)
			}
			if err := p.take(f, images); err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			if err := p.handle.Run(f.Sequence, &p.planes, &p.outputs, m); err != nil {
				b.Fatal(err)
			}
			quickest[measured] = min(quickest[measured], time.Since(start))
		}
	}
	added := quickest[true] - quickest[false]
	b.ReportMetric(float64(quickest[false].Microseconds()), "us/frame")
	b.ReportMetric(float64(added.Nanoseconds())/1000, "us/measure")
	b.ReportMetric(100*float64(added)/float64(quickest[false]), "%")
}
