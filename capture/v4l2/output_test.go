package v4l2

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A sinkKernel is a fake driver with one output node.
type sinkKernel struct {
	caps    uint32
	coerce  func(*pixFormat)
	fail    map[uintptr]unix.Errno
	revents int16
	taken   int // of each write; -1 is all
	wrote   []byte
	rate    fract
	closed  int
	werr    error
}

func newSinkKernel() *sinkKernel {
	return &sinkKernel{caps: capVideoOutput | capReadWrite | capStreaming, revents: unix.POLLOUT, taken: -1, fail: map[uintptr]unix.Errno{}}
}

func (k *sinkKernel) open(p capture.PixelFormat) (*Output, error) {
	want := capture.Format{PixelFormat: p, Width: 64, Height: 48}
	return openOutput("/dev/video10", want, 30, func() (outputNode, error) { return k, nil })
}

func (k *sinkKernel) ioctl(request uintptr, arg unsafe.Pointer) error {
	if e := k.fail[request]; e != 0 {
		return e
	}
	switch request {
	case vidiocQuerycap:
		c := (*capability)(arg)
		copy(c.driver[:], "v4l2 loopback")
		c.capabilities, c.deviceCaps = k.caps|capVideoCapture|capDeviceCaps, k.caps
	case vidiocSFmt:
		f := (*format)(arg)
		if f.typ != bufTypeVideoOutput {
			return unix.EINVAL
		}
		if k.coerce != nil {
			k.coerce(f.pix())
		}
	case vidiocSParm:
		k.rate = (*streamparm)(arg).timeperframe
	}
	return nil
}

func (k *sinkKernel) writable(time.Duration) (int16, error) { return k.revents, nil }

func (k *sinkKernel) write(b []byte) (int, error) {
	if k.werr != nil {
		return 0, k.werr
	}
	k.wrote = append([]byte(nil), b...)
	if k.taken >= 0 {
		return k.taken, nil
	}
	return len(b), nil
}

func (k *sinkKernel) close() error { k.closed++; return nil }

func TestOutputTakesFrames(t *testing.T) {
	k := newSinkKernel()
	var asked pixFormat
	k.coerce = func(p *pixFormat) { asked = *p; p.bytesperline += 32 }
	o, err := k.open(capture.YUYV)
	if err != nil {
		t.Fatal(err)
	}
	if asked.width != 64 || asked.height != 48 || asked.field != fieldNone || asked.bytesperline != 128 || asked.sizeimage != 128*48 ||
		asked.colorspace != colorspaceSRGB || asked.ycbcrEnc != ycbcrEnc601 || asked.quantization != quantizationLim {
		t.Errorf("asked for %+v", asked)
	}
	if f := o.Format(); f.Stride[0] != 160 || k.rate != (fract{1, 30}) {
		t.Errorf("stride %d, interval %+v", f.Stride[0], k.rate)
	}
	if err := o.Write([]byte("frame"), time.Second); err != nil || string(k.wrote) != "frame" {
		t.Errorf("wrote %q, %v", k.wrote, err)
	}
	if err := o.Close(); err != nil || k.closed != 1 {
		t.Errorf("%v, closed %d times", err, k.closed)
	}
}

func TestOutputThatCannotBeUsedSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sinkKernel)
		is     error
		says   string
	}{
		"camera":      {func(k *sinkKernel) { k.caps = capVideoCapture | capStreaming }, nil, "not a video output device"},
		"codec":       {func(k *sinkKernel) { k.caps |= capVideoM2M }, nil, "not a video output device"},
		"streaming":   {func(k *sinkKernel) { k.caps &^= capReadWrite }, nil, "by write(2)"},
		"other size":  {func(k *sinkKernel) { k.coerce = func(p *pixFormat) { p.width = 640 } }, capture.ErrMode, "makes YUYV 640x48 of YUYV 64x48"},
		"other code":  {func(k *sinkKernel) { k.coerce = func(p *pixFormat) { p.pixelformat = uint32(capture.RGB3) } }, capture.ErrMode, "makes RGB3"},
		"short rows":  {func(k *sinkKernel) { k.coerce = func(p *pixFormat) { p.bytesperline = 5 } }, capture.ErrMode, "a row has 5 bytes"},
		"huge rows":   {func(k *sinkKernel) { k.coerce = func(p *pixFormat) { p.bytesperline = 1 << 31 } }, capture.ErrMode, "a row has"},
		"busy":        {func(k *sinkKernel) { k.fail[vidiocSFmt] = unix.EBUSY }, capture.ErrBusy, "set format: YUYV 64x48: device busy"},
		"gone":        {func(k *sinkKernel) { k.fail[vidiocQuerycap] = unix.ENODEV }, capture.ErrGone, "query capability"},
		"rate broken": {func(k *sinkKernel) { k.fail[vidiocGParm] = unix.EIO }, unix.EIO, "set rate"},
	} {
		k := newSinkKernel()
		c.change(k)
		_, err := k.open(capture.YUYV)
		if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "open /dev/video10") || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
		if k.closed != 1 {
			t.Errorf("%s: closed %d times", name, k.closed)
		}
	}
	if _, err := OpenOutput("/dev/no-such-node", capture.YUYV, 64, 48, 0); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("absent: %v", err)
	}
}

func TestRateThatADriverDoesNotHaveIsNoFault(t *testing.T) {
	k := newSinkKernel()
	k.fail[vidiocGParm] = unix.ENOTTY
	if _, err := k.open(capture.MJPG); err != nil {
		t.Error(err)
	}
}

func TestFrameThatIsNotTakenSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sinkKernel)
		is     error
	}{
		"full":     {func(k *sinkKernel) { k.revents = 0 }, ErrFull},
		"too late": {func(k *sinkKernel) { k.werr = unix.EAGAIN }, ErrFull},
		"gone":     {func(k *sinkKernel) { k.werr = unix.ENODEV }, capture.ErrGone},
		"cut":      {func(k *sinkKernel) { k.taken = 2 }, capture.ErrStream},
		"broken":   {func(k *sinkKernel) { k.werr = unix.EIO }, unix.EIO},
	} {
		k := newSinkKernel()
		o, err := k.open(capture.MJPG)
		if err != nil {
			t.Fatal(err)
		}
		c.change(k)
		if err := o.Write([]byte("frame"), time.Second); !errors.Is(err, c.is) {
			t.Errorf("%s: %v, want %v", name, err, c.is)
		}
	}
}
