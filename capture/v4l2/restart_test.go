package v4l2

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

func mustRestart(t *testing.T, s capture.Source) {
	t.Helper()
	if err := capture.RestarterOf(s).Restart(); err != nil {
		t.Fatal(err)
	}
}

// resume is what drivers do at STREAMON: their counter begins anew, and an
// error of the queue is forgotten.
func (k *kernel) resume() { k.sequence, k.revents = 0, 0; delete(k.always, vidiocDqbuf) }

func TestRestartAfterAnErrorOfTheQueue(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	for range 3 {
		k.emit(picture64)
		mustRead(t, s).Release()
	}
	k.emit(picture64)
	loan := mustRead(t, s)
	k.emit(picture64) // done, and never dequeued
	k.set(func() { k.always[vidiocDqbuf] = unix.EIO })
	k.raise(unix.POLLERR)
	if _, err := s.Read(t.Context()); !errors.Is(err, capture.ErrStream) {
		t.Fatalf("got %v", err)
	}
	k.set(func() { k.hang = map[uintptr]func(){vidiocStreamon: func() { k.set(k.resume) }} })
	mustRestart(t, s)
	if !k.streaming || len(k.queued) != DefaultBuffers-1 {
		t.Errorf("streaming %v with %d of %d buffers, one on loan", k.streaming, len(k.queued), DefaultBuffers)
	}
	loan.Release()
	k.emit(picture64)
	k.emit(picture64)
	for i := range uint64(2) {
		f := mustRead(t, s)
		if f.Sequence != loan.Sequence+1+i || f.Lost != 0 || f.Fault != capture.FaultNone {
			t.Errorf("frame %d after %d, %d lost, %v", f.Sequence, loan.Sequence, f.Lost, f.Fault)
		}
		f.Release()
	}
	if len(k.queued) != DefaultBuffers {
		t.Errorf("%d of %d buffers with the driver", len(k.queued), DefaultBuffers)
	}
}

// A frame that comes back while the driver stops is queued once, afterwards:
// the fake kernel fails the test at a second time.
func TestReturnsDuringARestart(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	k.emit(picture64)
	before := mustRead(t, s)
	k.emit(picture64)
	after := mustRead(t, s)
	k.set(func() {
		k.hang = map[uintptr]func(){vidiocStreamoff: func() { before.Release() }, vidiocStreamon: func() { after.Release() }}
	})
	mustRestart(t, s)
	k.set(func() { k.hang = nil })
	if len(k.queued) != DefaultBuffers {
		t.Errorf("%d of %d buffers with the driver", len(k.queued), DefaultBuffers)
	}
	for range 2 * DefaultBuffers {
		k.emit(picture64)
		mustRead(t, s).Release()
	}
}

func TestRestartOfAStalledCamera(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{StallAfter: time.Millisecond})
	if _, err := s.Read(t.Context()); !errors.Is(err, capture.ErrStalled) {
		t.Fatalf("got %v", err)
	}
	mustRestart(t, s)
	k.emit(picture64)
	if f := mustRead(t, s); f.Sequence != 0 {
		t.Errorf("the first frame has number %d", f.Sequence)
	} else {
		f.Release()
	}
}

func TestRestartThatFailsLeavesOnlyClose(t *testing.T) {
	for request, test := range map[uintptr]struct {
		errno unix.Errno
		want  error
		text  string
	}{
		vidiocStreamoff: {unix.EIO, unix.EIO, "restart /dev/null: stream off: "},
		vidiocQbuf:      {unix.ENODEV, capture.ErrGone, "restart /dev/null: queue buffer 0: "},
		vidiocStreamon:  {unix.ENOSPC, capture.ErrBandwidth, "restart /dev/null: stream on: "},
	} {
		before := descriptors(t)
		k := newKernel(t, capture.GREY)
		own := descriptors(t) - before
		s := k.mustOpen(Config{})
		k.set(func() { k.always[request] = test.errno })
		err := capture.RestarterOf(s).Restart()
		if !errors.Is(err, test.want) || !strings.HasPrefix(err.Error(), test.text) {
			t.Errorf("got %v, want %s%v", err, test.text, test.want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if k.mapped != 0 || !k.closed || descriptors(t)-before-own != 0 {
			t.Errorf("%s: left %d mapped, closed %v", test.text, k.mapped, k.closed)
		}
		if capture.RestarterOf(s).Restart() == nil {
			t.Error("a closed camera was restarted")
		}
	}
}
