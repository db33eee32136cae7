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

	driver string
	queued []buffer // by the program, the oldest first
	done   []uint32
	shown  []string // frames that were queued
	mapped map[uint32][]byte
	length uint32
	unmaps int
	stream bool
}

func newSinkKernel() *sinkKernel {
	return &sinkKernel{
		caps: capVideoOutput | capReadWrite | capStreaming, driver: "v4l2 loopback", revents: unix.POLLOUT, taken: -1,
		fail: map[uintptr]unix.Errno{}, mapped: map[uint32][]byte{}, length: 64,
	}
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
		copy(c.driver[:], k.driver)
		c.capabilities, c.deviceCaps = k.caps|capVideoCapture|capDeviceCaps, k.caps
	case vidiocSFmt:
		f := (*format)(arg)
		if f.typ != bufTypeVideoOutput {
			return unix.EINVAL
		}
		if k.coerce != nil {
			k.coerce(f.pix())
		}
	case vidiocReqbufs, vidiocQuerybuf, vidiocQbuf, vidiocDqbuf, vidiocStreamon:
		return k.exchange(request, arg)
	case vidiocSParm:
		k.rate = (*streamparm)(arg).timeperframe
	}
	return nil
}

// exchange are the calls about buffers, with videobuf2's rules.
func (k *sinkKernel) exchange(request uintptr, arg unsafe.Pointer) error {
	switch request {
	case vidiocStreamon:
		k.stream = true
		return nil
	case vidiocReqbufs:
		return nil
	}
	b := (*buffer)(arg)
	if b.typ != bufTypeVideoOutput || b.memory != memoryMmap {
		return unix.EINVAL
	}
	switch request {
	case vidiocQuerybuf:
		b.m, b.length = uint64(b.index)<<12, k.length
	case vidiocQbuf:
		for _, q := range k.queued {
			if q.index == b.index {
				return unix.EINVAL
			}
		}
		k.queued = append(k.queued, *b)
		k.shown = append(k.shown, string(k.mapped[b.index][:b.bytesused]))
	case vidiocDqbuf:
		if len(k.done) == 0 {
			return unix.EAGAIN
		}
		b.index, k.done = k.done[0], k.done[1:]
	}
	return nil
}

// show ends the oldest buffer, as a display does.
func (k *sinkKernel) show() {
	k.done = append(k.done, k.queued[0].index)
	k.queued = k.queued[1:]
}

func (k *sinkKernel) mmap(offset int64, length int) ([]byte, error) {
	m := make([]byte, length)
	k.mapped[uint32(offset>>12)] = m
	return m, nil
}

func (k *sinkKernel) munmap([]byte) error { k.unmaps++; return nil }

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

func TestDriverWithoutStreamingIsWrittenTo(t *testing.T) {
	k := newSinkKernel()
	k.caps &^= capStreaming
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
		"no way in":   {func(k *sinkKernel) { k.caps = capVideoOutput }, nil, "neither by streaming nor by write(2)"},
		"no buffers":  {func(k *sinkKernel) { k.fail[vidiocReqbufs] = unix.EBUSY }, capture.ErrBusy, "request buffers"},
		"no start":    {func(k *sinkKernel) { k.fail[vidiocStreamon] = unix.EIO }, unix.EIO, "start streaming"},
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

func TestDriverThatStreamsIsStreamedTo(t *testing.T) {
	k := newSinkKernel()
	o, err := k.open(capture.MJPG)
	if err != nil || !k.stream {
		t.Fatal(err)
	}
	for _, frame := range []string{"one", "two", "three", "four"} {
		if err := o.Write([]byte(frame), 0); err != nil {
			t.Fatal(err)
		}
	}
	k.revents = 0
	if err := o.Write([]byte("five"), 0); !errors.Is(err, ErrFull) {
		t.Errorf("a fifth frame of four buffers: %v", err)
	}
	k.revents = unix.POLLOUT
	if err := o.Write([]byte("five"), 0); !errors.Is(err, ErrFull) {
		t.Errorf("no buffer is done: %v", err)
	}
	k.show()
	if err := o.Write([]byte("five"), 0); err != nil {
		t.Error(err)
	}
	if got := strings.Join(k.shown, " "); got != "one two three four five" {
		t.Error(got)
	}
	if err := o.Close(); err != nil || k.unmaps != outputBuffers || k.closed != 1 {
		t.Errorf("%v; %d unmapped", err, k.unmaps)
	}
}

// A reader of v4l2loopback may still look at the last frames.
func TestBuffersAreUsedInTurns(t *testing.T) {
	k := newSinkKernel()
	o, err := k.open(capture.MJPG)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	var order []uint32
	for range 2 * outputBuffers {
		if err := o.Write([]byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		order = append(order, k.queued[0].index)
		k.show()
	}
	for i, index := range order {
		if int(index) != i%outputBuffers {
			t.Errorf("buffers in the order %v", order)
			break
		}
	}
}

func TestDriverThatStreamsWrongIsGivenUp(t *testing.T) {
	for name, spoil := range map[string]func(*sinkKernel){
		"unknown buffer": func(k *sinkKernel) { k.done = []uint32{77} },
		"the same twice": func(k *sinkKernel) { k.show(); k.done = append(k.done, k.done[0]) },
		"queue fails":    func(k *sinkKernel) { k.fail[vidiocQbuf] = unix.EIO },
		"dequeue fails":  func(k *sinkKernel) { k.fail[vidiocDqbuf] = unix.ENODEV },
		"too small":      func(k *sinkKernel) { k.show(); k.show() },
	} {
		k := newSinkKernel()
		o, err := k.open(capture.MJPG)
		if err != nil {
			t.Fatal(err)
		}
		frame := make([]byte, 64)
		for range 2 {
			if err := o.Write(frame, 0); err != nil {
				t.Fatal(err)
			}
		}
		spoil(k)
		if name == "too small" {
			frame = make([]byte, 65)
		}
		if err := o.Write(frame, 0); err == nil || errors.Is(err, ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
		o.Close()
	}
}

func TestRateThatADriverDoesNotHaveIsNoFault(t *testing.T) {
	k := newSinkKernel()
	k.fail[vidiocGParm] = unix.ENOTTY
	if _, err := k.open(capture.MJPG); err != nil {
		t.Error(err)
	}
}

func TestFrameThatWriteDoesNotTakeSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*sinkKernel)
		is     error
	}{
		"full":     {func(k *sinkKernel) { k.revents, k.werr = 0, unix.EAGAIN }, ErrFull},
		"too late": {func(k *sinkKernel) { k.werr = unix.EAGAIN }, ErrFull},
		"gone":     {func(k *sinkKernel) { k.werr = unix.ENODEV }, capture.ErrGone},
		"cut":      {func(k *sinkKernel) { k.taken = 2 }, capture.ErrStream},
		"broken":   {func(k *sinkKernel) { k.werr = unix.EIO }, unix.EIO},
	} {
		k := newSinkKernel()
		k.caps &^= capStreaming
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
