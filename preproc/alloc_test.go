//go:build !asan

// The address sanitizer's build passes each argument of a call into C through
// the heap.

package preproc

import (
	"testing"

	"github.com/edge-agent/agent/capture"
)

func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, view := range []View{{}, {Lens: lenses["pinhole-5"]}} {
		checkAllocations(t, view)
	}
}

func checkAllocations(t *testing.T, view View) {
	t.Helper()
	for _, f := range []*capture.Frame{
		scene(capture.YUYV, 160, 120), scene(capture.NV12, 160, 120), encoded(t, scene(capture.RGB3, 160, 120), 85),
	} {
		specs := []Spec{model, {Width: 80, Height: 60, Encode: JPEG, Quality: 80, Tone: Tone{Clip: 2, Columns: 8, Rows: 8, Gamma: 0.6}}}
		p, err := New(view, specs)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		images := []*Image{imageFor(t, f, view, specs[0]), imageFor(t, f, view, specs[1])}
		ctx := t.Context()
		if n := testing.AllocsPerRun(50, func() {
			f.Sequence++
			if _, err := p.Process(ctx, f, images); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v: %v allocations a frame", f.Format.PixelFormat, n)
		}
	}
}
