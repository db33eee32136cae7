package preproc

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
)

// Integers with a scale are what TensorFlow Lite and ONNX feed a quantised
// model with; without one they are levels.
func TestIntegersAreQuantised(t *testing.T) {
	f := newFrame(capture.YUYV, 38, 24, 0, noise())
	imagenet := Spec{Mean: [3]float32{0.485, 0.456, 0.406}, Std: [3]float32{0.229, 0.224, 0.225}, Scale: 0.0186584, ZeroPoint: -14}
	for name, s := range map[string]Spec{
		"levels":              {DType: Int8},
		"levels as reals":     {DType: Int8, Scale: 1. / 255, ZeroPoint: -128},
		"half the range":      {DType: Uint8, Scale: 1. / 127, ZeroPoint: 60},
		"mobilenet":           {DType: Int8, Mean: [3]float32{0.5, 0.5, 0.5}, Std: [3]float32{0.5, 0.5, 0.5}, Scale: 0.0078125},
		"imagenet":            {DType: Int8, Mean: imagenet.Mean, Std: imagenet.Std, Scale: imagenet.Scale, ZeroPoint: imagenet.ZeroPoint},
		"imagenet, unsigned":  {DType: Uint8, Mean: imagenet.Mean, Std: imagenet.Std, Scale: imagenet.Scale, ZeroPoint: 114},
		"beyond both ends":    {DType: Int8, Scale: 0.001, ZeroPoint: -500 + 400},
		"more than the range": {DType: Uint8, Scale: 1e-6, ZeroPoint: 255},
	} {
		for _, layout := range []Layout{HWC, CHW} {
			t.Run(fmt.Sprint(name, layout), func(t *testing.T) {
				s.Width, s.Height, s.Filter, s.Pad, s.Layout = 20, 21, Nearest, 114, layout
				want, width, height := reference(f, View{}, &s)
				got := process(t, f, View{}, s).Data
				for i, v := range want {
					checkQuantum(t, &s, at(got, layout, i, width*height), v, i%3)
				}
			})
		}
	}
}

// at is element i of HWC in an image of three channels.
func at(data []byte, layout Layout, i, pixels int) byte {
	if layout == CHW {
		return data[i%3*pixels+i/3]
	}
	return data[i]
}

func checkQuantum(t *testing.T, s *Spec, got byte, v float64, channel int) {
	t.Helper()
	least, most := s.DType.Range()
	q, zero, levels := float64(got), 0.0, 1.0 // levels: what a level of 255 is in elements
	if s.DType == Int8 {
		q, zero = float64(int8(got)), -128
	}
	want := v + zero
	if s.Scale != 0 {
		std := max(float64(s.Std[channel]), 0)
		if std == 0 {
			std = 1
		}
		levels = 1 / (255 * std * float64(s.Scale))
		want = (v/255-float64(s.Mean[channel]))/std/float64(s.Scale) + float64(s.ZeroPoint)
	}
	want = min(max(want, float64(least)), float64(most))
	if math.Abs(q-want) > 0.5+shades*max(1, levels) {
		t.Fatalf("%v became %v, want %.3f", v, q, want)
	}
}

func TestQuantisationThatCannotBeIsRefused(t *testing.T) {
	for want, s := range map[string]Spec{
		"zero-point is 3; allowed only with a scale":        {ZeroPoint: 3},
		"scale is 1; allowed only with dtype uint8 or int8": {Scale: 1, DType: Float16},
		"of raw outputs":                                              {Scale: 1, Encode: JPEG, Quality: 80},
		"scale is -1; allowed: 1e-6 to 1e6":                           {Scale: -1},
		"scale is NaN; allowed":                                       {Scale: float32(math.NaN())},
		"zero-point is -1; allowed with dtype uint8: 0 to 255":        {Scale: 1, ZeroPoint: -1},
		"zero-point is 128; allowed with dtype int8: -128 to 127":     {Scale: 1, ZeroPoint: 128, DType: Int8},
		"allowed with a scale: mean within 1000 of 0":                 {Scale: 1, Mean: [3]float32{0, 1001, 0}},
		"channel 2 has mean 0 and std 1e-06":                          {Scale: 0.5, Std: [3]float32{1, 1, 1e-6}},
		"allowed only with dtype float32 or float16, or with a scale": {DType: Int8, Mean: [3]float32{1, 1, 1}},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
}

// The C++ room keeps out of undefined behaviour by itself.
func TestNativeRoomRefusesWildNumbers(t *testing.T) {
	f := capture.Format{PixelFormat: capture.GREY, Width: 8, Height: 8, Stride: [capture.MaxPlanes]int{8}}
	for _, change := range []func(*native.Output){
		func(o *native.Output) { o.Scale = float32(math.NaN()) },
		func(o *native.Output) { o.Scale = float32(math.Inf(1)) },
		func(o *native.Output) { o.Scale = -1 },
		func(o *native.Output) { o.Scale = 1e-7 },
		func(o *native.Output) { o.Scale, o.Mean[0] = 1, 1e9 },
		func(o *native.Output) { o.Scale, o.ZeroPoint = 1, 256 },
		func(o *native.Output) { o.Gamma = float32(math.NaN()) },
		func(o *native.Output) { o.Gamma = -1 },
		func(o *native.Output) { o.CLAHEClip, o.CLAHEColumns, o.CLAHERows = float32(math.Inf(1)), 8, 8 },
		func(o *native.Output) { o.CLAHEClip, o.CLAHEColumns, o.CLAHERows = 2, 0, 8 },
		func(o *native.Output) { o.CLAHEClip, o.CLAHEColumns, o.CLAHERows = 2, 8, 1<<31-1 },
	} {
		o, err := nativeOutput(View{}, &Spec{}, f)
		if err != nil {
			t.Fatal(err)
		}
		change(&o)
		format, err := nativeFormat(&f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = native.New(format, []native.Output{o})
		if refused := new(native.Error); !errors.As(err, &refused) || refused.Status != native.Argument {
			t.Errorf("%+v: %v", o, err)
		}
	}
}
