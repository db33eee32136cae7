package preproc

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// BenchmarkKernel varies one thing at a time of a 1080p YUYV frame that becomes
// a detector's tensor, so that what is slower or faster has a name.
func BenchmarkKernel(b *testing.B) {
	yuyv := scene(capture.YUYV, 1920, 1080)
	b.Run("format", func(b *testing.B) {
		for _, l := range capture.Formats() {
			if !l.Compressed() {
				run(b, l.PixelFormat.String(), scene(l.PixelFormat, 1920, 1080), View{}, model)
			}
		}
		run(b, "MJPG", encoded(b, scene(capture.RGB3, 1920, 1080), 85), View{}, model)
	})
	b.Run("element", func(b *testing.B) {
		for _, d := range []DType{Uint8, Int8, Float16, Float32} {
			for _, l := range []Layout{HWC, CHW} {
				s := model
				if s.DType, s.Layout = d, l; d == Uint8 || d == Int8 {
					s.Mean, s.Std = [3]float32{}, [3]float32{}
				}
				run(b, fmt.Sprint(d, "-", l), yuyv, View{}, s)
			}
		}
	})
	b.Run("color", func(b *testing.B) {
		for _, c := range []Color{RGB, BGR, Gray} {
			run(b, c.String(), yuyv, View{}, with(func(s *Spec) { s.Color = c }))
		}
	})
	b.Run("filter", func(b *testing.B) {
		for _, f := range []Filter{Area, Linear, Nearest} {
			run(b, f.String(), yuyv, View{}, with(func(s *Spec) { s.Filter = f }))
		}
	})
	b.Run("size", func(b *testing.B) { // enlarged, as it is, and down to a twelfth
		for _, width := range []int{2560, 1920, 1280, 960, 640, 416, 160} {
			run(b, fmt.Sprint(width), yuyv, View{}, with(func(s *Spec) { s.Fit, s.Width, s.Height = Stretch, width, width*9/16 }))
		}
	})
	b.Run("view", func(b *testing.B) {
		for name, v := range map[string]View{
			"90": {Rotate: 90}, "180": {Rotate: 180}, "270": {Rotate: 270}, "mirrored": {Flip: FlipHorizontal},
			"crop": {Crop: Rect{X: 319, Y: 101, Width: 1001, Height: 801}},
		} {
			run(b, name, yuyv, v, model)
		}
	})
	b.Run("encode", func(b *testing.B) {
		for _, width := range []int{640, 1280} {
			run(b, fmt.Sprint(width), yuyv, View{}, Spec{Width: width, Height: width * 9 / 16, Encode: JPEG, Quality: 80})
		}
	})
	b.Run("outputs", func(b *testing.B) {
		preview := Spec{Width: 640, Height: 360, Encode: JPEG, Quality: 80}
		run(b, "alike", yuyv, View{}, model, with(func(s *Spec) { s.DType, s.Layout = Float16, HWC }))
		run(b, "three", yuyv, View{}, model, with(func(s *Spec) { s.Width, s.Height, s.Color = 320, 320, BGR }), preview)
	})
}

// with is the detector's tensor but for one thing.
func with(change func(*Spec)) Spec {
	s := model
	change(&s)
	return s
}

func run(b *testing.B, name string, f *capture.Frame, v View, specs ...Spec) {
	b.Run(name, func(b *testing.B) { benchmarkFrame(b, f, v, specs...) })
}

func benchmarkFrame(b *testing.B, f *capture.Frame, v View, specs ...Spec) {
	p, err := New(v, specs)
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	var images []*Image
	for _, s := range specs {
		images = append(images, imageFor(b, f, v, s))
	}
	bytes := 0
	for _, plane := range f.Planes {
		bytes += len(plane)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	frames := []*capture.Frame{f, another(f)} // a picture that stands still costs more
	before := cpuTime(b)
	for i := 0; b.Loop(); i++ {
		if _, err := p.Process(b.Context(), frames[i%2], images); err != nil {
			b.Fatal(err)
		}
	}
	// What others do on the machine is not in it.
	b.ReportMetric(float64(cpuTime(b)-before)/float64(b.N), "cpu-ns/op")
}

// cpuTime is what the process has used so far, in nanoseconds.
func cpuTime(b *testing.B) int64 {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return use.Utime.Nano() + use.Stime.Nano()
}
