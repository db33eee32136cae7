package v4l2

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
)

var gray = preproc.Spec{Name: "video", Width: 4, Height: 2, Color: preproc.Gray}

// A node is a driver under test. What it is written, it hands to taken.
type node struct {
	taken chan string
	hold  chan struct{} // if not nil, each write waits for one

	mu           sync.Mutex // guards what follows
	absent       error      // what opening says; nil is there
	fails        error      // what writing says
	opened, shut int
}

// become changes what opening and writing say.
func (n *node) become(absent, fails error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.absent, n.fails = absent, fails
}

func (n *node) open(string, capture.PixelFormat, int, int, float64) (device, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.absent != nil {
		return nil, n.absent
	}
	n.opened++
	return n, nil
}

func (n *node) Format() capture.Format { return capture.Format{Stride: [4]int{4}} }
func (n *node) Close() error           { n.shut++; return nil }

func (n *node) Write(frame []byte, _ time.Duration) error {
	if n.hold != nil {
		<-n.hold
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fails != nil {
		return n.fails
	}
	if n.taken != nil {
		n.taken <- string(frame)
	}
	return nil
}

// open makes a Sink that writes to n; its test closes it.
func open(t *testing.T, n *node) *Sink {
	t.Helper()
	s, err := New(Config{Device: "/dev/video10", Spec: gray, open: n.open})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func write(t *testing.T, s *Sink, text string) {
	t.Helper()
	if err := s.Write(t.Context(), &preproc.Image{Width: 4, Height: 2, Data: []byte(text)}); err != nil {
		t.Error(err)
	}
}

func TestEveryImageIsWrittenWhenTheDriverKeepsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{taken: make(chan string, 1)}
		s := open(t, n)
		synctest.Wait()
		for _, text := range []string{"aaaabbbb", "ccccdddd", "eeeeffff"} {
			write(t, s, text)
			if got := <-n.taken; got != text {
				t.Errorf("%q, want %q", got, text)
			}
			synctest.Wait()
		}
		if r := s.Report(); r.Delivered != 3 || r.Missed != 0 || r.Consumers != 1 || r.Kind != "v4l2" || r.Address != "/dev/video10" {
			t.Errorf("%+v", r)
		}
		if err := errors.Join(s.Close(), s.Close()); err != nil || n.shut != 1 {
			t.Errorf("%v, closed %d times", err, n.shut)
		}
		if err := s.Write(t.Context(), &preproc.Image{}); !errors.Is(err, ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

func TestNewestImageWinsWhenTheDriverIsSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{taken: make(chan string, 9), hold: make(chan struct{})}
		s := open(t, n)
		synctest.Wait()
		write(t, s, "first   ")
		synctest.Wait()
		for _, text := range []string{"second  ", "third   ", "newest  "} {
			write(t, s, text)
		}
		close(n.hold)
		if a, b := <-n.taken, <-n.taken; a != "first   " || b != "newest  " {
			t.Errorf("%q, %q", a, b)
		}
		synctest.Wait()
		if r := s.Report(); r.Delivered != 2 || r.Missed != 2 || len(n.taken) != 0 {
			t.Errorf("%+v, %d more", r, len(n.taken))
		}
		s.Close()
	})
}

func TestAbsentDeviceIsAStateThatEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{absent: capture.ErrNotFound, taken: make(chan string, 9)}
		s := open(t, n)
		synctest.Wait()
		write(t, s, "old     ")
		time.Sleep(time.Hour) // of the bubble's clock
		synctest.Wait()
		if err := s.Err(); !errors.Is(err, capture.ErrNotFound) || s.Report().Consumers != 0 {
			t.Errorf("%v", err)
		}
		n.become(nil, nil)
		time.Sleep(lastPause)
		synctest.Wait()
		if s.Err() == nil || s.Report().Consumers != 1 {
			t.Errorf("told to be over before a frame was taken: %+v", s.Report())
		}
		write(t, s, "fresh   ")
		if got := <-n.taken; got != "fresh   " {
			t.Errorf("the first frame is %q", got)
		}
		synctest.Wait()
		if s.Err() != nil || n.opened != 1 {
			t.Errorf("%v, opened %d times", s.Err(), n.opened)
		}
		s.Close()
	})
}

func TestDeviceThatVanishesIsOpenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{taken: make(chan string, 9)}
		s := open(t, n)
		synctest.Wait()
		n.become(capture.ErrNotFound, capture.ErrGone)
		write(t, s, "lost    ")
		synctest.Wait()
		if err := s.Err(); !errors.Is(err, capture.ErrGone) || n.shut != 1 {
			t.Errorf("%v, closed %d times", err, n.shut)
		}
		n.become(nil, nil)
		time.Sleep(lastPause)
		synctest.Wait()
		write(t, s, "again   ")
		if got := <-n.taken; got != "again   " || n.opened != 2 {
			t.Errorf("%q, opened %d times", got, n.opened)
		}
		s.Close()
	})
}

func TestImageThatIsBeingWrittenIsNobodyElses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{taken: make(chan string, 9), hold: make(chan struct{}, 1)}
		s, err := New(Config{Device: "/dev/video10", Spec: preproc.Spec{Name: "video", Width: 4, Height: 2, Encode: preproc.JPEG}, open: n.open})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		n.become(nil, capture.ErrGone) // after an image was taken, so that it and the spare one have changed places
		write(t, s, "lost")
		n.hold <- struct{}{}
		synctest.Wait()
		n.become(nil, nil)
		time.Sleep(lastPause)
		synctest.Wait()
		write(t, s, "held")
		synctest.Wait() // the driver has it
		write(t, s, "next")
		n.hold <- struct{}{}
		if got := <-n.taken; got != "held" {
			t.Errorf("%q was written, want %q", got, "held")
		}
		close(n.hold)
		s.Close()
	})
}

func TestDriverThatTakesNothingForNowIsKeptOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{fails: v4l2.ErrFull}
		s := open(t, n)
		synctest.Wait()
		for i := range 5 {
			write(t, s, "nothing ")
			synctest.Wait()
			if told := s.Err() != nil; told != (i == 4) {
				t.Errorf("after %d images: %v", i+1, s.Err())
			}
			time.Sleep(fullAfter/4 + 1)
		}
		if !errors.Is(s.Err(), v4l2.ErrFull) || n.opened != 1 || s.Report().Missed != 5 {
			t.Errorf("%v, opened %d times, %+v", s.Err(), n.opened, s.Report())
		}
		n.become(nil, nil)
		synctest.Wait()
		write(t, s, "at last ")
		synctest.Wait()
		if s.Err() != nil || s.Report().Delivered != 1 {
			t.Errorf("%v, %+v", s.Err(), s.Report())
		}
		s.Close()
	})
}

func TestDriverThatHangsHoldsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &node{hold: make(chan struct{})}
		s := open(t, n)
		synctest.Wait()
		began := time.Now()
		for range 1000 {
			write(t, s, "xxxxxxxx")
		}
		if time.Since(began) != 0 {
			t.Errorf("Write waited for %v", time.Since(began))
		}
		if err := s.Close(); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != closeLimit {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		close(n.hold) // the kernel lets go after all
		<-s.done
	})
}

func TestImageThatDoesNotFitIsRefused(t *testing.T) {
	n := &node{}
	s := open(t, n)
	defer s.Close()
	for _, img := range []preproc.Image{
		{Width: 5, Height: 2, Data: make([]byte, 10)},
		{Width: 4, Height: 2, Data: make([]byte, 7)},
		{Width: 4, Height: 2},
	} {
		if err := s.Write(t.Context(), &img); err == nil || !strings.Contains(err.Error(), "write to /dev/video10") {
			t.Errorf("%dx%d: %v", img.Width, img.Height, err)
		}
	}
	if _, err := New(Config{Spec: gray}); err == nil {
		t.Error("no device, and no error")
	}
	if _, err := New(Config{Device: "/dev/video10", Spec: gray, Format: capture.RGB3}); err == nil || !strings.Contains(err.Error(), "[GREY]") {
		t.Errorf("%v", err)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	n := &node{taken: nil}
	s := open(t, n)
	defer s.Close()
	img := &preproc.Image{Width: 4, Height: 2, Data: []byte("12345678")}
	for s.Report().Delivered == 0 {
		if err := s.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
	}
	if got := testing.AllocsPerRun(500, func() { _ = s.Write(t.Context(), img) }); got > 0.5 {
		t.Errorf("%v allocations a frame", got)
	}
}
