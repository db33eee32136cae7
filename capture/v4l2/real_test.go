//go:build v4l2real

package v4l2

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// These tests run against a driver that nobody here wrote:
//
//	go test -c -tags v4l2real ./capture/v4l2
//	V4L2_DEVICE=/dev/video0 ./v4l2.test -test.v -test.run Real
//
// V4L2_UNPLUG and V4L2_PLUG are shell commands that take the camera away and
// bring it back; without them that test is left out.

const realFrames = 60

func realDevice(t *testing.T) Device {
	t.Helper()
	path := os.Getenv("V4L2_DEVICE")
	list, err := List()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(d Device) bool { return d.Path == path })
	if i < 0 {
		t.Fatalf("V4L2_DEVICE=%q is not among %+v", path, list)
	}
	return list[i]
}

func mustOpenReal(t *testing.T, c Config) capture.Source {
	t.Helper()
	if c.Device == (Selector{}) {
		c.Device = Selector{Path: os.Getenv("V4L2_DEVICE")}
	}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestRealListing(t *testing.T) {
	d := realDevice(t)
	if d.Err != nil || d.Driver == "" || d.Bus == "" || len(d.Formats) == 0 {
		t.Errorf("%+v", d)
	}
	t.Logf("%s: %s, %s, %s, serial %q, by-id %v, by-path %v, identity %v", d.Path, d.Name, d.Driver, d.Bus, d.Serial, d.ByID, d.ByPath, d.Identity)
	if path, err := d.Identity.Resolve(Roots{}); err != nil || path != d.Path {
		t.Errorf("%v leads to %s, %v", d.Identity, path, err)
	}
	for _, c := range d.Controls {
		if c.Name == "" || c.Min > c.Max {
			t.Errorf("control %+v", c)
		}
	}
	t.Logf("%d formats, %d controls", len(d.Formats), len(d.Controls))
}

// TestRealFormats reads from every format that can be read, NM12 beside NV12,
// at every size of at most 1280x720.
func TestRealFormats(t *testing.T) {
	read := 0
	for _, f := range realDevice(t).Formats {
		if f.Note != "" {
			continue
		}
		fourcc := uint32(capture.FourCC(f.Code[0], f.Code[1], f.Code[2], f.Code[3]))
		for _, s := range f.Sizes {
			if s.Width > 1280 {
				continue
			}
			read++
			t.Run(fmt.Sprintf("%s-%dx%d", f.Code, s.Width, s.Height), func(t *testing.T) {
				src := startReal(t, fourcc, s.Width, s.Height)
				readReal(t, src)
				t.Logf("%+v, stride %v, %v, %v, every %v, notes %q", src.Format(), src.Format().Stride, src.Format().Matrix, src.Format().Range, src.Format().Interval, capture.Notes(src))
			})
		}
	}
	if read == 0 {
		t.Error("no format can be read")
	}
}

// startReal starts the camera in exactly one of the driver's own formats: the
// registry would take NV12 where there is also NM12.
func startReal(t *testing.T, fourcc uint32, width, height int) capture.Source {
	t.Helper()
	c := &camera{
		host:   systemHost(Roots{}),
		config: Config{Device: realDevice(t).Identity, Buffers: DefaultBuffers, StallAfter: 5 * time.Second},
	}
	if _, err := c.Open(); err != nil {
		t.Fatal(err)
	}
	list, err := offers(c.device, fourcc, capture.Request{})
	if err != nil {
		t.Fatal(err)
	}
	c.offers = slices.DeleteFunc(list, func(o offer) bool { return o.Width != width || o.Height != height })
	fastest := slices.MaxFunc(c.offers, func(a, b offer) int { return cmp.Compare(a.Rate, b.Rate) })
	s, err := c.Start(fastest.Mode)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if got := s.Format(); got.PixelFormat != logical(fourcc) || got.Width != width || got.Height != height {
		t.Errorf("format %+v, want %s %dx%d", got, capture.PixelFormat(fourcc), width, height)
	}
	if p := s.(*stream).checker.picture; p.memoryPlanes > 1 != (byte(fourcc>>8) == 'M') {
		t.Errorf("%s has %d memory planes", capture.PixelFormat(fourcc), p.memoryPlanes)
	}
	return s
}

// readReal reads frames and checks all that is known of them.
func readReal(t *testing.T, s capture.Source) {
	t.Helper()
	var next, lost uint64
	var before time.Duration
	faults := map[capture.Fault]int{}
	for i := range realFrames {
		f, err := s.Read(t.Context())
		if err != nil {
			t.Fatalf("frame %d: %v", i, err)
		}
		faults[f.Fault]++
		lost += f.Lost
		if i > 0 && f.Sequence != next+f.Lost {
			t.Errorf("frame %d has sequence %d with %d lost, want %d", i, f.Sequence, f.Lost, next)
		}
		if age := f.Dequeued - f.Timestamp; f.Timestamp <= before || age < 0 || age > 5*time.Second {
			t.Errorf("frame %d captured at %v after %v, dequeued %v later", i, f.Timestamp, before, age)
		}
		next, before = f.Sequence+1, f.Timestamp
		if l := f.Format.PixelFormat.Layout(); !l.Compressed() && f.Fault == capture.FaultNone {
			for n := range l.Planes {
				if len(f.Planes[n]) < f.Format.PlaneBytes(n) || f.Format.Stride[n] < f.Format.RowBytes(n) {
					t.Errorf("plane %d has %d bytes", n, len(f.Planes[n]))
				}
				sum := 0
				for _, b := range f.Planes[n] {
					sum += int(b)
				}
				if sum == 0 {
					t.Errorf("plane %d of frame %d is all zero", n, i)
				}
			}
		}
		f.Release()
	}
	if faults[capture.FaultNone] != realFrames {
		t.Errorf("faults %v", faults)
	}
	t.Logf("%d frames, %d lost by the driver", realFrames, lost)
}

func TestRealCancelAndReopenWithALoan(t *testing.T) {
	s := mustOpenReal(t, Config{})
	f := mustRead(t, s)
	pixels := len(f.Planes[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Read(ctx); err != context.Canceled {
		t.Errorf("cancelled read: %v", err)
	}
	begin := time.Now()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("close took %v", time.Since(begin))
	again := mustOpenReal(t, Config{}) // not busy, in spite of the loan
	readReal(t, again)
	sum := 0
	for _, b := range f.Planes[0][:pixels] {
		sum += int(b)
	}
	f.Release()
	t.Logf("the loan outlived the stream: %d bytes, sum %d", pixels, sum)
}

func TestRealCancelOfAWaitingRead(t *testing.T) {
	s := mustOpenReal(t, Config{})
	for range DefaultBuffers {
		// No buffer is left to fill. A loan that is never returned would keep
		// the number of the node even after an unplug.
		f := mustRead(t, s)
		defer f.Release()
	}
	ctx, cancel := context.WithCancel(t.Context())
	at := make(chan time.Time, 1)
	timer := time.AfterFunc(300*time.Millisecond, func() { at <- time.Now(); cancel() })
	defer timer.Stop()
	_, err := s.Read(ctx)
	if took := time.Since(<-at); err != context.Canceled || took > 100*time.Millisecond {
		t.Errorf("got %v, %v after the cancel", err, took)
	}
}

func TestRealBusy(t *testing.T) {
	mustOpenReal(t, Config{})
	_, err := Open(t.Context(), Config{Device: Selector{Path: os.Getenv("V4L2_DEVICE")}})
	if !errors.Is(err, capture.ErrBusy) {
		t.Errorf("second open: %v", err)
	}
	t.Log(err)
	if d := realDevice(t); d.Err != nil || len(d.Formats) == 0 {
		t.Errorf("a busy camera is listed as %+v", d)
	}
}

func TestRealControls(t *testing.T) {
	d := realDevice(t)
	i := slices.IndexFunc(d.Controls, func(c ControlInfo) bool { return c.Name == "brightness" })
	if i < 0 {
		t.Fatalf("no brightness among %+v", d.Controls)
	}
	c := d.Controls[i]
	s := mustOpenReal(t, Config{Controls: []Control{{c.Name, c.Max}}})
	t.Cleanup(func() { setReal(t, c.Name, c.Default) })
	mustRead(t, s).Release()
	if got := realDevice(t).Controls[i].Value; got != c.Max {
		t.Errorf("brightness is %d, want %d", got, c.Max)
	}
	if _, err := Open(t.Context(), Config{Device: Selector{Path: d.Path}, Controls: []Control{{c.Name, c.Max + 1}}}); err == nil {
		t.Error("a value out of range was taken")
	}
}

// What is exported shows another process the same picture, and no more than that.
func TestRealExport(t *testing.T) {
	s := mustOpenReal(t, Config{})
	memories := capture.MemoriesOf(s)
	if len(memories) == 0 {
		t.Fatal("nothing is exported")
	}
	for range 2 * len(memories) {
		f, err := s.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range memories {
			if unsafe.SliceData(m.Data) != unsafe.SliceData(f.Planes[0]) {
				continue
			}
			mapped, err := unix.Mmap(m.FD, 0, len(m.Data), unix.PROT_READ, unix.MAP_SHARED)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(mapped[:len(f.Planes[0])], f.Planes[0]) {
				t.Error("another picture")
			}
			if err := unix.Munmap(mapped); err != nil {
				t.Error(err)
			}
			if _, err := unix.Mmap(m.FD, 0, len(m.Data), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != unix.EACCES {
				t.Errorf("may be written: %v", err)
			}
		}
		f.Release()
	}
}
