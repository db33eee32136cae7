package ring_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/preproc"
)

// python is Debian's, for which python3-numpy is installed.
const python = "/usr/bin/python3"

// echo runs the Python reader on the ring and gives a function that reads the
// next line it prints.
func echo(t *testing.T, path string) func(into any) {
	t.Helper()
	cmd := exec.Command(python, "python/echo.py", path)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(out)
	return func(into any) {
		t.Helper()
		if !lines.Scan() {
			t.Fatal("the Python reader ended")
		}
		if err := json.Unmarshal(lines.Bytes(), into); err != nil {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
	}
}

// The Python reader is made of the document alone: what it sees is what was written.
func TestPythonReaderSeesTheSameFrames(t *testing.T) {
	spec := preproc.Spec{Name: "model", Width: 40, Height: 20, DType: preproc.Float32, Layout: preproc.CHW}
	r, path := open(t, func(c *ring.Config) { c.Spec = spec })
	next := echo(t, path)
	consumersAre(t, r, 1)
	for seq := range uint64(20) {
		img := &preproc.Image{
			Spec: &spec, Width: 40, Height: 20, Data: r.Lend(), Sequence: seq, Timestamp: 123456789, Dequeued: 5, Verdict: preproc.BlownOut | preproc.Stale | 1<<30,
			Geometry: preproc.Geometry{XX: 2, XY: 1, X0: 0.5, YX: 3, YY: 4, Y0: 0.25}, CameraWidth: 320, CameraHeight: 240,
		}
		var sum float64
		for i := range len(img.Data) / 4 {
			v := float32(seq) + float32(i)/1024
			sum += float64(v)
			binary.LittleEndian.PutUint32(img.Data[4*i:], math.Float32bits(v))
		}
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if seq == 0 {
			connected(t, next)
		}
		var got map[string]any
		next(&got)
		want := fmt.Sprint(map[string]any{
			"sequence": float64(seq), "timestamp": float64(123456789), "dequeued": 5.0, "published": float64(img.Published),
			"length": float64(len(img.Data)), "verdict": float64(4 | 16 | 1<<30), "verdicts": "blown-out stale bit-30", "width": 40.0, "height": 20.0,
			"geometry": []any{2.0, 1.0, 0.5, 3.0, 4.0, 0.25}, "point": []any{40.5, 110.25}, "back": []any{10.0, 20.0},
			"corner": []any{100.5, 200.25}, "camera": []any{320.0, 240.0},
			"first": float64(seq), "last": float64(float32(seq) + 2399./1024), "sum": sum,
			"shape": []any{3.0, 20.0, 40.0}, "dtype": "float32", "writeable": false, "valid": true,
		})
		if fmt.Sprint(got) != want {
			t.Fatalf("\n got %v\nwant %v", got, want)
		}
	}
}

// connected reads the line that the reader prints of a new connection.
func connected(t *testing.T, next func(any)) {
	t.Helper()
	var description struct{ Camera, Output string }
	if next(&description); description.Camera != "front" || description.Output != "model" {
		t.Errorf("%+v", description)
	}
}

// What a quantised model needs to know of its input is in the description.
func TestPythonReaderSeesQuantisedElements(t *testing.T) {
	spec := preproc.Spec{Name: "model", Width: 1, Height: 1, DType: preproc.Int8, Scale: 0.5, ZeroPoint: -3}
	r, path := open(t, func(c *ring.Config) { c.Spec = spec })
	next := echo(t, path)
	consumersAre(t, r, 1)
	img := &preproc.Image{Spec: &spec, Width: 1, Height: 1, Data: r.Lend(), Geometry: preproc.Geometry{XX: 1, YY: 1}}
	copy(img.Data, []byte{0x80, 0, 0x7f})
	if err := r.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	var description struct {
		DType     string
		Scale     float64
		ZeroPoint int `json:"zero_point"`
	}
	if next(&description); description.DType != "int8" || description.Scale != 0.5 || description.ZeroPoint != -3 {
		t.Errorf("%+v", description)
	}
	var frame struct{ First, Last float64 }
	if next(&frame); frame.First != -128 || frame.Last != 127 {
		t.Errorf("%+v", frame)
	}
}

func TestPythonReaderConnectsAgain(t *testing.T) {
	r, path := open(t, nil)
	next := echo(t, path)
	for sequence := range uint64(3) {
		consumersAre(t, r, 1)
		publish(t, r, &pixels, sequence)
		connected(t, next)
		var frame struct{ Sequence uint64 }
		if next(&frame); frame.Sequence != sequence {
			t.Errorf("frame %d, want %d", frame.Sequence, sequence)
		}
		r.Close()
		r, _ = open(t, func(c *ring.Config) { c.Socket = path })
	}
}
