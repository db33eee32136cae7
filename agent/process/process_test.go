package process

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"image/jpeg"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
)

const stills = "../../testdata/jpeg/"

// camera is the camera of a config file; text is all of it but the device.
func camera(t *testing.T, text string) config.Camera {
	t.Helper()
	c, err := config.Parse("test.yaml", []byte("cameras: {front: {device: {serial: S1}, "+text+"}}"))
	if err != nil {
		t.Fatal(err)
	}
	return c.Cameras[0]
}

// process runs o, into a directory of the test unless it names one, and
// returns the lines.
func process(t *testing.T, o Options) ([]Result, error) {
	t.Helper()
	var lines bytes.Buffer
	o.Stdout = &lines
	if o.Out == "" {
		o.Out = t.TempDir()
	}
	err := Run(t.Context(), o)
	var results []Result
	for d := json.NewDecoder(&lines); d.More(); {
		var r Result
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results, err
}

// verdicts is what a run made of its frames, in short.
func verdicts(results []Result) string {
	var words []string
	for _, r := range results {
		word := r.Verdict
		if r.Reason != "" {
			word += ":" + r.Reason
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func write(t *testing.T, path string, data []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pixels is the data of an .npy file of format version 1.0.
func pixels(t *testing.T, path string) []byte {
	t.Helper()
	data := read(t, path)
	if !bytes.HasPrefix(data, []byte("\x93NUMPY\x01\x00")) {
		t.Fatalf("%s is no .npy file: % x", path, data[:min(len(data), 8)])
	}
	return data[10+int(binary.LittleEndian.Uint16(data[8:])):]
}

// An RGB frame at its own size must come out as it went in.
func TestRawFramesComeOutAsTheirTensors(t *testing.T) {
	const w, h = 8, 4
	var raw [2 * w * h * 3]byte
	for i := range raw {
		raw[i] = byte(i * 5)
	}
	front := camera(t, "mode: {format: RGB3, size: 8x4}, outputs: {same: {}}")
	input := write(t, filepath.Join(t.TempDir(), "two.raw"), raw[:])
	results, err := process(t, Options{Camera: front, Inputs: []string{input}})
	if err != nil || verdicts(results) != "good good" {
		t.Fatalf("%+v, %v", results, err)
	}
	for i, r := range results {
		want := raw[i*w*h*3:][:w*h*3]
		if got := pixels(t, r.File); !bytes.Equal(got, want) {
			t.Errorf("frame %d is % x, want % x", i, got, want)
		}
		if sum := sha256.Sum256(want); r.SHA256 != hex.EncodeToString(sum[:]) {
			t.Errorf("frame %d has sha256 %s", i, r.SHA256)
		}
		if r.Input != input || r.Index != uint64(i) || r.DType != "uint8" || !slices.Equal(r.Shape, []int{h, w, 3}) {
			t.Errorf("line %d is %+v", i, r)
		}
	}
}

func TestEveryOutputOfAFrameHasALine(t *testing.T) {
	front := camera(t, `outputs: {
		model: {size: 64x48, dtype: float32, layout: chw},
		preview: {size: 80x60, encode: jpeg}}`)
	results, err := process(t, Options{Camera: front, Inputs: []string{stills + "422.jpg"}})
	if err != nil || len(results) != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	if r := results[0]; r.Output != "model" || r.DType != "float32" || !slices.Equal(r.Shape, []int{3, 48, 64}) {
		t.Errorf("%+v", r)
	}
	if n := len(pixels(t, results[0].File)); n != 4*3*48*64 {
		t.Errorf("the tensor has %d bytes", n)
	}
	if r := results[1]; r.Output != "preview" || r.DType != "jpeg" || !slices.Equal(r.Shape, []int{60, 80, 3}) {
		t.Errorf("%+v", r)
	}
	file := read(t, results[1].File)
	picture, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil || picture.Bounds().Dx() != 80 || picture.Bounds().Dy() != 60 {
		t.Errorf("the preview is %v, %v", picture.Bounds(), err)
	}
	if sum := sha256.Sum256(file); results[1].SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("the preview has sha256 %s", results[1].SHA256)
	}

	results, err = process(t, Options{Camera: front, Output: "preview", Inputs: []string{stills + "422.jpg"}})
	if err != nil || len(results) != 1 || results[0].Output != "preview" {
		t.Errorf("the preview alone: %+v, %v", results, err)
	}
}

func TestMissingInputDoesNotStopTheOthers(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.jpg")
	unknown := write(t, filepath.Join(t.TempDir(), "unknown.bin"), []byte("what is this"))
	results, err := process(t, Options{
		Camera: camera(t, "outputs: {a: {size: 32x32}}"),
		Inputs: []string{missing, unknown, stills + "422.jpg"},
	})
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), unknown) {
		t.Errorf("error %v, want one that names both", err)
	}
	if verdicts(results) != "good" {
		t.Errorf("verdicts %s", verdicts(results))
	}
}

// remover deletes a directory as soon as something is written to it.
type remover struct{ dir string }

func (r remover) Write(p []byte) (int, error) { return len(p), os.RemoveAll(r.dir) }

func TestImageThatCannotBeWrittenEndsTheRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	err := Run(t.Context(), Options{
		Camera: camera(t, "outputs: {a: {size: 32x32}}"), Out: out, Stdout: remover{out},
		Inputs: []string{stills + "stream-160x120.mjpg", "never-opened.jpg"},
	})
	if _, ok := errors.AsType[*writeError](err); !ok || strings.Contains(err.Error(), "never-opened") {
		t.Errorf("error %v, want that of the image alone", err)
	}
}

func TestNothingHalfWrittenIsLeft(t *testing.T) {
	out := t.TempDir()
	inTheWay := write(t, filepath.Join(out, "422-000000-a.npy", "file"), nil)
	_, err := process(t, Options{Camera: camera(t, "outputs: {a: {size: 32x32}}"), Out: out, Inputs: []string{stills + "422.jpg"}})
	if _, ok := errors.AsType[*writeError](err); !ok {
		t.Errorf("error %v, want that of %s being in the way", err, inTheWay)
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
		t.Errorf("left are %v, %v", entries, err)
	}
}

func TestOutputThatIsNotThere(t *testing.T) {
	_, err := process(t, Options{Camera: camera(t, "outputs: {a: {}, b: {}}"), Output: "c"})
	if want := `camera front has no output "c"; it has a, b`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Run(ctx, Options{
		Camera: camera(t, "outputs: {a: {}}"), Out: t.TempDir(), Stdout: io.Discard,
		Inputs: []string{stills + "422.jpg", stills + "420.jpg"},
	})
	if !errors.Is(err, context.Canceled) || strings.Count(err.Error(), "canceled") != 1 {
		t.Errorf("error %v, want one context.Canceled", err)
	}
}

// A run that was killed in mid-file leaves nothing behind once it is repeated.
func TestRepeatedRunTakesUpWhatAKilledOneLeft(t *testing.T) {
	out := t.TempDir()
	write(t, filepath.Join(out, ".tmp-422-000000-a.npy"), make([]byte, 1<<20))
	for range 2 {
		results, err := process(t, Options{Camera: camera(t, "outputs: {a: {}}"), Inputs: []string{stills + "422.jpg"}, Out: out})
		if err != nil || len(results) != 1 {
			t.Fatalf("%+v, %v", results, err)
		}
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 || entries[0].Name() != "422-000000-a.npy" {
		t.Errorf("%v, %v", entries, err)
	}
}
