package v4l2

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

func TestCloseKeepsTheMemoryOfLoansUntilTheLastReturn(t *testing.T) {
	before := descriptors(t)
	k := newKernel(t, capture.GREY)
	own := descriptors(t) - before
	s := k.mustOpen(Config{})
	k.emit(picture64)
	k.emit(picture64)
	a, b := mustRead(t, s), mustRead(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if k.mapped != 2 || !k.closed || k.streaming || k.requested != 0 {
		t.Errorf("after close: %d mapped, closed %v, streaming %v, %d buffers requested", k.mapped, k.closed, k.streaming, k.requested)
	}
	if !bytes.Equal(a.Planes[0], picture64) || !bytes.Equal(b.Planes[0], picture64) {
		t.Error("a frame on loan changed")
	}
	a.Release()
	if k.mapped != 1 {
		t.Errorf("%d mapped after one of two returns", k.mapped)
	}
	b.Release()
	if k.mapped != 0 {
		t.Errorf("%d mapped after the last return", k.mapped)
	}
	if now := descriptors(t) - before - own; now != 0 {
		t.Errorf("%d descriptors leaked", now)
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if _, err := s.Read(t.Context()); err == nil {
		t.Error("read after close")
	}
}

func TestAReturnThatTheDriverRefusesIsTriedAgain(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	k.emit(picture64)
	f := mustRead(t, s)
	k.set(func() { k.fail[vidiocQbuf] = []unix.Errno{unix.EINVAL} })
	f.Release()
	if len(k.queued) != 3 {
		t.Fatalf("%d queued", len(k.queued))
	}
	k.emit(picture64)
	mustRead(t, s).Release()
	if len(k.queued) != 4 {
		t.Errorf("%d of 4 buffers are with the driver", len(k.queued))
	}

	k.emit(picture64)
	f = mustRead(t, s)
	k.set(func() { k.always[vidiocQbuf] = unix.ENODEV })
	f.Release()
	if _, err := s.Read(t.Context()); !errors.Is(err, capture.ErrGone) {
		t.Errorf("read when QBUF fails for ever: %v", err)
	}
}

func TestReadAndReleaseAllocateNothing(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := testing.AllocsPerRun(1000, func() {
		k.refill()
		f, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		f.Release()
	})
	if n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

func TestReturnsFromAnyGoroutine(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{StallAfter: 10 * time.Second})
	frames := make(chan *capture.Frame, 2)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for f := range frames {
				if f.Planes[0][0] != 77 {
					t.Error("wrong pixels")
				}
				f.Release()
			}
		})
	}
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				k.emit(picture64)
			}
		}
	})
	next, lost := uint64(0), uint64(0)
	for i := range 2000 {
		f := mustRead(t, s)
		if i > 0 && f.Sequence != next+f.Lost {
			t.Errorf("sequence %d with %d lost, want %d", f.Sequence, f.Lost, next)
		}
		next, lost = f.Sequence+1, lost+f.Lost
		frames <- f
	}
	close(stop)
	if err := s.Close(); err != nil { // while frames are being returned
		t.Error(err)
	}
	close(frames)
	wg.Wait()
	if k.mapped != 0 {
		t.Errorf("%d mapped at the end", k.mapped)
	}
}
