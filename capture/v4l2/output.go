package v4l2

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// An Output is an open video output node: what a program writes there another
// one captures (v4l2loopback), or a display shows. One goroutine uses it.
type Output struct {
	path   string
	device outputNode
	format capture.Format
	taker  taker
}

// A taker is how the driver is given a frame. The error is EAGAIN when it takes
// none now.
type taker interface {
	take(frame []byte) error
	close() error
}

// ErrFull: the driver takes no frame now, it has too many.
var ErrFull = errors.New("the device takes no frames")

// An outputNode is the kernel, as far as an Output sees it.
type outputNode interface {
	// ioctl is that of a device.
	ioctl(request uintptr, arg unsafe.Pointer) error
	// writable waits until the node takes a frame or has an error condition.
	writable(timeout time.Duration) (revents int16, err error)
	// write does not block.
	write(b []byte) (int, error)
	mmap(offset int64, length int) ([]byte, error)
	munmap([]byte) error
	close() error
}

// OpenOutput opens a node and has it take frames of a pixel format with one
// plane, or of MJPG, YUV in limited range by BT.601; a rate of 0 is not told.
// Errors wrap those of package capture: ErrNotFound, ErrBusy, ErrPermission,
// ErrGone, and ErrMode when the driver makes another format of it. The system
// calls in it take as long as the driver does.
func OpenOutput(path string, pixels capture.PixelFormat, width, height int, rate float64) (*Output, error) {
	want := capture.Format{PixelFormat: pixels, Width: width, Height: height, Matrix: capture.BT601, Range: capture.Limited}
	return openOutput(path, want, rate, func() (outputNode, error) {
		n, err := openNode(path)
		if err != nil {
			return nil, err
		}
		return n.(node), nil
	})
}

func openOutput(path string, want capture.Format, rate float64, open func() (outputNode, error)) (*Output, error) {
	o := &Output{path: path}
	err := run([]step{
		{"", func() (err error) { o.device, err = open(); return explain(err) }},
		{"query capability", o.identify},
		{"set format", func() error { return o.setFormat(want) }},
		{"set rate", func() error { return o.setRate(rate) }},
		{"start", o.start},
	})
	if err != nil {
		if o.taker != nil {
			err = errors.Join(err, o.taker.close())
		}
		if o.device != nil {
			err = errors.Join(err, o.device.close())
		}
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return o, nil
}

// identify chooses streaming where there is a choice. In drivers of videobuf2,
// write(2) is emulated and leaves the size of the payload at 0, which vivid of
// Linux 6.1 refuses with EINVAL; and a v4l2loopback (0.12.7, exclusive_caps=1) that
// was written to is no output device any more once it was closed.
func (o *Output) identify() error {
	c := new(capability)
	if err := o.device.ioctl(vidiocQuerycap, unsafe.Pointer(c)); err != nil {
		return explain(err)
	}
	caps, driver := c.caps(), text(c.driver[:])
	switch {
	case caps&capVideoOutput == 0 || caps&(capVideoM2M|capVideoM2MMplane) != 0:
		return fmt.Errorf("capabilities %#08x of %s: not a video output device; allowed: one that is, such as v4l2loopback's", caps, driver)
	case caps&capStreaming != 0:
		o.taker = &queue{device: o.device}
	case caps&capReadWrite != 0:
		o.taker = writer{o.device}
	default:
		return fmt.Errorf("capabilities %#08x of %s: it takes frames neither by streaming nor by write(2)", caps, driver)
	}
	return nil
}

func (o *Output) start() error {
	if q, ok := o.taker.(*queue); ok {
		return q.start()
	}
	return nil
}

// setFormat asks for want and takes strides from what the driver made of it.
func (o *Output) setFormat(want capture.Format) error {
	f := &format{typ: bufTypeVideoOutput}
	p := f.pix()
	p.width, p.height, p.pixelformat = uint32(want.Width), uint32(want.Height), uint32(want.PixelFormat)
	p.field, p.priv = fieldNone, pixFmtPrivMagic
	layout := want.PixelFormat.Layout()
	if layout.Compressed() {
		p.colorspace, p.sizeimage = colorspaceJPEG, p.width*p.height*3
	} else {
		p.colorspace, p.bytesperline = colorspaceSRGB, uint32(want.RowBytes(0))
		p.sizeimage = p.bytesperline * p.height
	}
	if layout.Kind == capture.YUV {
		p.ycbcrEnc, p.quantization = ycbcrEnc601, quantizationLim
	}
	if err := o.device.ioctl(vidiocSFmt, unsafe.Pointer(f)); err != nil {
		return fmt.Errorf("%v %dx%d: %w", want.PixelFormat, want.Width, want.Height, explain(err))
	}
	if p.pixelformat != uint32(want.PixelFormat) || int(p.width) != want.Width || int(p.height) != want.Height {
		return fmt.Errorf("the driver makes %v %dx%d of %v %dx%d; allowed: what it takes, or a node that nobody else has set: %w",
			capture.PixelFormat(p.pixelformat), p.width, p.height, want.PixelFormat, want.Width, want.Height, capture.ErrMode)
	}
	if o.format = want; layout.Compressed() {
		return nil
	}
	if int(p.bytesperline) < want.RowBytes(0) || p.bytesperline > math.MaxInt32/uint32(want.Height) {
		return fmt.Errorf("the driver says that a row has %d bytes, but its pixels need %d: %w", p.bytesperline, want.RowBytes(0), capture.ErrMode)
	}
	o.format.Stride[0] = int(p.bytesperline)
	return nil
}

// setRate tells whoever captures how often frames come. Not every driver
// listens.
func (o *Output) setRate(rate float64) error {
	if rate == 0 {
		return nil
	}
	p := &streamparm{typ: bufTypeVideoOutput}
	if err := o.device.ioctl(vidiocGParm, unsafe.Pointer(p)); err != nil {
		return noRate(err)
	}
	p.timeperframe = intervalOf(rate)
	return noRate(o.device.ioctl(vidiocSParm, unsafe.Pointer(p)))
}

// Format is what the driver takes, with its strides.
func (o *Output) Format() capture.Format { return o.format }

// Write gives the driver one frame. It waits for up to limit, after which the
// error is [ErrFull]. With any other error the node has to be opened again.
//
// It waits only when a frame was not taken: v4l2loopback (0.12.7) answers no poll
// before the first one.
func (o *Output) Write(frame []byte, limit time.Duration) error {
	err := o.taker.take(frame)
	if errors.Is(err, unix.EAGAIN) {
		revents, e := o.device.writable(limit)
		switch {
		case e != nil:
			return fmt.Errorf("write %s: %w", o.path, e)
		case revents == 0:
			return fmt.Errorf("write %s: %w for %v", o.path, ErrFull, limit)
		}
		err = o.taker.take(frame)
	}
	switch {
	case errors.Is(err, unix.EAGAIN):
		return fmt.Errorf("write %s: %w", o.path, ErrFull)
	case err != nil:
		return fmt.Errorf("write %s: %w", o.path, explain(err))
	}
	return nil
}

// Close gives the node back.
func (o *Output) Close() error { return errors.Join(o.taker.close(), o.device.close()) }

// A writer gives frames by write(2).
type writer struct{ device outputNode }

func (w writer) take(frame []byte) error {
	n, err := w.device.write(frame)
	if err == nil && n != len(frame) {
		err = fmt.Errorf("%d of %d bytes were taken: %w", n, len(frame), capture.ErrStream)
	}
	return err
}

func (w writer) close() error { return nil }

func (n node) writable(timeout time.Duration) (int16, error) {
	fds := [1]unix.PollFd{{Fd: int32(n), Events: unix.POLLOUT}}
	if _, err := retry(func() (int, error) { return unix.Poll(fds[:], int(timeout/time.Millisecond)) }); err != nil {
		return 0, fmt.Errorf("poll: %w", err)
	}
	return fds[0].Revents, nil
}

func (n node) write(b []byte) (int, error) {
	return retry(func() (int, error) { return unix.Write(int(n), b) })
}
