package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// kernels are the cameras of a fixture, by node.
type kernels map[string]*kernel

// newKernels makes a machine of cameras that are new at each look.
func newKernels(t *testing.T, nodes ...string) (host, kernels) {
	t.Helper()
	made, fixture := kernels{}, map[string]fakeNode{}
	for _, n := range nodes {
		k := newKernel(t, capture.GREY)
		made[n] = k
		fixture[n] = fakeNode{name: "Cam", index: "0", open: func() (device, error) { k.closed = false; return k, nil }}
	}
	h := machine(t, fixture)
	h.now = capture.Monotonic
	return h, made
}

// links lets udev's links in a directory point to these nodes.
func relink(t *testing.T, h host, dir string, links map[string]string) {
	t.Helper()
	base := filepath.Join(h.dev, "v4l", dir)
	if err := errors.Join(os.RemoveAll(base), os.MkdirAll(base, 0o755)); err != nil {
		t.Fatal(err)
	}
	for link, node := range links {
		if err := os.Symlink("../../"+node, filepath.Join(base, link)); err != nil {
			t.Fatal(err)
		}
	}
}

// streamsFrom says whether the camera that a selector names is that of a node.
func (k kernels) streamsFrom(t *testing.T, h host, s Selector, node string) {
	t.Helper()
	src, err := h.open(t.Context(), Config{Device: s})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	for n, k := range k {
		if k.streaming != (n == node) {
			t.Errorf("%v: %s streams: %v", s, n, k.streaming)
		}
	}
}

func TestCameraIsFoundUnderAnotherNumber(t *testing.T) {
	h, k := newKernels(t, "video0", "video5")
	cam := Selector{ByID: "usb-Cam_1-video-index0"}
	relink(t, h, "by-id", map[string]string{cam.ByID: "video0"})
	k.streamsFrom(t, h, cam, "video0")
	relink(t, h, "by-id", nil)
	if _, err := h.open(t.Context(), Config{Device: cam}); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("unplugged: %v", err)
	}
	relink(t, h, "by-id", map[string]string{cam.ByID: "video5"})
	k.streamsFrom(t, h, cam, "video5")
}

func TestTwinsAreToldApartByTheirSocketsAfterTheyWereSwapped(t *testing.T) {
	h, k := newKernels(t, "video0", "video2")
	left, right := Selector{ByPath: "pci-usb-0:1:1.0-video-index0"}, Selector{ByPath: "pci-usb-0:2:1.0-video-index0"}
	relink(t, h, "by-path", map[string]string{left.ByPath: "video0", right.ByPath: "video2"})
	k.streamsFrom(t, h, left, "video0")
	k.streamsFrom(t, h, right, "video2")
	relink(t, h, "by-path", map[string]string{left.ByPath: "video2", right.ByPath: "video0"})
	k.streamsFrom(t, h, left, "video2")
	k.streamsFrom(t, h, right, "video0")
}

// A wedged camera has a node, and every call on it fails: it is neither absent
// nor in use, which would be a reason to wait.
func TestWedgedCameraIsNotTakenForAnAbsentOne(t *testing.T) {
	for request := range map[uintptr]bool{vidiocQuerycap: true, vidiocEnumFmt: true, vidiocSFmt: true, vidiocReqbufs: true, vidiocStreamon: true} {
		k := newKernel(t, capture.GREY)
		k.always[request] = unix.EPROTO
		_, err := k.open(Config{})
		if !errors.Is(err, unix.EPROTO) || !k.closed {
			t.Errorf("%#x: %v, closed %v", request, err, k.closed)
		}
		for _, not := range []error{capture.ErrNotFound, capture.ErrGone, capture.ErrBusy, capture.ErrPermission, capture.ErrBandwidth} {
			if errors.Is(err, not) {
				t.Errorf("%#x: %v is taken for %v", request, err, not)
			}
		}
	}
}

func TestCameraInUseIsOpenedOnceItIsFree(t *testing.T) {
	k := newKernel(t, capture.GREY)
	k.fail[vidiocSFmt] = []unix.Errno{unix.EBUSY}
	if _, err := k.open(Config{}); !errors.Is(err, capture.ErrBusy) {
		t.Errorf("got %v", err)
	}
	k.closed = false // another descriptor
	k.mustOpen(Config{})
}

func TestPlanOfACameraInUse(t *testing.T) {
	k := newKernel(t, capture.YUYV)
	for _, request := range []uintptr{vidiocSFmt, vidiocReqbufs, vidiocStreamon} {
		k.always[request] = unix.EBUSY
	}
	c := Config{Device: Selector{Path: "/dev/null"}, Request: capture.Request{Rate: 30}}
	m, err := k.host().plan(c)
	if err != nil || !k.closed {
		t.Fatalf("plan: %v, %v, closed %v", m, err, k.closed)
	}
	clear(k.always)
	k.closed = false
	s := k.mustOpen(Config{Request: c.Request})
	if f := s.Format(); f.PixelFormat != m.PixelFormat || f.Width != m.Width || f.Height != m.Height {
		t.Errorf("planned was %v, opened %v", m, f)
	}
}

func TestNoRoomOnTheBusIsBandwidth(t *testing.T) {
	k := newKernel(t, capture.GREY)
	k.always[vidiocStreamon] = unix.ENOSPC
	_, err := k.open(Config{})
	if !errors.Is(err, capture.ErrBandwidth) || !strings.Contains(err.Error(), "stream on: ") {
		t.Errorf("got %v", err)
	}
	if k.mapped != 0 || !k.closed {
		t.Errorf("left %d mapped, closed %v", k.mapped, k.closed)
	}
}

// While the driver hangs in one call, frames are released all the same: the
// stage that preprocesses is not the one that waits.
func TestReleaseDoesNotWaitForADriverThatHangs(t *testing.T) {
	for name, test := range map[string]struct {
		request uintptr
		call    func(t *testing.T, s capture.Source)
	}{
		"DQBUF":                  {vidiocDqbuf, func(t *testing.T, s capture.Source) { mustRead(t, s).Release() }},
		"STREAMOFF of a restart": {vidiocStreamoff, mustRestart},
		"STREAMON of a restart":  {vidiocStreamon, mustRestart},
		"STREAMOFF of a close":   {vidiocStreamoff, mustClose},
		"the close itself":       {0, mustClose},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKernel(t, capture.GREY)
			s := k.mustOpen(Config{})
			k.emit(picture64)
			loan := mustRead(t, s)
			k.emit(picture64)
			hung, released := make(chan struct{}), make(chan struct{})
			k.set(func() { k.hang = map[uintptr]func(){test.request: func() { close(hung); <-released }} })
			go func() {
				<-hung
				loan.Release() // would never return if it waited
				k.set(func() { k.hang = nil })
				close(released)
			}()
			test.call(t, s)
		})
	}
}

func mustClose(t *testing.T, s capture.Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// The look-up of a camera that is absent opens none of the others.
func TestAbsentCameraDoesNotHangOnAnother(t *testing.T) {
	h := twoWebcams(t)
	h.openNode = func(path string) (device, error) {
		t.Errorf("%s was opened", path)
		return nil, unix.EIO
	}
	for _, s := range []Selector{{ByID: "x"}, {ByPath: "x"}, {Serial: "x"}, {Name: "x*"}, {Path: "/nonexistent/video9"}} {
		if _, err := h.resolve(s); !errors.Is(err, capture.ErrNotFound) || !strings.Contains(err.Error(), "video0 (HD Cam: HD Cam)") {
			t.Errorf("%v: %v", s, err)
		}
	}
}

func TestFingerprintChangesWithNodesLinksAndPermissions(t *testing.T) {
	h, _ := newKernels(t, "video0", "video5")
	h.openNode = func(string) (device, error) {
		t.Error("a node was opened")
		return nil, unix.EIO
	}
	last, err := h.fingerprint()
	if again, _ := h.fingerprint(); err != nil || again != last {
		t.Errorf("%q, then %q: %v", last, again, err)
	}
	for what, change := range map[string]func() error{
		"a link":      func() error { relink(t, h, "by-id", map[string]string{"usb-Cam": "video0"}); return nil },
		"permissions": func() error { return os.Chmod(filepath.Join(h.dev, "video0"), 0o600) },
		"a node gone": func() error { return os.Remove(filepath.Join(h.dev, "video5")) },
	} {
		if err := change(); err != nil {
			t.Fatal(err)
		}
		now, err := h.fingerprint()
		if err != nil || now == last {
			t.Errorf("%s changes nothing: %q, %v", what, now, err)
		}
		last = now
	}
}
