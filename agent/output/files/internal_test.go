package files

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/preproc"
)

// hung is a Files whose disk never answers: nobody takes its work.
func hung() *Files {
	spec := preproc.Spec{Width: 64, Height: 48, DType: preproc.Float32}
	f := &Files{
		dir:  spool.New(spool.Config{}),
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

// A disk that keeps up with half of the images only is told of, and that it keeps
// up again; one image that had to wait is nothing. Neither is told of for each image.
func TestDiskThatDoesNotKeepUpIsAState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := hung()
		defer f.Close()
		defer close(f.done)
		img := &preproc.Image{Width: 64, Height: 48, Data: make([]byte, 64*48*3*4)}
		was, told := error(nil), ""
		for second := range 100 {
			for i := range 10 {
				if err := f.Write(t.Context(), img); err != nil {
					t.Fatal(err)
				}
				// It takes one in five at first, then all of them but a few, then all.
				if second < 30 && i%5 == 0 || second >= 30 && (i > 0 || second > 50) {
					select {
					case j := <-f.work:
						f.free <- j
					default:
					}
				}
				time.Sleep(100 * time.Millisecond)
				if err := f.Err(); err != was {
					told += fmt.Sprintf("%d s: %v. ", second, err)
					was = err
				}
			}
		}
		if !strings.HasPrefix(told, "10 s: the disk is slower") || strings.Count(told, ". ") != 2 || was != nil {
			t.Error(told)
		}
		f.begin()
		time.Sleep(silence + time.Second)
		if err := f.Err(); err != errHung || f.Report().Err != errHung {
			t.Error(err)
		}
		f.count(nil)
		if err := f.Err(); err != nil {
			t.Error(err)
		}
	})
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
