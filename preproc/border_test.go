package preproc

import (
	"bytes"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// bordered has a border above and below its content.
var bordered = Spec{Width: 32, Height: 32, Pad: 77}

// scribbled is the image after a frame, with the first element of its border
// written over.
func scribbled(t *testing.T, p Processor, f *capture.Frame, img *Image) {
	t.Helper()
	if _, err := p.Process(t.Context(), f, []*Image{img}); err != nil {
		t.Fatal(err)
	}
	if img.Data[0] != bordered.Pad || img.Data[len(img.Data)-1] != bordered.Pad {
		t.Fatalf("border is %d and %d", img.Data[0], img.Data[len(img.Data)-1])
	}
	img.Data[0]++
}

// again says whether the border is drawn with the next frame.
func again(t *testing.T, p Processor, f *capture.Frame, img *Image) bool {
	t.Helper()
	if _, err := p.Process(t.Context(), f, []*Image{img}); err != nil {
		t.Fatal(err)
	}
	return img.Data[0] == bordered.Pad
}

func TestBorderIsDrawnOnceForEachMemory(t *testing.T) {
	one := newFrame(capture.YUYV, 64, 32, 0, noise())
	other := newFrame(capture.YUYV, 64, 32, 0, func() byte { return 9 })
	taller := newFrame(capture.YUYV, 64, 48, 0, noise())
	for name, c := range map[string]struct {
		change func(p **InProcess, img *Image) *capture.Frame
		drawn  bool
	}{
		"the next frame":    {func(**InProcess, *Image) *capture.Frame { return other }, false},
		"another format":    {func(**InProcess, *Image) *capture.Frame { return taller }, true},
		"nobody's memory":   {func(_ **InProcess, img *Image) *capture.Frame { img.Drawn = 0; return other }, true},
		"another's output":  {func(_ **InProcess, img *Image) *capture.Frame { img.Drawn++; return other }, true},
		"another processor": {func(p **InProcess, _ *Image) *capture.Frame { *p, _ = New(View{}, []Spec{bordered}); return other }, true},
		"after a failure": {func(p **InProcess, img *Image) *capture.Frame {
			short := newFrame(capture.YUYV, 64, 32, 0, noise())
			short.Planes[0] = short.Planes[0][:100]
			if _, err := (*p).Process(t.Context(), short, []*Image{img}); err == nil {
				t.Error("a short frame was taken")
			}
			return other
		}, true},
	} {
		p, err := New(View{}, []Spec{bordered})
		if err != nil {
			t.Fatal(err)
		}
		img := imageFor(t, one, View{}, bordered)
		scribbled(t, p, one, img)
		first := p
		f := c.change(&p, img)
		if got := again(t, p, f, img); got != c.drawn {
			t.Errorf("%s: border drawn again: %v", name, got)
		}
		img.Data[0] = bordered.Pad
		if want := process(t, f, View{}, bordered).Data; !bytes.Equal(img.Data, want) {
			t.Errorf("%s: the image differs from one in new memory", name)
		}
		first.Close()
		p.Close()
	}
}
