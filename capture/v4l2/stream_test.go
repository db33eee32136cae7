package v4l2

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// picture64 is a whole GREY picture of 64x48.
var picture64 = bytes.Repeat([]byte{77}, 64*48)

func mustRead(t testing.TB, s capture.Source) *capture.Frame {
	t.Helper()
	f, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func descriptors(t testing.TB) int {
	t.Helper()
	e, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(e)
}

func TestReadLendsTheDriversMemory(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	want := capture.Format{PixelFormat: capture.GREY, Width: 64, Height: 48, Stride: [capture.MaxPlanes]int{64}, Range: capture.Full, Interval: time.Second / 30}
	if s.Format() != want {
		t.Errorf("format %+v, want %+v", s.Format(), want)
	}
	k.emit(picture64)
	f := mustRead(t, s)
	if f.Format != want || f.Fault != capture.FaultNone || !bytes.Equal(f.Planes[0], picture64) {
		t.Errorf("got %+v, %d bytes", f, len(f.Planes[0]))
	}
	if &f.Planes[0][0] != &k.memory[0][0][0] {
		t.Error("the frame is a copy")
	}
	if f.Timestamp != k.clock || f.Dequeued <= f.Timestamp {
		t.Errorf("captured at %v, dequeued at %v, want %v", f.Timestamp, f.Dequeued, k.clock)
	}
	if len(k.queued) != 3 {
		t.Errorf("%d buffers are with the driver while one is on loan", len(k.queued))
	}
	f.Release()
	if !slices.Equal(k.queued, []int{1, 2, 3, 0}) {
		t.Errorf("queued %v after the release", k.queued)
	}
}

func TestCancelEndsReadWithin100ms(t *testing.T) {
	for _, hang := range []struct {
		name string
		with func(*testing.T, *kernel, capture.Source)
	}{
		{"the driver delivers nothing", func(*testing.T, *kernel, capture.Source) {}},
		{"all buffers are on loan", func(t *testing.T, k *kernel, s capture.Source) {
			for range DefaultBuffers {
				k.emit(picture64)
				mustRead(t, s)
			}
		}},
	} {
		t.Run(hang.name, func(t *testing.T) {
			k := newKernel(t, capture.GREY)
			s := k.mustOpen(Config{StallAfter: time.Hour})
			hang.with(t, k, s)
			ctx, cancel := context.WithCancel(t.Context())
			cancelled := make(chan time.Time, 1)
			go func() {
				cancelled <- time.Now()
				cancel()
			}()
			_, err := s.Read(ctx)
			if took := time.Since(<-cancelled); err != context.Canceled || took > 100*time.Millisecond {
				t.Errorf("got %v after %v", err, took)
			}
			// Another context starts afresh, in spite of the wake-up.
			if len(k.queued) > 0 {
				k.emit(picture64)
				mustRead(t, s).Release()
			}
		})
	}
}

func TestASilentDriverIsStalled(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{StallAfter: 20 * time.Millisecond})
	begin := time.Now()
	_, err := s.Read(t.Context())
	if !errors.Is(err, capture.ErrStalled) || time.Since(begin) < 20*time.Millisecond {
		t.Errorf("got %v after %v", err, time.Since(begin))
	}
	if !strings.HasPrefix(err.Error(), "read /dev/null: ") {
		t.Errorf("the error %q does not say where", err)
	}
	k.emit(picture64) // it comes back by itself
	mustRead(t, s).Release()
}

func TestNoBufferToFillIsNoStall(t *testing.T) {
	k := newKernel(t, capture.GREY)
	var clock atomic.Int64
	k.now = func() time.Duration { return time.Duration(clock.Load()) }
	s := k.mustOpen(Config{StallAfter: 30 * time.Second})
	var loan []*capture.Frame
	for range DefaultBuffers {
		k.emit(picture64)
		loan = append(loan, mustRead(t, s))
	}
	k.polled = make(chan bool)
	done := make(chan error)
	go func() {
		f, err := s.Read(t.Context())
		if err == nil {
			f.Release()
		}
		done <- err
	}()
	if <-k.polled {
		t.Error("polls a device that has no buffer")
	}
	clock.Add(int64(time.Hour))
	loan[2].Release()
	if !<-k.polled {
		t.Error("does not poll the device after a return")
	}
	k.emit(picture64)
	if err := <-done; err != nil {
		t.Errorf("read after a return: %v", err)
	}
}

func TestEveryStepThatFailsIsUndone(t *testing.T) {
	for request, name := range map[uintptr]string{
		vidiocQuerycap: "query capability", vidiocEnumFmt: "enumerate formats",
		vidiocEnumFramesizes: "enumerate frame sizes", vidiocEnumFrameintervals: "enumerate frame intervals",
		vidiocSFmt: "set format GREY 64x48", vidiocSParm: "set rate 30/s", vidiocSExtCtrls: "set controls: set control gain",
		vidiocReqbufs: "request buffers", vidiocQuerybuf: "query buffer 0", vidiocQbuf: "queue buffer 0", vidiocStreamon: "stream on",
	} {
		before := descriptors(t)
		k := newKernel(t, capture.GREY)
		k.controls = []*fakeControl{control(1, "Gain", ControlInteger, 0, 9)}
		own := descriptors(t) - before
		k.fail[request] = []unix.Errno{unix.EBUSY}
		_, err := k.open(Config{Controls: []Control{{"gain", 3}}})
		if !errors.Is(err, capture.ErrBusy) || !strings.HasPrefix(err.Error(), "open /dev/null: "+name) {
			t.Errorf("%s: got %v", name, err)
		}
		if k.mapped != 0 || !k.closed || k.streaming || descriptors(t)-before-own != 0 {
			t.Errorf("%s: left %d mapped, closed %v, streaming %v", name, k.mapped, k.closed, k.streaming)
		}
	}
}

func TestErrorsOfARunningStreamMeanWhatTheyAre(t *testing.T) {
	for name, c := range map[string]struct {
		with func(*kernel)
		want error
	}{
		"EIO for ever, as after vb2_queue_error": {func(k *kernel) { k.always[vidiocDqbuf] = unix.EIO }, capture.ErrStream},
		"ENODEV":                                 {func(k *kernel) { k.always[vidiocDqbuf] = unix.ENODEV }, capture.ErrGone},
		"EINVAL on unplug": {func(k *kernel) {
			k.always[vidiocDqbuf], k.always[vidiocQuerycap] = unix.EINVAL, unix.ENODEV
		}, capture.ErrGone},
		"EINVAL and still there":         {func(k *kernel) { k.always[vidiocDqbuf] = unix.EINVAL }, capture.ErrStream},
		"EPIPE":                          {func(k *kernel) { k.always[vidiocDqbuf] = unix.EPIPE }, capture.ErrStream},
		"POLLERR and nothing to dequeue": {func(k *kernel) {}, capture.ErrStream},
		"a buffer that it did not have": {func(k *kernel) {
			k.done = []filled{{index: 0, bytesused: []int{1}}, {index: 0, bytesused: []int{1}}}
			k.queued = k.queued[1:]
		}, capture.ErrStream},
		"an index that is none": {func(k *kernel) { k.done = []filled{{index: 99, bytesused: []int{1}}} }, capture.ErrStream},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, capture.GREY)
			s := k.mustOpen(Config{StallAfter: 5 * time.Second})
			k.set(func() { c.with(k) })
			k.raise(unix.POLLERR | unix.POLLIN)
			f, err := s.Read(t.Context())
			if err == nil { // the first of two
				k.raise(unix.POLLERR | unix.POLLIN)
				_, err = s.Read(t.Context())
				defer f.Release()
			}
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestEAGAINIsNoFrameYet(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	k.emit(picture64)
	k.set(func() { k.fail[vidiocDqbuf] = []unix.Errno{unix.EAGAIN, unix.EAGAIN} })
	mustRead(t, s).Release()
	// A poll that says ready for ever and a DQBUF that says nothing there is a stall too.
	s2k := newKernel(t, capture.GREY)
	s2 := s2k.mustOpen(Config{StallAfter: 10 * time.Millisecond})
	s2k.raise(unix.POLLIN)
	if _, err := s2.Read(t.Context()); !errors.Is(err, capture.ErrStalled) {
		t.Errorf("got %v", err)
	}
}
