package replay

import (
	"testing"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/frame"

	"github.com/edge-agent/agent/capture"
)

func labelled(label string) []driver.Driver {
	return driver.GetManager().Query(func(d driver.Driver) bool { return d.Info().Label == label })
}

func TestARecordingIsADriverWhileItPlays(t *testing.T) {
	const path = fixtures + "/stream-160x120.mjpg"
	s, err := Open(t.Context(), Config{Path: path, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	d := labelled("replay:" + path)
	if len(d) != 1 {
		t.Fatalf("the manager knows %d", len(d))
	}
	p := d[0].Properties()
	if len(p) != 1 || p[0].Width != 160 || p[0].Height != 120 || p[0].FrameRate != 30 || p[0].FrameFormat != frame.FormatMJPEG {
		t.Errorf("it offers %+v", p)
	}
	if d[0].Status() != driver.StateRunning || d[0].Info().Name != "stream-160x120.mjpg" {
		t.Errorf("%s is %s", d[0].Info().Name, d[0].Status())
	}
	read(t, s).Release()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if d := labelled("replay:" + path); len(d) != 0 {
		t.Errorf("the manager still knows %d", len(d))
	}
}

// Two cameras may replay the same thing, each in its own way.
func TestTheModeIsTheOneThatWasAskedFor(t *testing.T) {
	a := openPattern(t, Config{Format: capture.NV12, Width: 640, Height: 360, Rate: 7.5})
	b := openPattern(t, Config{})
	if f := a.Format(); f.PixelFormat != capture.NV12 || f.Width != 640 || f.Height != 360 || f.Interval.Milliseconds() != 133 {
		t.Errorf("format %+v", f)
	}
	if f := b.Format(); f.PixelFormat != capture.YUYV || f.Width != 1280 || f.Height != 720 || f.Interval.Milliseconds() != 33 {
		t.Errorf("format %+v", f)
	}
	if n := len(labelled("pattern:bars")); n != 2 {
		t.Errorf("the manager knows %d patterns", n)
	}
}
