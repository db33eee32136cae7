package spool

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/spool/spooltest"
)

func besides(path string, keep int64) *Directory {
	return New(Config{Path: path, Keep: keep, Beside: ".json", Own: func(name string) (string, bool) {
		return name, len(name) == 3 && strings.HasSuffix(name, ".n")
	}})
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func write(t *testing.T, d *Directory, name, beside, text string) {
	t.Helper()
	f := File{Name: name, Parts: [][]byte{[]byte(text)}}
	if beside != "" {
		f.Beside = []byte(beside)
	}
	if err := d.Write(f); err != nil {
		t.Fatal(err)
	}
}

// What lies beside a file counts, goes with it, and does not stay alone.
func TestWhatLiesBesideGoesWithItsFile(t *testing.T) {
	dir := t.TempDir()
	d := besides(dir, 20)
	write(t, d, "a.n", "12345", "12345")
	write(t, d, "b.n", "", "1234")
	write(t, d, "c.n", "12", "123")
	if d.Bytes() != 19 || d.Files() != 3 {
		t.Errorf("%d bytes of %d files", d.Bytes(), d.Files())
	}
	write(t, d, "d.n", "1", "1")
	if got, want := names(t, dir), []string{"b.n", "c.n", "c.n.json", "d.n", "d.n.json"}; !slices.Equal(got, want) || d.Bytes() != 11 {
		t.Errorf("left are %q, want %q; %d bytes", got, want, d.Bytes())
	}
	// A process that died left one alone and two half written; others are not ours.
	for _, name := range []string{"e.n.json", ".tmp-f.n", ".tmp-f.n.json", "mine.json", "g.json", ".tmp-mine.json"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := besides(dir, 20)
	if err := again.Open(); err != nil || again.Files() != 3 || again.Bytes() != 11 {
		t.Errorf("%d bytes of %d files, %v", again.Bytes(), again.Files(), err)
	}
	want := []string{".tmp-mine.json", "b.n", "c.n", "c.n.json", "d.n", "d.n.json", "g.json", "mine.json"}
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("left are %q, want %q", got, want)
	}
}

// When there is no room for the second of the two, neither is there.
func TestNoRoomForWhatLiesBeside(t *testing.T) {
	dir := spooltest.Small(t)
	d := besides(dir, 1<<20)
	err := d.Write(File{Name: "a.n", Parts: [][]byte{make([]byte, 200<<10)}, Beside: make([]byte, 100<<10)})
	if !NoRoom(err) || len(names(t, dir)) != 0 || d.Files() != 0 || d.Bytes() != 0 {
		t.Errorf("%v; left are %q, %d files", err, names(t, dir), d.Files())
	}
}

// A link is no file of ours, and nothing is written or deleted through one. That
// of the directory is its owner's.
func TestLinksAreNotFollowed(t *testing.T) {
	elsewhere := t.TempDir()
	target := filepath.Join(elsewhere, "target")
	if err := os.WriteFile(target, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(elsewhere, "real")
	dir := filepath.Join(t.TempDir(), "link")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a.n", "b.n", "b.n.json", ".tmp-c.n"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	d := besides(dir, 100)
	if err := d.Open(); err != nil || d.Files() != 0 {
		t.Errorf("%d files, %v", d.Files(), err)
	}
	write(t, d, "b.n", "{}", "new") // in their places
	if err := d.Write(File{Name: "c.n", Parts: [][]byte{[]byte("new")}}); err == nil {
		t.Error("written through a link")
	}
	text, err := os.ReadFile(target)
	if err != nil || string(text) != "precious" {
		t.Errorf("%q, %v", text, err)
	}
	if got, want := names(t, real), []string{"a.n", "b.n", "b.n.json"}; !slices.Equal(got, want) || d.Bytes() != 5 {
		t.Errorf("left are %q, want %q", got, want)
	}
	if info, err := os.Lstat(filepath.Join(real, "b.n")); err != nil || !info.Mode().IsRegular() {
		t.Errorf("%v, %v", info, err)
	}
}

// A disk that is mounted over the directory has other files, and is taken stock of.
func TestAnotherDiskIsTakenStockOf(t *testing.T) {
	parent := spooltest.Small(t)
	dir := filepath.Join(parent, "dir")
	d := besides(dir, 10)
	write(t, d, "a.n", "", "12345")
	if err := os.Rename(dir, filepath.Join(parent, "pulled")); err != nil {
		t.Fatal(err)
	}
	write(t, d, "b.n", "", "123456")
	if d.Files() != 1 || d.Bytes() != 6 {
		t.Errorf("%d files of %d bytes", d.Files(), d.Bytes())
	}
	if err := os.Rename(dir, filepath.Join(parent, "other")); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(parent, "pulled"), dir); err != nil {
		t.Fatal(err)
	}
	write(t, d, "c.n", "", "12345")
	if got := names(t, dir); !slices.Equal(got, []string{"a.n", "c.n"}) || d.Bytes() != 10 {
		t.Errorf("left are %q", got)
	}
}
