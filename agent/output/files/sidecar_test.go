package files_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

func TestSidecarTellsWhatIsKnownOfItsImage(t *testing.T) {
	dir := t.TempDir()
	spec := preproc.Spec{Name: "model", Width: 2, Height: 1, DType: preproc.Float16}
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC of 2000-01-01
		f, err := files.New(files.Config{Dir: dir, Keep: 1 << 20, Sidecar: true, Camera: "front", Spec: spec})
		if err != nil {
			t.Fatal(err)
		}
		for i := range uint64(2) {
			time.Sleep(time.Hour)
			img := &preproc.Image{
				Width: 2, Height: 1, Sequence: 41 + i, Timestamp: capture.Monotonic(), Published: capture.Monotonic() + 7*time.Millisecond,
				Data: []byte("123456789012"), Verdict: preproc.Black, Geometry: preproc.Geometry{XX: 2, YY: 2}, CameraWidth: 4, CameraHeight: 2,
			}
			if err := f.Write(t.Context(), img); err != nil {
				t.Fatal(err)
			}
		}
		if s := closed(t, f); s.Written != 2 || s.Files != 2 {
			t.Errorf("%+v", s)
		}
	})
	const name = "front-model-20000101T020000.000000Z-00000042.npy"
	text, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		names, _ := list(t, dir)
		t.Fatal(err, names)
	}
	file, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	sum := sha256.Sum256([]byte("123456789012"))
	for key, want := range map[string]any{
		"camera": "front", "output": "model", "sequence": 42.0, "captured": "2000-01-01T02:00:00.000000Z", "age_us": 7000.0, "verdict": "black",
		"dtype": "float16", "layout": "hwc", "file": name, "bytes": float64(len(file)), "sha256": hex.EncodeToString(sum[:]),
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	if _, ok := got["timestamp_ns"]; !ok || !strings.Contains(string(text), `"shape":[1,2,3]`) || !strings.Contains(string(text), `"geometry":[2,0,0,0,2,0]`) {
		t.Errorf("%s", text)
	}
}

// Only images with a verdict against them are kept, and wanted.
func TestOddImagesAloneAreKept(t *testing.T) {
	dir := t.TempDir()
	f, err := files.New(files.Config{Dir: dir, Keep: 1 << 20, Odd: true, Camera: "front", Spec: jpeg})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range []preproc.Verdict{preproc.Good, preproc.Black, preproc.Good, preproc.Frozen | preproc.Stale} {
		img := &preproc.Image{Width: 640, Height: 480, Sequence: uint64(i), Timestamp: capture.Monotonic(), Data: []byte("picture"), Verdict: v}
		if err := f.Write(t.Context(), img); (err == output.ErrUnwanted) != (v == preproc.Good) {
			t.Errorf("image with verdict %v: %v", v, err)
		}
	}
	if s := closed(t, f); s.Written != 2 || s.Dropped != (files.Dropped{}) {
		t.Errorf("%+v", s)
	}
	if names, _ := list(t, dir); len(names) != 2 || !strings.HasSuffix(names[0], "-00000001.jpg") || !strings.HasSuffix(names[1], "-00000003.jpg") {
		t.Errorf("%q", names)
	}
}
