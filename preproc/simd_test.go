package preproc

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
)

// instructionSets are those that this machine has, plain C++ among them.
func instructionSets(t *testing.T) (sets []string) {
	for _, set := range []string{"none", "sse4", "avx2", "avx512", "neon"} {
		t.Setenv("AGENT_SIMD", set)
		if got, err := native.Kernels(); err == nil && got == set {
			sets = append(sets, set)
		}
	}
	if len(sets) < 2 {
		t.Fatalf("only %v", sets)
	}
	return sets
}

// A frame has the same images, bit by bit, on every instruction set.
func TestEveryInstructionSetMakesTheSameImages(t *testing.T) {
	specs := []Spec{
		model,
		{Width: 97, Height: 55, Fit: Stretch, Color: BGR},
		{Width: 64, Height: 64, Fit: Cover, DType: Float16, Filter: Linear},
		{Width: 50, Height: 400, Color: Gray, DType: Int8, Scale: 0.01},
		{Width: 20, Height: 11, Layout: CHW, Filter: Nearest},
		{Width: 9, Height: 7, DType: Float32, Mean: [3]float32{0.5, 0.5, 0.5}},
	}
	views := []View{{}, {Crop: Rect{3, 5, 333, 203}, Rotate: 90}, {Rotate: 180, Flip: FlipVertical}}
	sets := instructionSets(t)
	for _, p := range rawFormats {
		f := newFrame(p, 639, 417, 3, noise())
		for _, v := range views {
			for _, s := range specs {
				var want []byte
				for _, set := range sets {
					t.Setenv("AGENT_SIMD", set)
					if got := process(t, f, v, s).Data; want == nil {
						want = bytes.Clone(got)
					} else if !bytes.Equal(got, want) {
						t.Errorf("%v %+v %+v: %s differs from %s", p, v, s, set, sets[0])
					}
				}
			}
		}
	}
}

func TestInstructionSetThatIsNotThereIsRefused(t *testing.T) {
	t.Setenv("AGENT_SIMD", "mmx")
	want := `argument: AGENT_SIMD is "mmx"; this machine has `
	if _, err := native.Kernels(); err == nil || len(err.Error()) <= len(want) || err.Error()[:len(want)] != want {
		t.Errorf("got %v, want %s", err, want)
	}
	p, err := New(View{}, []Spec{{Width: 8, Height: 8}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	f := newFrame(capture.GREY, 8, 8, 0, noise())
	_, err = p.Process(t.Context(), f, []*Image{{Data: make([]byte, 0, 192)}})
	if fmt.Sprint(err)[:len("preprocess: failed: AGENT_SIMD")] != "preprocess: failed: AGENT_SIMD" {
		t.Errorf("got %v", err)
	}
}
