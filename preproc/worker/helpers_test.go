package worker

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// grey is a small raw frame, of which every pixel is its sequence.
func grey(sequence uint64) *capture.Frame {
	const width, height = 64, 48
	f := &capture.Frame{Sequence: sequence, Timestamp: 5, Dequeued: 6, Format: capture.Format{
		PixelFormat: capture.GREY, Width: width, Height: height, Stride: [capture.MaxPlanes]int{width},
		Range: capture.Full,
	}}
	f.Planes[0] = make([]byte, width*height)
	for i := range f.Planes[0] {
		f.Planes[0][i] = byte(sequence)
	}
	return f
}

var small = preproc.Spec{Name: "small", Width: 32, Height: 24, Color: preproc.Gray}

// rig is a processor with its image and the replacements it told of.
type rig struct {
	*Processor
	images []*preproc.Image
	gone   []Replacement

	borrowed int // the newest descriptor of memory that was shared
}

// open makes a processor that misbehaves as its name says.
func open(t testing.TB, name string, change func(*Config)) *rig {
	t.Helper()
	r := &rig{}
	cfg := Config{Name: name, Specs: []preproc.Spec{small}, Deadline: 5 * time.Second, Burst: 1000,
		Replaced: func(gone Replacement) { r.gone = append(r.gone, gone) }}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	r.Processor = p
	for i := range cfg.Specs {
		s := &cfg.Specs[i]
		width, height, err := preproc.OutputSize(cfg.View, s, capture.Format{Width: 1920, Height: 1080})
		if err != nil {
			t.Fatal(err)
		}
		r.images = append(r.images, &preproc.Image{Data: make([]byte, s.MaxBytes(width, height))})
	}
	return r
}

// good processes a frame, which must succeed and come out with its pixels.
func (r *rig) good(t testing.TB, sequence uint64) {
	t.Helper()
	if _, err := r.Process(t.Context(), grey(sequence), r.images); err != nil {
		t.Fatal(err)
	}
	if img := r.images[0]; len(img.Data) != 32*24 || img.Data[0] != byte(sequence) || img.Sequence != sequence {
		t.Fatalf("frame %d: %d bytes, the first is %d, sequence %d", sequence, len(img.Data), img.Data[0], img.Sequence)
	}
}

// bad processes a frame, which must fail for that reason.
func (r *rig) bad(t testing.TB, sequence uint64, want preproc.Reason) *preproc.Error {
	t.Helper()
	_, err := r.Process(t.Context(), grey(sequence), r.images)
	e, ok := errors.AsType[*preproc.Error](err)
	if !ok || e.Reason != want {
		t.Fatalf("frame %d: %v; want %v", sequence, err, want)
	}
	return e
}

// descriptors are what this process has open, but for the runtime's poller,
// which comes when it likes.
func descriptors(t testing.TB) (open []string) {
	t.Helper()
	paths, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if target, err := os.Readlink(path); err == nil && !strings.HasPrefix(target, "anon_inode:[event") {
			open = append(open, target)
		}
	}
	return open
}
