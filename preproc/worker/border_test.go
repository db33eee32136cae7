package worker

import (
	"testing"

	"github.com/edge-agent/agent/preproc"
)

// boxed has a border above and below its content.
var boxed = preproc.Spec{Name: "boxed", Width: 32, Height: 32, Color: preproc.Gray, Pad: 77}

// A border stands in shared memory from frame to frame, but only while the same
// child writes there with the same plan, and nobody else did.
func TestBorderIsDrawnOnceByEachChild(t *testing.T) {
	m, err := newArea(3 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	r := open(t, "half-30", func(c *Config) { c.Specs = []preproc.Spec{boxed} })
	r.Share(Memory{FD: m.fd, Data: m.data})
	img := r.images[0]
	img.Data = m.data[pageSize:][: 32*32 : 32*32]
	known, err := Learn(t.Context(), preproc.View{}, []preproc.Spec{boxed}, grey(1).Format)
	if err != nil {
		t.Fatal(err)
	}
	sequence := uint64(9)
	drawn := func() bool {
		t.Helper()
		sequence++
		if _, err := r.Process(t.Context(), grey(sequence), r.images); err != nil {
			t.Fatal(err)
		}
		if img.Data[16*32] != byte(sequence) {
			t.Errorf("frame %d has %d", sequence, img.Data[16*32])
		}
		return img.Data[0] == boxed.Pad
	}
	for _, c := range []struct {
		name   string
		change func()
		drawn  bool
	}{
		{"the first frame", func() {}, true},
		{"the next frame", func() {}, false},
		{"another child", func() { r.Renew("a test") }, true},
		{"the next frame of that", func() {}, false},
		{"a known frame", func() {
			if err := r.Verify(t.Context(), known, r.images); err != nil {
				t.Error(err)
			}
		}, true},
		{"a child that died in a frame", func() {
			if _, err := r.Process(t.Context(), grey(30), r.images); err == nil {
				t.Error("the child did not crash")
			}
		}, true},
		{"another format and back", func() {
			wide := grey(1)
			wide.Format.Height = 40
			if _, err := r.Process(t.Context(), wide, r.images); err != nil {
				t.Error(err)
			}
		}, true},
		{"other memory", func() { img.Drawn = 0 }, true},
		{"memory of its own, copied", func() { r.Forget(m.data) }, true},
		{"the next frame of that", func() {}, true},
	} {
		c.change()
		img.Data[0] = 1
		if got := drawn(); got != c.drawn {
			t.Errorf("%s: border drawn: %v", c.name, got)
		}
	}
}
