package files

import (
	"errors"
	"os"
	"testing"
	"testing/synctest"

	"github.com/edge-agent/agent/preproc"
)

// hung is a Files whose disk never answers: nobody takes its work.
func hung() *Files {
	spec := preproc.Spec{Width: 64, Height: 48, DType: preproc.Float32}
	f := &Files{
		cfg:  Config{Spec: spec, MaxBytes: 64 * 48 * 3 * 4},
		free: make(chan *job, queueLength), work: make(chan *job, queueLength), done: make(chan struct{}),
	}
	for range queueLength {
		f.free <- &job{bytes: make([]byte, 0, npyHeaderBytes+f.cfg.MaxBytes)}
	}
	return f
}

func TestWriteAllocatesNothing(t *testing.T) {
	f := hung()
	img := &preproc.Image{Width: 64, Height: 48, Data: make([]byte, 64*48*3*4)}
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		if err := f.Write(ctx, img); err != nil {
			t.Fatal(err)
		}
		f.free <- <-f.work
	})
	if allocs != 0 {
		t.Errorf("%v allocations an image", allocs)
	}
}

func TestHungDiskBlocksNeitherWriteNorClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := hung()
		img := &preproc.Image{Width: 64, Height: 48, Data: make([]byte, 64*48*3*4)}
		for range 10 {
			if err := f.Write(t.Context(), img); err != nil {
				t.Fatal(err)
			}
		}
		if s := f.Stats(); s.Dropped.Busy != 10-queueLength {
			t.Errorf("%+v", s)
		}
		if err := f.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
	})
}
