package preproc

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
)

func TestNewReportsEveryFaultAtOnce(t *testing.T) {
	_, err := New(View{Rotate: 45, Flip: 9, Crop: Rect{-1, 0, 5, 0}}, []Spec{
		{Name: "a", Width: 10, Fit: 7, Mean: [3]float32{1}},
		{Name: "b", Encode: JPEG, DType: Float32, Quality: 101, Std: [3]float32{-1, float32(math.NaN())}},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"rotate is 45; allowed: 0, 90, 180, 270",
		"flip 9 has no name; known are 0 to 3",
		"crop is -1,0,5x0; allowed: x and y from 0, a size from 1x1",
		`output "a": size is 10x0; allowed: sides of 1 to 16384 and 67108864 pixels, or neither given for the size of the view`,
		"fit 7 has no name",
		"allowed only with dtype float32 or float16",
		`output "b": quality is 101; allowed: 1 to 100`,
		"dtype is float32; allowed with encode jpeg: uint8",
		"std[0] is -1; allowed: finite numbers above 0",
		"std[1] is NaN; allowed: finite numbers above 0",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Logf("got: %v", err)
	}
	for _, n := range []int{0, native.MaxOutputs + 1} {
		if _, err := New(View{}, make([]Spec, n)); err == nil || !strings.Contains(err.Error(), "allowed: 1 to 8") {
			t.Errorf("%d outputs: %v", n, err)
		}
	}
}

func TestProcessDescribesEveryImage(t *testing.T) {
	f := newFrame(capture.YUYV, 64, 48, 0, noise())
	img := process(t, f, View{Rotate: 90}, Spec{Name: "x", DType: Float16})
	if img.Spec.Name != "x" || img.Width != 48 || img.Height != 64 || len(img.Data) != 48*64*3*2 ||
		img.Sequence != 7 || img.Timestamp != 11 || img.Dequeued != 13 || img.Verdict != Good || img.Published != 0 {
		t.Errorf("got %+v", img)
	}
	if x, y := img.Geometry.Map(0, 0); x != 0 || y != 48 {
		t.Errorf("top left maps to %v,%v, want 0,48", x, y)
	}
}

// Outputs that are not due are left alone, and those that are come out the same
// whatever else is due: also from a decode at another scale.
func TestOutputsDoNotDependOnWhatElseIsDue(t *testing.T) {
	raw, jpeg := scene(capture.NV12, 320, 200), encoded(t, scene(capture.RGB3, 320, 200), 90)
	specs := []Spec{
		{Width: 64, Height: 64}, {Width: 300, Height: 180, Encode: JPEG, Quality: 80}, {Color: Gray},
		// The same rows as the first one, and those of no other.
		{Width: 64, Height: 64, Color: Gray, Pad: 9}, {Width: 80, Height: 40, Color: BGR, DType: Float32, Layout: CHW}, {Width: 64, Height: 64, Filter: Linear},
	}
	for name, c := range map[string]struct {
		f    *capture.Frame
		view View
	}{"raw": {raw, View{}}, "lens": {scene(capture.NV12, 320, 240), View{Lens: lenses["pinhole-5"]}}, "jpeg": {jpeg, View{}}} {
		f := c.f
		p, err := New(c.view, specs)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for due := range 1 << len(specs) {
			images := make([]*Image, len(specs))
			for i := range images {
				if due>>i&1 != 0 {
					images[i] = imageFor(t, f, c.view, specs[i])
				}
			}
			if _, err := p.Process(t.Context(), f, images); err != nil {
				t.Fatalf("%s, due %06b: %v", name, due, err)
			}
			for i, img := range images {
				if img == nil {
					continue
				}
				alone := process(t, f, c.view, specs[i])
				if name != "jpeg" && !bytes.Equal(img.Data, alone.Data) {
					t.Errorf("%s, due %06b: output %d differs from itself alone", name, due, i)
				}
				if len(img.Data) == 0 || img.Width != alone.Width {
					t.Errorf("%s, due %06b: output %d is not there", name, due, i)
				}
			}
		}
	}
}

func TestANewGeometryIsNoError(t *testing.T) {
	p, err := New(View{Crop: Rect{10, 10, 20, 20}}, []Spec{{Width: 16, Height: 16}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	run := func(f *capture.Frame) error {
		img := &Image{Data: make([]byte, 0, 16*16*3)}
		_, err := p.Process(t.Context(), f, []*Image{img})
		return err
	}
	big, other := newFrame(capture.RGB3, 64, 48, 0, noise()), newFrame(capture.NV12, 40, 30, 0, noise())
	for _, f := range []*capture.Frame{big, other, big} {
		if err := run(f); err != nil {
			t.Errorf("%v: %v", f.Format, err)
		}
	}
	var refused *Error
	small := newFrame(capture.RGB3, 29, 30, 0, noise())
	if err := run(small); !errors.As(err, &refused) || refused.Reason != ReasonGeometry {
		t.Errorf("crop that does not fit: %v", err)
	}
	if err := run(big); err != nil {
		t.Errorf("after it: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	short := newFrame(capture.NV12, 64, 48, 0, noise())
	short.Planes[1] = short.Planes[1][:len(short.Planes[1])-1]
	missing := newFrame(capture.NV12, 64, 48, 0, noise())
	missing.Planes[1] = nil
	unknown := newFrame(capture.GREY, 64, 48, 0, noise())
	unknown.Format.PixelFormat = capture.FourCC('X', 'V', 'I', 'D')
	giant := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 60000, Height: 60000}}
	narrow := newFrame(capture.GREY, 64, 48, 0, noise())
	narrow.Format.Stride[0] = 63
	for name, c := range map[string]struct {
		f    *capture.Frame
		want Reason
	}{
		"short plane": {short, ReasonShort}, "no plane": {missing, ReasonShort},
		"unknown format": {unknown, ReasonUnsupported}, "giant": {giant, ReasonGeometry},
		"stride below the width": {narrow, ReasonFailed},
	} {
		p, err := New(View{}, []Spec{{Width: 8, Height: 8}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		var refused *Error
		_, err = p.Process(t.Context(), c.f, []*Image{{Data: make([]byte, 0, 192)}})
		if !errors.As(err, &refused) || refused.Reason != c.want {
			t.Errorf("%s: error %v, want reason %v", name, err, c.want)
		}
	}
}

func TestProcessNeedsRoomAndAnImageForEachOutput(t *testing.T) {
	f := newFrame(capture.GREY, 8, 8, 0, noise())
	p, err := New(View{}, []Spec{{Name: "small"}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Process(t.Context(), f, []*Image{{Data: make([]byte, 0, 191)}}); err == nil ||
		!strings.Contains(err.Error(), `output "small" has room for 191 bytes, needs 192`) {
		t.Errorf("too little room: %v", err)
	}
	if _, err := p.Process(t.Context(), f, nil); err == nil {
		t.Error("no images: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Process(ctx, f, []*Image{nil}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Cameras have a processor each and run side by side.
func TestProcessorsDoNotDisturbEachOther(t *testing.T) {
	frames := []*capture.Frame{
		scene(capture.YUYV, 160, 120), encoded(t, scene(capture.RGB3, 160, 120), 85), jpegFrame(t, "progressive"),
	}
	var group sync.WaitGroup
	for _, f := range frames {
		want := process(t, f, View{}, model).Data
		group.Go(func() {
			p, err := New(View{}, []Spec{model})
			if err != nil {
				t.Error(err)
				return
			}
			defer p.Close()
			for range 20 {
				img := imageFor(t, f, View{}, model)
				if _, err := p.Process(t.Context(), f, []*Image{img}); err != nil || !bytes.Equal(img.Data, want) {
					t.Errorf("%v: differs from itself alone, error %v", f.Format.PixelFormat, err)
					return
				}
			}
		})
	}
	group.Wait()
}

// The numbers that cross into C++ mean the same on both sides.
func TestEnumerationsAgreeWithTheNativeRoom(t *testing.T) {
	for _, pair := range [][2]int{
		{int(capture.BT601), native.BT601}, {int(capture.BT709), native.BT709}, {int(capture.BT2020), native.BT2020},
		{int(capture.SMPTE240M), native.SMPTE240M}, {int(capture.HSV180), native.HSV180}, {int(capture.HSV256), native.HSV256},
		{int(capture.YUV), native.KindYUV}, {int(capture.RGB), native.KindRGB}, {int(capture.Luma), native.KindLuma},
		{int(capture.Bayer), native.KindBayer}, {int(capture.HSV), native.KindHSV}, {int(capture.Compressed), native.KindJPEG},
		{int(capture.Words), native.Words}, {int(capture.MIPI), native.MIPI},
		{int(capture.Limited), native.Limited}, {int(capture.Full), native.Full},
		{int(Area), native.Area}, {int(Linear), native.Linear}, {int(Nearest), native.Nearest},
		{int(RGB), native.RGB}, {int(BGR), native.BGR}, {int(Gray), native.Gray},
		{int(Uint8), native.Uint8}, {int(Float32), native.Float32}, {int(Float16), native.Float16}, {int(Int8), native.Int8},
		{int(HWC), native.HWC}, {int(CHW), native.CHW}, {int(Raw), native.Raw}, {int(JPEG), native.JPEG},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%d here is %d there", pair[0], pair[1])
		}
	}
}
