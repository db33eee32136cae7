package v4l2

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/capture"
)

// logical is the arrangement of pixels of a driver's format.
func logical(fourcc uint32) capture.PixelFormat { return capture.PixelFormat(fourcc).Pixels() }

// A span is where a plane of pixels lies: from offset on in a memory plane.
type span struct{ memory, offset, length int }

// A picture is what the driver agreed to, in terms of memory.
type picture struct {
	format capture.Format
	// memoryPlanes is how many planes a buffer of the driver has.
	memoryPlanes int
	// spans are the planes of the pixel format; one for a bitstream, of
	// length 0.
	spans []span
	field uint32
}

// agreed is format as both kinds of it have it, after VIDIOC_S_FMT.
type agreed struct {
	fourcc, width, height, field, colorspace, ycbcrEnc, quantization uint32
	bytesperline                                                     []int // by memory plane
}

func (f *format) agreed() agreed {
	if f.typ == bufTypeVideoCaptureMplane {
		p := f.pixMp()
		a := agreed{p.pixelformat, p.width, p.height, p.field, p.colorspace, uint32(p.ycbcrEnc), uint32(p.quantization), nil}
		for _, m := range p.planeFmt[:min(p.numPlanes, maxMemoryPlanes)] {
			a.bytesperline = append(a.bytesperline, int(m.bytesperline))
		}
		return a
	}
	p := f.pix()
	a := agreed{p.pixelformat, p.width, p.height, p.field, p.colorspace, 0, 0, []int{int(p.bytesperline)}}
	if p.priv == pixFmtPrivMagic { // else the driver does not know of these fields
		a.ycbcrEnc, a.quantization = p.ycbcrEnc, p.quantization
	}
	return a
}

// setFormat asks for a mode and returns what the driver made of it.
func setFormat(d device, bufType uint32, o offer) (*picture, error) {
	f := &format{typ: bufType}
	// width, height, pixelformat and field lie first in both members of the union.
	p := f.pix()
	p.width, p.height, p.pixelformat, p.field = uint32(o.Width), uint32(o.Height), o.fourcc, fieldNone
	if bufType == bufTypeVideoCapture {
		p.priv = pixFmtPrivMagic
	}
	if err := d.ioctl(vidiocSFmt, unsafe.Pointer(f)); err != nil {
		return nil, explain(err)
	}
	return f.agreed().picture()
}

// picture works out where the planes lie, or says what is wrong with what the
// driver says.
func (a agreed) picture() (*picture, error) {
	p := &picture{memoryPlanes: len(a.bytesperline), field: a.field}
	f := &p.format
	f.PixelFormat, f.Width, f.Height = logical(a.fourcc), int(a.width), int(a.height)
	layout := f.PixelFormat.Layout()
	switch {
	case layout == nil:
		return nil, fmt.Errorf("the driver delivers %s, which is %s: %w", f.PixelFormat, f.PixelFormat.Unreadable(), capture.ErrMode)
	case a.width == 0 || a.height == 0 || a.width > maxSide || a.height > maxSide || p.memoryPlanes == 0:
		return nil, fmt.Errorf("the driver delivers %dx%d in %d planes: %w", a.width, a.height, p.memoryPlanes, capture.ErrMode)
	case a.field == fieldSeqTB || a.field == fieldSeqBT || a.field == fieldAlternate:
		return nil, fmt.Errorf("the driver delivers fields one after the other (field order %d), which cannot be read: %w", a.field, capture.ErrMode)
	}
	f.Matrix, f.Range = a.color()
	if layout.Compressed() {
		p.spans = []span{{}}
		return p, nil
	}
	return p, p.place(layout, a.bytesperline)
}

// maxSide keeps sizes from overflowing: larger than any sensor.
const maxSide = 1 << 15

// place finds the strides and the spans of a raw format. Planes that share a
// buffer follow each other without gaps; their strides are in proportion to
// their samples (V4L2 manual, "Planar YUV formats").
func (p *picture) place(layout *capture.Layout, bytesperline []int) error {
	f, first := &p.format, layout.Planes[0]
	offset := 0
	for i, pl := range layout.Planes {
		s := span{}
		switch {
		case len(bytesperline) == len(layout.Planes):
			s.memory = i
			f.Stride[i] = bytesperline[i]
		case len(bytesperline) == 1:
			s.offset = offset
			f.Stride[i] = bytesperline[0] * pl.Bytes * first.Pixels / (first.Bytes * pl.Pixels)
		default:
			return fmt.Errorf("the driver delivers %s in %d planes: %w", f.PixelFormat, len(bytesperline), capture.ErrMode)
		}
		if f.Stride[i] < f.RowBytes(i) {
			return fmt.Errorf("the driver says that a row of plane %d of %s %dx%d has %d bytes, but its pixels need %d: %w",
				i, f.PixelFormat, f.Width, f.Height, f.Stride[i], f.RowBytes(i), capture.ErrMode)
		}
		s.length = f.PlaneBytes(i)
		offset += f.Stride[i] * f.Rows(i)
		p.spans = append(p.spans, s)
	}
	return nil
}

// setRate asks for a frame interval and returns what the driver made of it, 0
// when it does not say.
func setRate(d device, bufType uint32, interval fract) (time.Duration, error) {
	p := &streamparm{typ: bufType}
	if err := d.ioctl(vidiocGParm, unsafe.Pointer(p)); err != nil {
		return 0, noRate(err)
	}
	if p.capability&capTimeperframe != 0 && interval.numerator != 0 {
		p.timeperframe = interval
		if err := d.ioctl(vidiocSParm, unsafe.Pointer(p)); err != nil {
			return 0, noRate(err)
		}
	}
	rate := p.timeperframe.rate()
	if rate == 0 {
		return 0, nil
	}
	return time.Duration(float64(time.Second) / rate), nil
}
