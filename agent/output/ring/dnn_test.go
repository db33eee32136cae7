//go:build dnn

package ring_test

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
)

// The example finds with OpenCV what is in a tensor, and says where the camera
// sees it.
func TestExampleDetects(t *testing.T) {
	run := t.TempDir()
	t.Setenv(reader.RunVariable, run)
	t.Setenv("PYTHONPATH", "python")
	model := filepath.Join(run, "tiny.onnx")
	if out, err := exec.Command(python, "python/tiny_onnx.py", model).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	spec := preproc.Spec{Name: "model", Width: 64, Height: 64, DType: preproc.Float32, Layout: preproc.CHW}
	r, _ := open(t, func(c *ring.Config) { c.Spec, c.Socket = spec, filepath.Join(run, "front", "model.sock") })
	detect := exec.Command(python, "-B", "python/detect.py", model, "front", "model")
	detect.Stderr = os.Stderr
	said, err := detect.StdoutPipe()
	if err == nil {
		err = detect.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer detect.Wait()
	defer detect.Process.Kill()
	out := bufio.NewScanner(said)
	consumersAre(t, r, 1)
	for sequence, at := range map[uint64][2]int{1: {0, 0}, 2: {7, 3}, 3: {4, 6}} {
		img := &preproc.Image{Spec: &spec, Width: 64, Height: 64, Data: r.Lend(), Sequence: sequence, Geometry: preproc.Geometry{XX: 10, X0: 5, YY: 10, Y0: 7}}
		clear(img.Data)
		for y := range 8 {
			for x := range 8 {
				i := (8*at[1]+y)*64 + 8*at[0] + x
				binary.LittleEndian.PutUint32(img.Data[4*i:], math.Float32bits(0.75))
			}
		}
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if !out.Scan() {
			t.Fatal("the example ended")
		}
		left, top := 80*at[0]+5, 80*at[1]+7
		want := regexp.MustCompile(fmt.Sprintf(`^frame %d, \d+ ms old: 0.75 in %d,%d to %d,%d$`, sequence, left, top, left+80, top+80))
		if !want.MatchString(out.Text()) {
			t.Errorf("%q, want %v", out.Text(), want)
		}
	}
}
