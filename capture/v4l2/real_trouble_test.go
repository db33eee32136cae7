//go:build v4l2real

package v4l2

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// setReal sets a control through another descriptor, as v4l2-ctl would.
func setReal(t *testing.T, name string, value int64) {
	t.Helper()
	d, err := openNode(os.Getenv("V4L2_DEVICE"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if _, err := setControls(d, []Control{{name, value}}); err != nil {
		t.Fatal(err)
	}
}

func TestRealInjectedFaults(t *testing.T) {
	if d := realDevice(t); d.Driver != "vivid" {
		t.Logf("%s injects no faults", d.Driver)
		return
	}
	s := mustOpenReal(t, Config{Request: capture.Request{PixelFormat: capture.YUYV, Width: 320, Height: 180}})
	mustRead(t, s).Release()

	setReal(t, "inject_v4l2_buf_flag_error", 0)
	faults := map[capture.Fault]int{}
	for range realFrames {
		f := mustRead(t, s)
		faults[f.Fault]++
		f.Release()
	}
	if faults[capture.FaultErrorFlag] != 1 || faults[capture.FaultNone] != realFrames-1 {
		t.Errorf("faults %v, want one error flag", faults)
	}

	setReal(t, "percentage_of_dropped_buffers", 50)
	lost := uint64(0)
	for range realFrames {
		f := mustRead(t, s)
		lost += f.Lost
		f.Release()
	}
	setReal(t, "percentage_of_dropped_buffers", 0)
	t.Logf("%d lost while %d were read", lost, realFrames)
	if lost < realFrames/3 {
		t.Errorf("%d lost", lost)
	}

	setReal(t, "inject_vidioc_qbuf_error", 0)
	for range 3 * DefaultBuffers {
		mustRead(t, s).Release()
	}

	setReal(t, "inject_fatal_streaming_error", 0)
	var err error
	for range realFrames {
		var f *capture.Frame
		if f, err = s.Read(t.Context()); err != nil {
			break
		}
		f.Release()
	}
	if !errors.Is(err, capture.ErrStream) {
		t.Errorf("after a fatal streaming error: %v", err)
	}
	t.Log(err)
	// The open device begins anew, after that and in the middle of a good stream.
	mustRestart(t, s)
	readReal(t, s)
	loan := mustRead(t, s)
	mustRestart(t, s)
	f := mustRead(t, s)
	if f.Sequence != loan.Sequence+1 || f.Lost != 0 {
		t.Errorf("frame %d after %d, %d lost by a restart", f.Sequence, loan.Sequence, f.Lost)
	}
	f.Release()
	loan.Release()
	readReal(t, s)
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	s = mustOpenReal(t, Config{Request: capture.Request{PixelFormat: capture.YUYV, Width: 320, Height: 180}})
	readReal(t, s)
	s.Close()

	for _, name := range []string{"inject_vidioc_streamon_error", "inject_vidioc_reqbufs_error"} {
		s, err := Open(t.Context(), Config{Device: Selector{Path: os.Getenv("V4L2_DEVICE")}})
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		setReal(t, name, 0)
		if _, err = Open(t.Context(), Config{Device: Selector{Path: os.Getenv("V4L2_DEVICE")}}); err == nil {
			t.Errorf("%s: opened", name)
		}
		t.Log(err)
		mustOpenReal(t, Config{}).Close()
	}
}

// TestRealTroubles makes a simulated UVC camera misbehave: V4L2_SAY is the
// shell command that takes truncate 1 and so on as its arguments.
func TestRealTroubles(t *testing.T) {
	say := os.Getenv("V4L2_SAY")
	if say == "" {
		t.Log("V4L2_SAY is not set: not tried")
		return
	}
	tell := func(what string) {
		t.Helper()
		if out, err := exec.Command("sh", "-c", say+" "+what).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", what, err, out)
		}
	}
	for _, p := range []capture.PixelFormat{capture.MJPG, capture.YUYV} {
		s := mustOpenReal(t, Config{Request: capture.Request{PixelFormat: p, Width: 320, Height: 180}, StallAfter: 3 * time.Second})
		for _, what := range []string{"truncate 5", "corrupt 5", "err 5", "epipe"} {
			tell(what)
			faults, lost := map[capture.Fault]int{}, uint64(0)
			var err error
			for i := 0; i < 40 && err == nil; i++ {
				var f *capture.Frame
				if f, err = s.Read(t.Context()); err == nil {
					faults[f.Fault]++
					lost += f.Lost
					f.Release()
				}
			}
			t.Logf("%s, %s: faults %v, %d lost, then %v", p, what, faults, lost, err)
			if err != nil {
				s.Close()
				s = mustOpenReal(t, Config{Request: capture.Request{PixelFormat: p, Width: 320, Height: 180}, StallAfter: 3 * time.Second})
			}
		}
		tell("stall")
		var err error
		for err == nil {
			var f *capture.Frame
			if f, err = s.Read(t.Context()); err == nil {
				f.Release()
			}
		}
		if !errors.Is(err, capture.ErrStalled) {
			t.Errorf("%s: stalled camera: %v", p, err)
		}
		tell("go")
		mustRead(t, s).Release()
		s.Close()
	}
}

func TestRealUnplug(t *testing.T) {
	unplug, plug := os.Getenv("V4L2_UNPLUG"), os.Getenv("V4L2_PLUG")
	if unplug == "" || plug == "" {
		t.Log("V4L2_UNPLUG and V4L2_PLUG are not set: not tried")
		return
	}
	d := realDevice(t)
	w, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	s := mustOpenReal(t, Config{Device: d.Identity, StallAfter: 30 * time.Second})
	kept := mustRead(t, s)
	shell := func(command string) *exec.Cmd {
		c := exec.Command("sh", "-c", command)
		c.Stdout, c.Stderr = os.Stderr, os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		return c
	}
	begin := time.Now()
	gone := shell(unplug)
	faults := map[capture.Fault]int{}
	for err == nil {
		var f *capture.Frame
		if f, err = s.Read(t.Context()); err == nil {
			faults[f.Fault]++
			f.Release()
		}
	}
	t.Logf("read after unplug: %v after %v; frames %v", err, time.Since(begin), faults)
	if !errors.Is(err, capture.ErrGone) {
		t.Error("not gone")
	}
	kept.Release()
	begin = time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("close took %v", time.Since(begin))
	if err := gone.Wait(); err != nil {
		t.Error(err)
	}
	for {
		if _, err := d.Identity.Resolve(Roots{}); errors.Is(err, capture.ErrNotFound) {
			t.Log(err)
			break
		}
		waitReal(t, w)
	}
	if _, err := Open(t.Context(), Config{Device: d.Identity}); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("open of what is not there: %v", err)
	}

	back := shell(plug)
	for {
		s, err := Open(t.Context(), Config{Device: d.Identity})
		if err == nil {
			t.Cleanup(func() { s.Close() })
			readReal(t, s)
			break
		}
		t.Log(err)
		waitReal(t, w)
	}
	if err := back.Wait(); err != nil {
		t.Error(err)
	}
}

func waitReal(t *testing.T, w *Watcher) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := w.Wait(ctx); err != nil {
		t.Fatal(err)
	}
}
