package process

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// Stills of a directory differ in size, sampling and health; each is judged
// for itself.
func TestDirectoryOfStills(t *testing.T) {
	dir := t.TempDir()
	good := read(t, stills+"422.jpg")
	write(t, filepath.Join(dir, "1.jpg"), good)
	write(t, filepath.Join(dir, "2.jpg"), good[:len(good)/2])
	write(t, filepath.Join(dir, "3.jpg"), nil)
	write(t, filepath.Join(dir, "4.jpg"), []byte("no picture at all"))
	write(t, filepath.Join(dir, "5.jpg"), read(t, stills+"422-720p.jpg"))
	write(t, filepath.Join(dir, "6.jpg"), read(t, stills+"gray.jpg"))
	write(t, filepath.Join(dir, ".hidden"), good)
	out := t.TempDir()
	results, err := process(t, Options{Camera: camera(t, "outputs: {whole: {}}"), Inputs: []string{dir}, Out: out})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := verdicts(results), "good dropped:corrupt dropped:short dropped:corrupt good good"; got != want {
		t.Errorf("verdicts %s, want %s", got, want)
	}
	if last := results[len(results)-2]; !slices.Equal(last.Shape, []int{720, 1280, 3}) {
		t.Errorf("shape %v", last.Shape)
	}
	entries, err := os.ReadDir(out)
	if err != nil || len(entries) != 3 {
		t.Errorf("the directory of images has %v, %v; want three files", entries, err)
	}
}

func TestStreamFromStandardInput(t *testing.T) {
	stream := bytes.NewReader(read(t, stills+"stream-160x120.mjpg"))
	results, err := process(t, Options{Camera: camera(t, "outputs: {a: {size: 32x32}}"), Inputs: []string{"-"}, Stdin: stream})
	if err != nil || len(results) != 8 {
		t.Fatalf("%d lines, %v; want 8", len(results), err)
	}
	sums := map[string]bool{}
	for i, r := range results {
		sums[r.SHA256] = true
		if r.Verdict != "good" || r.Index != uint64(i) || !strings.HasPrefix(filepath.Base(r.File), "stdin-00000") {
			t.Errorf("line %d is %+v", i, r)
		}
	}
	if len(sums) != 8 {
		t.Errorf("the moving scene has %d different frames of 8", len(sums))
	}
}

// A camera of raw frames must not make raw frames of what is something else.
func TestModeIsForInputsWithoutAGeometry(t *testing.T) {
	dir := t.TempDir()
	y4m := write(t, filepath.Join(dir, "clip"), slices.Concat([]byte("YUV4MPEG2 W4 H2 F25:1 Cmono\nFRAME\n"), make([]byte, 8)))
	junk := write(t, filepath.Join(dir, "junk.jpg"), bytes.Repeat([]byte{7}, 100))
	raw := write(t, filepath.Join(dir, "raw"), make([]byte, 4*2+3))
	front := camera(t, "mode: {format: GREY, size: 4x2}, outputs: {a: {}}")
	results, err := process(t, Options{Camera: front, Inputs: []string{stills + "422.jpg", y4m, junk, raw}})
	if got, want := verdicts(results), "good black dropped:corrupt black dropped:short"; err != nil || got != want {
		t.Errorf("verdicts %s, %v, want %s", got, err, want)
	}
}

// Verdicts are the daemon's, with the recording's time: 30 frames are a second.
func TestRecordingIsJudgedByItsOwnTime(t *testing.T) {
	front := camera(t, "mode: {format: GREY, size: 8x8}, quality: {frozen-after: 2s, blur-below: 9}, outputs: {a: {}}")
	same := write(t, filepath.Join(t.TempDir(), "same"), bytes.Repeat([]byte{90, 100}, 32*70))
	dark := write(t, filepath.Join(t.TempDir(), "dark"), bytes.Repeat([]byte{3}, 64))
	results, err := process(t, Options{Camera: front, Inputs: []string{same, dark}})
	if err != nil || len(results) != 71 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	for i, r := range results[:70] {
		want := "good"
		if i >= 61 { // the content is known from the second frame on
			want = "frozen"
		}
		if r.Verdict != want {
			t.Errorf("frame %d is %s, want %s", i, r.Verdict, want)
		}
	}
	last := results[70]
	if last.Verdict != "black" || last.Sharpness == nil || *last.Sharpness != 0 || !slices.Equal(last.Luma, []float32{3, 3, 3}) {
		t.Errorf("%+v", last)
	}
}

func TestInputsOfOneNameKeepTheirImages(t *testing.T) {
	dir := t.TempDir()
	a := write(t, filepath.Join(dir, "a", "1.jpg"), read(t, stills+"422.jpg"))
	b := write(t, filepath.Join(dir, "b", "1.jpg"), read(t, stills+"gray.jpg"))
	results, err := process(t, Options{Camera: camera(t, "outputs: {x: {size: 32x32}}"), Inputs: []string{a, b}})
	if err != nil || len(results) != 2 || results[0].File == results[1].File {
		t.Fatalf("%+v, %v", results, err)
	}
	if bytes.Equal(read(t, results[0].File), read(t, results[1].File)) {
		t.Error("both images are the same")
	}
}

// A header may claim any size; nothing may be allocated for it.
func TestHugeClaimIsRefused(t *testing.T) {
	data := slices.Clone(read(t, stills+"422.jpg"))
	sof := bytes.Index(data, []byte{0xff, 0xc0})
	copy(data[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	input := write(t, filepath.Join(t.TempDir(), "huge.jpg"), data)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	results, err := process(t, Options{Camera: camera(t, "outputs: {a: {}}"), Inputs: []string{input}})
	runtime.ReadMemStats(&after)
	if err != nil || verdicts(results) != "dropped:geometry" {
		t.Errorf("%+v, %v", results, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// Nobody types, and yet Ctrl-C must end the run.
func TestSilentStandardInputDoesNotHoldTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		silent, keyboard := io.Pipe()
		defer keyboard.Close()
		ctx, cancel := context.WithCancel(t.Context())
		var err error
		go func() {
			err = Run(ctx, Options{
				Camera: camera(t, "outputs: {a: {}}"), Out: t.TempDir(), Stdout: io.Discard, Inputs: []string{"-"}, Stdin: silent,
			})
		}()
		synctest.Wait()
		if err != nil {
			t.Fatal("the run did not wait for input:", err)
		}
		cancel()
		synctest.Wait()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want context.Canceled", err)
		}
	})
}
