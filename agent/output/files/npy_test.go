package files_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/preproc"
)

// numpyLoads prints what NumPy sees in a file.
const numpyLoads = `
import json, numpy, sys
a = numpy.load(sys.argv[1], allow_pickle=False)
print(json.dumps([str(a.dtype), a.shape, a.flags.c_contiguous, [float(v) for v in a.flat[:3]]]))
`

func TestNumPyReadsTheTensors(t *testing.T) {
	for want, c := range map[string]struct {
		spec preproc.Spec
		head []byte // of the data
	}{
		"[uint8 [4 5 3] true [1 2 255]]":        {preproc.Spec{}, []byte{1, 2, 255}},
		"[uint8 [4 5 1] true [9 8 7]]":          {preproc.Spec{Color: preproc.Gray}, []byte{9, 8, 7}},
		"[int8 [4 5 3] true [1 -2 -128]]":       {preproc.Spec{DType: preproc.Int8}, []byte{1, 254, 128}},
		"[float32 [3 4 5] true [1 -2 0.5]]":     {preproc.Spec{DType: preproc.Float32, Layout: preproc.CHW}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f}},
		"[float16 [1 4 5] true [1 -2 65504]]":   {preproc.Spec{DType: preproc.Float16, Layout: preproc.CHW, Color: preproc.Gray}, []byte{0, 0x3c, 0, 0xc0, 0xff, 0x7b}},
		"[float32 [4 5 3] true [1 -2 0.03125]]": {preproc.Spec{DType: preproc.Float32}, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3d}},
	} {
		dir := t.TempDir()
		c.spec.Width, c.spec.Height = 5, 4
		f, err := files.New(files.Config{Dir: dir, Keep: 1 << 20, Camera: "front", Output: "model", Spec: c.spec})
		if err != nil {
			t.Fatal(err)
		}
		img := &preproc.Image{Width: 5, Height: 4, Data: make([]byte, 5*4*c.spec.Channels()*c.spec.DType.Bytes())}
		copy(img.Data, c.head)
		if err := f.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		closed(t, f)
		names, _ := list(t, dir)
		out, err := exec.Command("/usr/bin/python3", "-c", numpyLoads, filepath.Join(dir, names[0])).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v", out, err)
		}
		var got any
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("NumPy sees %v, want %s", got, want)
		}
	}
}

func TestTensorOfTheWrongLengthIsRefused(t *testing.T) {
	spec := preproc.Spec{Width: 5, Height: 4}
	f, err := files.New(files.Config{Dir: t.TempDir(), Keep: 1 << 20, Camera: "front", Output: "model", Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Write(t.Context(), &preproc.Image{Width: 5, Height: 4, Data: make([]byte, 59)}); err == nil {
		t.Error("taken")
	}
}
