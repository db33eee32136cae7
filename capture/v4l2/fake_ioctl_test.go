package v4l2

import (
	"slices"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// ioctl is what drivers/media/v4l2-core does with each call.
func (k *kernel) ioctl(request uintptr, arg unsafe.Pointer) error {
	k.hangs(request)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		k.t.Errorf("ioctl %#x after close", request)
		return unix.EBADF
	}
	if q := k.fail[request]; len(q) > 0 {
		k.fail[request] = q[1:]
		if q[0] != 0 {
			return q[0]
		}
	}
	if e := k.always[request]; e != 0 {
		return e
	}
	if e := k.answer(request, arg); e != 0 {
		return e
	}
	return nil
}

func (k *kernel) answer(request uintptr, arg unsafe.Pointer) unix.Errno {
	switch request {
	case vidiocQuerycap:
		c := (*capability)(arg)
		copy(c.card[:], "Fake Camera")
		copy(c.driver[:], "fake")
		copy(c.busInfo[:], "usb-1")
		// As UVC: the device as a whole captures, this node may not.
		c.capabilities, c.deviceCaps = capVideoCapture|capStreaming|capDeviceCaps, k.caps
	case vidiocEnumFmt:
		return k.enumFmt((*fmtdesc)(arg))
	case vidiocEnumFramesizes:
		return k.enumSizes((*frmsizeenum)(arg))
	case vidiocEnumFrameintervals:
		return k.enumIntervals((*frmivalenum)(arg))
	case vidiocSFmt:
		return k.setFormat((*format)(arg))
	case vidiocGFmt:
		if (*format)(arg).typ != k.bufType {
			return unix.EINVAL
		}
		*(*format)(arg) = k.format
	case vidiocGParm, vidiocSParm:
		p := (*streamparm)(arg)
		if request == vidiocSParm {
			k.interval = p.timeperframe
		}
		p.timeperframe = k.interval
		if !k.noTimeperf {
			p.capability = capTimeperframe
		}
	case vidiocQueryExtCtrl, vidiocQuerymenu, vidiocGExtCtrls, vidiocSExtCtrls:
		return k.control(request, arg)
	case vidiocExpbuf:
		return k.export((*exportbuffer)(arg))
	case vidiocReqbufs, vidiocQuerybuf, vidiocQbuf, vidiocDqbuf, vidiocStreamon, vidiocStreamoff:
		return k.exchange(request, arg)
	default:
		k.t.Errorf("unknown ioctl %#x", request)
		return unix.ENOTTY
	}
	return 0
}

func (k *kernel) enumFmt(f *fmtdesc) unix.Errno {
	if f.typ != k.bufType || int(f.index) >= len(k.formats) {
		return unix.EINVAL
	}
	f.pixelformat = uint32(k.formats[f.index].fourcc)
	copy(f.description[:], "a format")
	return 0
}

func (k *kernel) find(fourcc uint32) *fakeFormat {
	for i := range k.formats {
		if uint32(k.formats[i].fourcc) == fourcc {
			return &k.formats[i]
		}
	}
	return nil
}

func (k *kernel) enumSizes(e *frmsizeenum) unix.Errno {
	f := k.find(e.pixelformat)
	if f == nil || int(e.index) >= len(f.sizes) {
		return unix.EINVAL
	}
	index, fourcc := e.index, e.pixelformat
	*e = f.sizes[index]
	e.index, e.pixelformat = index, fourcc
	return 0
}

func (k *kernel) enumIntervals(e *frmivalenum) unix.Errno {
	f := k.find(e.pixelformat)
	if f == nil || int(e.index) >= len(f.intervals) {
		return unix.EINVAL
	}
	asked := *e
	*e = f.intervals[e.index]
	e.index, e.pixelformat, e.width, e.height = asked.index, asked.pixelformat, asked.width, asked.height
	return 0
}

// setFormat fills in strides and sizes as a driver without padding would.
func (k *kernel) setFormat(f *format) unix.Errno {
	if f.typ != k.bufType {
		return unix.EINVAL
	}
	if k.find(f.pix().pixelformat) == nil && len(k.formats) > 0 {
		f.pix().pixelformat = uint32(k.formats[0].fourcc)
	}
	p := f.pix()
	p.field = fieldNone
	geometry := capture.Format{PixelFormat: logical(p.pixelformat), Width: int(p.width), Height: int(p.height)}
	strides, sizes := []uint32{0}, []uint32{p.width * p.height * 2}
	if l := geometry.PixelFormat.Layout(); l != nil && !l.Compressed() {
		strides, sizes = nil, nil
		for i := range l.Planes {
			strides = append(strides, uint32(geometry.RowBytes(i)))
			sizes = append(sizes, uint32(geometry.RowBytes(i)*geometry.Rows(i)))
		}
	}
	if k.bufType == bufTypeVideoCapture {
		p.bytesperline, p.colorspace = strides[0], colorspaceSRGB
		p.sizeimage = 0
		for _, s := range sizes {
			p.sizeimage += s
		}
	} else {
		m := f.pixMp()
		m.colorspace = colorspaceSRGB
		m.numPlanes = 1
		if logical(p.pixelformat) != capture.PixelFormat(p.pixelformat) {
			m.numPlanes = uint8(len(sizes))
		}
		m.planeFmt[0] = planePixFormat{bytesperline: strides[0]}
		for i, s := range sizes {
			at := min(i, int(m.numPlanes)-1)
			m.planeFmt[at].sizeimage += s
			m.planeFmt[at].bytesperline = strides[at]
		}
	}
	if k.coerce != nil {
		k.coerce(f)
	}
	k.format = *f
	return 0
}

func (k *kernel) control(request uintptr, arg unsafe.Pointer) unix.Errno {
	byID := func(id uint32) *fakeControl {
		for _, c := range k.controls {
			if c.id == id {
				return c
			}
		}
		return nil
	}
	switch request {
	case vidiocQueryExtCtrl:
		q := (*queryExtCtrl)(arg)
		next, id := q.id&ctrlFlagNextCtrl != 0, q.id&^uint32(ctrlFlagNextCtrl)
		for _, c := range k.controls { // sorted by id
			if c.id == id && !next || c.id > id && next {
				*q = c.queryExtCtrl
				return 0
			}
		}
		return unix.EINVAL
	case vidiocQuerymenu:
		m := (*querymenu)(arg)
		name, ok := byID(m.id).menu[m.index]
		if !ok {
			return unix.EINVAL
		}
		copy(m.name[:], name)
		return 0
	}
	e := (*extControls)(arg).controls
	c := byID(e.id)
	if request == vidiocGExtCtrls {
		e.value = [2]uint32{uint32(c.value), uint32(c.value >> 32)}
		return 0
	}
	if c.refuses != 0 {
		return c.refuses
	}
	c.value = int64(int32(e.value[0]))
	if ControlType(c.typ) == ControlInteger64 {
		c.value = int64(e.value[0]) | int64(e.value[1])<<32
	}
	if c.onSet != nil {
		c.onSet(c)
	}
	return 0
}

// exchange are the calls about buffers.
func (k *kernel) exchange(request uintptr, arg unsafe.Pointer) unix.Errno {
	switch request {
	case vidiocReqbufs:
		return k.reqbufs((*requestbuffers)(arg))
	case vidiocStreamon:
		k.streaming = true
	case vidiocStreamoff:
		k.streaming, k.queued, k.done = false, nil, nil
		k.signal()
	case vidiocQuerybuf, vidiocQbuf:
		b := (*buffer)(arg)
		if int(b.index) >= len(k.memory) {
			return unix.EINVAL
		}
		if request == vidiocQbuf {
			return k.qbuf(b)
		}
		b.flags = k.tsFlags
		for i, size := range k.planes() {
			offset := uint64(b.index)<<20 | uint64(i)<<12
			if k.bufType == bufTypeVideoCapture {
				b.m, b.length = offset, uint32(size)
			} else {
				planesOf(b)[i].m, planesOf(b)[i].length = offset, uint32(size)
			}
		}
	case vidiocDqbuf:
		return k.dqbuf((*buffer)(arg))
	}
	return 0
}

func (k *kernel) export(e *exportbuffer) unix.Errno {
	if k.exports--; k.exports < 0 {
		return unix.ENOTTY
	}
	if int(e.index) >= len(k.memory) || int(e.plane) >= len(k.planes()) || e.typ != k.bufType || e.flags != unix.O_CLOEXEC|unix.O_RDONLY {
		return unix.EINVAL
	}
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		k.t.Error(err)
	}
	e.fd = int32(fd)
	return 0
}

func (k *kernel) reqbufs(r *requestbuffers) unix.Errno {
	k.requested = int(r.count)
	if r.count == 0 {
		k.memory = nil
		return 0
	}
	if k.buffers > 0 {
		r.count = uint32(k.buffers)
	}
	k.memory = nil
	for range r.count {
		k.memory = append(k.memory, make([][]byte, len(k.planes())))
	}
	return 0
}

func (k *kernel) qbuf(b *buffer) unix.Errno {
	i := int(b.index)
	if slices.Contains(k.queued, i) || slices.ContainsFunc(k.done, func(f filled) bool { return f.index == i }) {
		k.t.Errorf("buffer %d queued twice", i)
		return unix.EINVAL
	}
	k.queued = append(k.queued, i)
	return 0
}

func (k *kernel) dqbuf(b *buffer) unix.Errno {
	switch {
	case !k.streaming:
		return unix.EINVAL
	case len(k.done) == 0:
		return unix.EAGAIN
	}
	f := k.done[0]
	k.done = append(k.done[:0], k.done[1:]...)
	k.signal()
	b.index, b.flags, b.sequence = uint32(f.index), f.flags, f.sequence
	b.timestamp = timeval{int64(f.timestamp / time.Second), int64(f.timestamp % time.Second / time.Microsecond)}
	b.bytesused = uint32(f.bytesused[0])
	if k.bufType == bufTypeVideoCaptureMplane {
		for i, n := range f.bytesused {
			planesOf(b)[i].bytesused, planesOf(b)[i].dataOffset = uint32(n), uint32(f.offset)
		}
	}
	return 0
}
