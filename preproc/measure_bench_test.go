package preproc

import (
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
)

// BenchmarkMeasure is what measuring adds to the preprocessing of a 1080p
// frame, of a camera that sees something else each time and of one that stands
// still. Batches with and without it take turns, and the quickest of each count,
// so that other work of the machine does not.
func BenchmarkMeasure(b *testing.B) {
	for _, f := range []*capture.Frame{
		encoded(b, scene(capture.RGB3, 1920, 1080), 85), scene(capture.YUYV, 1920, 1080),
		scene(capture.NV12, 1920, 1080), scene(capture.RGB3, 1920, 1080),
	} {
		b.Run(f.Format.PixelFormat.String()+"/live", func(b *testing.B) { benchmarkMeasure(b, f, another(f)) })
		b.Run(f.Format.PixelFormat.String()+"/still", func(b *testing.B) { benchmarkMeasure(b, f, f) })
	}
}

// another is a frame of the same kind in which every byte is another one, or
// the same frame when it is compressed: that is hashed whole in any case.
func another(f *capture.Frame) *capture.Frame {
	if f.Format.PixelFormat.Layout().Compressed() {
		return f
	}
	other := &capture.Frame{Format: f.Format}
	for i, plane := range f.Planes {
		other.Planes[i] = append([]byte(nil), plane...)
		for j := range plane {
			other.Planes[i][j] ^= 1
		}
	}
	return other
}

func benchmarkMeasure(b *testing.B, frames ...*capture.Frame) {
	s := Spec{Width: 640, Height: 640, Pad: 114}
	p, err := New(View{}, []Spec{s})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	images := []*Image{imageFor(b, frames[0], View{}, s)}
	if _, err := p.Process(b.Context(), frames[0], images); err != nil {
		b.Fatal(err)
	}
	const batch = 16 // a still picture is not looked at whole in each frame
	run := func(m *native.Measure) time.Duration {
		start := time.Now()
		for i := range batch {
			if err := p.take(frames[i%len(frames)], images); err != nil {
				b.Fatal(err)
			}
			if err := p.handle.Run(uint64(i), &p.planes, &p.outputs, p.bordered, m); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(start) / batch
	}
	without, with := time.Hour, time.Hour
	for b.Loop() {
		without = min(without, run(nil))
		with = min(with, run(new(native.Measure)))
	}
	added := with - without
	b.ReportMetric(float64(without.Microseconds()), "us/frame")
	b.ReportMetric(float64(added.Nanoseconds())/1000, "us/measure")
	b.ReportMetric(100*float64(added)/float64(without), "%")
}
