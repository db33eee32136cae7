package ring_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/preproc"
)

// An array is what only the Python reader says of a frame.
type array struct {
	Ends      [2]float64
	Shape     []int
	DType     string
	Writeable bool
	Verdicts  string
}

// Frames are numpy arrays of the type and shape of the config, and read-only.
func TestPythonFramesAreArrays(t *testing.T) {
	half := func(b []byte, v float32) {
		binary.LittleEndian.PutUint16(b, map[float32]uint16{-2: 0xc000, 1.5: 0x3e00}[v])
	}
	full := func(b []byte, v float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(v)) }
	for _, c := range []struct {
		spec        preproc.Spec
		first, last float32
		put         func([]byte, float32)
		want        string
	}{
		{preproc.Spec{}, 3, 255, func(b []byte, v float32) { b[0] = byte(v) }, "{[3 255] [20 40 3] uint8 false blown-out stale bit-30}"},
		{preproc.Spec{DType: preproc.Int8, Scale: 0.5, Color: preproc.Gray}, -128, 127, func(b []byte, v float32) { b[0] = byte(int8(v)) }, "{[-128 127] [20 40 1] int8 false blown-out stale bit-30}"},
		{preproc.Spec{DType: preproc.Float16, Layout: preproc.CHW}, -2, 1.5, half, "{[-2 1.5] [3 20 40] float16 false blown-out stale bit-30}"},
		{preproc.Spec{DType: preproc.Float32, Layout: preproc.CHW}, 0.25, -7, full, "{[0.25 -7] [3 20 40] float32 false blown-out stale bit-30}"},
		{preproc.Spec{Encode: preproc.JPEG, Quality: 80}, 0xff, 0xd9, func(b []byte, v float32) { b[0] = byte(v) }, ""},
	} {
		c.spec.Name, c.spec.Width, c.spec.Height = "model", 40, 20
		r, path := open(t, func(cfg *ring.Config) { cfg.Spec = c.spec })
		python := newPythonReader(t, path)
		consumersAre(t, r, 1)
		img := &preproc.Image{Spec: &c.spec, Width: 40, Height: 20, Data: r.Lend(), Verdict: preproc.BlownOut | preproc.Stale | 1<<30, Geometry: preproc.Geometry{XX: 1, YY: 1}}
		if c.spec.Encode == preproc.JPEG {
			img.Data = img.Data[:77]
			c.want = "{[255 217] [77] uint8 false blown-out stale bit-30}"
		}
		c.put(img.Data, c.first)
		size := max(c.spec.DType.Bytes(), 1)
		c.put(img.Data[len(img.Data)-size:], c.last)
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		var got array
		if python.tell(t, "next", &got); fmt.Sprint(got) != c.want {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}
