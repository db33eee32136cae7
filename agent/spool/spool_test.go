package spool_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/spool"
)

// numbers are the names of this test: a letter and an age.
func numbers(name string) (age string, ours bool) {
	age, ours = strings.CutSuffix(name, ".n")
	return age[min(1, len(age)):], ours && len(name) == 4
}

// Nothing is touched before Open; Open changes nothing when it is done again.
func TestOpenTakesStockOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	d := spool.New(spool.Config{Path: dir, Keep: 10, Own: numbers})
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("made by New: %v", err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"b3.n", "a1.n", "c2.n", ".tmp-d4.n", ".tmp-mine", "mine"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("12345"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, name), time.Time{}, time.Unix(1e9, 0)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := d.Open(); err != nil {
			t.Fatal(err)
		}
		if names := d.Names(); !slices.Equal(names, []string{"c2.n", "b3.n"}) || d.Files() != 2 || d.Bytes() != 10 {
			t.Errorf("kept %q, %d bytes", names, d.Bytes())
		}
	}
	var left []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if want := []string{".tmp-mine", "b3.n", "c2.n", "mine"}; err != nil || !slices.Equal(left, want) {
		t.Errorf("left %q, %v, want %q", left, err, want)
	}
}

func TestSameNameTakesThePlace(t *testing.T) {
	d := spool.New(spool.Config{Path: t.TempDir(), Keep: 100, Own: numbers})
	for _, text := range []string{"first", "the second"} {
		if err := d.Write(spool.File{Name: "a1.n", Parts: [][]byte{[]byte(text[:3]), []byte(text[3:])}}); err != nil {
			t.Fatal(err)
		}
	}
	if d.Files() != 1 || d.Bytes() != int64(len("the second")) {
		t.Errorf("%d files of %d bytes", d.Files(), d.Bytes())
	}
}

func TestForeignNameIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	if err := spool.New(spool.Config{Path: dir, Keep: 100, Own: numbers}).Write(spool.File{Name: "../a1.n"}); err == nil {
		t.Error("written")
	}
	if err := spool.New(spool.Config{Path: dir, Keep: 2, Own: numbers}).Write(spool.File{Name: "a1.n", Parts: [][]byte{[]byte("123")}}); !errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("left %v, %v", entries, err)
	}
}
