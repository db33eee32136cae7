package files_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

var jpeg = preproc.Spec{Name: "archive", Encode: preproc.JPEG, Width: 640, Height: 480}

func open(t *testing.T, dir string, keep int64) *files.Files {
	t.Helper()
	f, err := files.New(files.Config{Dir: dir, Keep: keep, Camera: "front", Output: "archive", Spec: jpeg})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// write hands on an image captured now, and waits until the writer is done
// with it. It is for bubbles of synctest.
func write(t *testing.T, f *files.Files, sequence uint64, data []byte) {
	t.Helper()
	img := &preproc.Image{Width: 640, Height: 480, Sequence: sequence, Timestamp: capture.Monotonic(), Data: data}
	if err := f.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

func closed(t *testing.T, f *files.Files) files.Stats {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Stats()
}

func list(t *testing.T, dir string) (names []string, bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name())
		bytes += info.Size()
	}
	return names, bytes
}

func TestNameTellsCameraOutputTimeAndSequence(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "you")
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC of 2000-01-01
		f := open(t, dir, 1<<20)
		time.Sleep(8*time.Hour + 123456*time.Microsecond)
		img := &preproc.Image{Width: 640, Height: 480, Sequence: 42, Timestamp: capture.Monotonic(), Data: []byte("picture")}
		time.Sleep(time.Hour) // what counts is when it was captured
		if err := f.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		img.Data[0] = 'X' // the image was only borrowed
		closed(t, f)
	})
	names, _ := list(t, dir)
	if want := "front-archive-20000101T080000.123456Z-00000042.jpg"; len(names) != 1 || names[0] != want {
		t.Fatalf("%q, want %q", names, want)
	}
	if got, err := os.ReadFile(filepath.Join(dir, names[0])); err != nil || string(got) != "picture" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestOldestGiveWayAndForeignFilesStay(t *testing.T) {
	dir := t.TempDir()
	foreign := []string{
		"front-archive-notes.txt", "front-archive-20000101T000000.000000Z-00000001.png",
		"rear-archive-20000101T000000.000000Z-00000001.jpg", "front-archive-2-20000101T000000.000000Z-00000001.jpg",
		".tmp-front-archive-mine", ".tmp-rear-archive-20000101T000000.000000Z-00000001.jpg",
	}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 5999)
		for i := range uint64(100) {
			time.Sleep(time.Second)
			write(t, f, i, bytes.Repeat([]byte{byte(i)}, 1000))
			if _, n := list(t, dir); n > 5999 || n != f.Stats().BytesKept {
				t.Fatalf("%d bytes kept, stats say %+v", n, f.Stats())
			}
		}
		if s := closed(t, f); s.Written != 100 || s.Files != 5 || s.Dropped != (files.Dropped{}) || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	})
	names, _ := list(t, dir)
	for _, name := range foreign {
		if !slices.Contains(names, name) {
			t.Errorf("%s was deleted", name)
		}
	}
	pictures := slices.DeleteFunc(names, func(s string) bool { return slices.Contains(foreign, s) })
	if len(pictures) != 5 || !strings.HasSuffix(pictures[0], "-00000095.jpg") || !strings.HasSuffix(pictures[4], "-00000099.jpg") {
		t.Errorf("left: %q", pictures)
	}
}

func TestNextRunTakesStock(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		name := fmt.Sprintf("front-archive-20000101T00000%d.000000Z-%08d.jpg", i, i)
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	half := filepath.Join(dir, ".tmp-front-archive-20000101T000009.000000Z-00000009.jpg")
	if err := os.WriteFile(half, make([]byte, 300), 0o600); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, 3000) // less than the run before had
	if s := closed(t, f); s.Files != 3 || s.BytesKept != 3000 {
		t.Errorf("%+v", s)
	}
	if names, n := list(t, dir); len(names) != 3 || n != 3000 || !strings.HasSuffix(names[0], "-00000007.jpg") {
		t.Errorf("left: %q", names)
	}
}

func TestSlowDiskDropsAndCounts(t *testing.T) {
	f := open(t, t.TempDir(), 1<<30)
	img := &preproc.Image{Width: 640, Height: 480, Data: make([]byte, 100_000)}
	for i := range uint64(500) {
		img.Sequence, img.Timestamp = i, capture.Monotonic()
		if err := f.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
	}
	s := closed(t, f)
	if s.Written+s.Dropped.Busy != 500 || s.Dropped.Busy == 0 || s.Written != uint64(s.Files) {
		t.Errorf("%+v", s)
	}
}

func TestImageLargerThanAllThatIsKeptIsDropped(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1000)
		write(t, f, 1, make([]byte, 900))
		write(t, f, 2, make([]byte, 1001))
		if s := f.Stats(); s.Dropped.TooLarge != 1 || s.Files != 1 || f.Err() == nil {
			t.Errorf("%+v: the good file must not go for one that cannot be kept", s)
		}
		write(t, f, 3, make([]byte, 900))
		if s := closed(t, f); s.Written != 2 || s.Files != 1 || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestDeletedDirectoryIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<20)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		write(t, f, 1, []byte("kept"))
		if s := closed(t, f); s.Written != 1 || s.Files != 1 || s.Dropped != (files.Dropped{}) || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestConfigAndImageFaultsAreNamed(t *testing.T) {
	good := files.Config{Dir: t.TempDir(), Keep: 1, Camera: "front", Output: "archive", Spec: jpeg}
	for want, change := range map[string]func(*files.Config){
		"keep 0 bytes":  func(c *files.Config) { c.Keep = 0 },
		`name "a/b"`:    func(c *files.Config) { c.Camera = "a/b" },
		`name ""`:       func(c *files.Config) { c.Camera = "" },
		"image of 0x48": func(c *files.Config) { c.Spec.Width = 0 },
		"not a direc":   func(c *files.Config) { c.Dir = "/dev/null/x" },
	} {
		cfg := good
		change(&cfg)
		if _, err := files.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	f, err := files.New(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Write(t.Context(), &preproc.Image{Data: make([]byte, jpeg.MaxBytes(640, 480)+1)}); err == nil {
		t.Error("an image beyond MaxBytes was taken")
	}
	closed(t, f)
	if err := f.Write(t.Context(), &preproc.Image{}); err != files.ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}
