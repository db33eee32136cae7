package v4l2

import (
	"errors"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

func TestPaceIsWhatTheDriverMakesOfIt(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	got, err := capture.Pace(s, 100*time.Millisecond)
	if err != nil || got != 100*time.Millisecond {
		t.Fatalf("%v, %v", got, err)
	}
	if k.interval != (fract{1, 10}) {
		t.Errorf("the driver was asked for %v", k.interval)
	}
	if _, err := capture.Pace(s, 1001*time.Millisecond/30); err != nil || k.interval != (fract{1000, 29970}) {
		t.Errorf("the driver was asked for %v (%v)", k.interval, err)
	}
}

// uvcvideo refuses while it streams.
func TestPaceThatIsRefusedLeavesTheStreamAlone(t *testing.T) {
	k := newKernel(t, capture.GREY)
	s := k.mustOpen(Config{})
	k.set(func() { k.always[vidiocSParm] = unix.EBUSY })
	if _, err := capture.Pace(s, time.Second); !errors.Is(err, capture.ErrBusy) {
		t.Fatal(err)
	}
	k.emit(make([]byte, 64*48))
	f, err := s.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Release()
}
