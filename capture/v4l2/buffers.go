package v4l2

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/edge-agent/agent/capture"
)

// Who a buffer is with.
type holder uint8

const (
	withUs     holder = iota // neither: it could not be queued yet
	withDriver               // queued, to be filled
	onLoan                   // its frame was handed out
	unmapped
)

// A lease is one buffer of the driver and the frame that is lent from it.
type lease struct {
	frame  capture.Frame
	memory [][]byte // by memory plane
	shared []int    // descriptors of the same, or none
	holder holder   // under buffers.mu

	// What VIDIOC_QBUF is called with; here, because it may not be allocated
	// for every call.
	arg    buffer
	planes [maxMemoryPlanes]plane
}

// buffers are the leases of a stream. Frames come back from any goroutine,
// also after the end of the stream.
type buffers struct {
	device       device
	typ          uint32
	memoryPlanes int
	waker        *waker

	leases []*lease // fixed once mapped

	mu     sync.Mutex // held during VIDIOC_QBUF, which does not block
	closed bool
	paused bool // the stream is being restarted: nothing is queued

	// queued is how many are with the driver. While it is 0, a Read that waits
	// sets starved, and the next Return wakes it.
	queued  atomic.Int32
	starved atomic.Bool
	// unqueued says that a buffer came back and the driver did not take it.
	unqueued atomic.Bool
}

// prepare fills in what all calls about a buffer have in common.
func (b *buffers) prepare(arg *buffer, planes *[maxMemoryPlanes]plane, index int) {
	*arg = buffer{index: uint32(index), typ: b.typ, memory: memoryMmap}
	if b.typ == bufTypeVideoCaptureMplane {
		*planes = [maxMemoryPlanes]plane{}
		arg.length = uint32(b.memoryPlanes)
		// The address of planes is an integer here, because the kernel puts
		// offsets in its place; whoever holds arg holds planes too.
		arg.m = uint64(uintptr(unsafe.Pointer(planes)))
	}
}

// request asks the driver for n buffers and returns how many it gives.
func (b *buffers) request(n int) (int, error) {
	r := &requestbuffers{count: uint32(n), typ: b.typ, memory: memoryMmap}
	if err := b.device.ioctl(vidiocReqbufs, unsafe.Pointer(r)); err != nil {
		return 0, explain(err)
	}
	return int(r.count), nil
}

// mapAll maps n buffers. What it mapped before an error, close unmaps.
func (b *buffers) mapAll(n int) error {
	if n < 2 || n > maxBuffers {
		return fmt.Errorf("the driver gives %d buffers; 2 to %d are needed", n, maxBuffers)
	}
	for i := range n {
		l := &lease{}
		b.leases = append(b.leases, l)
		b.prepare(&l.arg, &l.planes, i)
		if err := b.device.ioctl(vidiocQuerybuf, unsafe.Pointer(&l.arg)); err != nil {
			return fmt.Errorf("query buffer %d: %w", i, explain(err))
		}
		for p := range b.memoryPlanes {
			offset, length := l.arg.m&0xffffffff, l.arg.length
			if b.typ == bufTypeVideoCaptureMplane {
				offset, length = l.planes[p].m&0xffffffff, l.planes[p].length
			}
			m, err := b.device.mmap(int64(offset), int(length))
			if err != nil {
				return fmt.Errorf("map buffer %d: %w", i, explain(err))
			}
			l.memory = append(l.memory, m)
		}
	}
	return nil
}

// monotonic says whether the driver's time stamps are of CLOCK_MONOTONIC; it
// is known as soon as buffers are.
func (b *buffers) monotonic() bool {
	return b.leases[0].arg.flags&bufFlagTimestampMask == bufFlagTimestampMonotonic
}

// queueAll gives every buffer that is with us to the driver.
func (b *buffers) queueAll() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unqueued.Store(false)
	for i, l := range b.leases {
		if l.holder != withUs {
			continue
		}
		if err := b.queue(i); err != nil {
			return err
		}
	}
	return nil
}

// queue gives a buffer to the driver. The caller holds mu.
func (b *buffers) queue(index int) error {
	l := b.leases[index]
	l.holder = withUs
	b.prepare(&l.arg, &l.planes, index)
	if err := b.device.ioctl(vidiocQbuf, unsafe.Pointer(&l.arg)); err != nil {
		return fmt.Errorf("queue buffer %d: %w", index, explain(err))
	}
	l.holder = withDriver
	b.queued.Add(1)
	return nil
}

// take notes that a dequeued buffer is handed out.
func (b *buffers) take(index int) (*lease, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if index < 0 || index >= len(b.leases) || b.leases[index].holder != withDriver {
		return nil, fmt.Errorf("the driver gave buffer %d, which it did not have: %w", index, capture.ErrStream)
	}
	l := b.leases[index]
	l.holder = onLoan
	b.queued.Add(-1)
	return l, nil
}

// Return is [capture.Lender]'s: it gives the frame's buffer back to the
// driver, or unmaps it when the stream was closed meanwhile.
func (b *buffers) Return(f *capture.Frame) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, l := range b.leases {
		if &l.frame != f || l.holder != onLoan {
			continue
		}
		l.holder = withUs
		if b.closed {
			// There is nobody to tell that munmap failed, and it cannot.
			_ = b.unmap(l)
			return
		}
		if b.paused {
			return
		}
		if b.queue(i) != nil {
			b.unqueued.Store(true) // Read tries again and tells the owner
			b.waker.wake()
		} else if b.starved.Swap(false) {
			b.waker.wake()
		}
		return
	}
	panic("v4l2: returned a frame that is not on loan")
}

// pause keeps what comes back from the driver until [buffers.reclaim].
func (b *buffers) pause() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = true
}

// reclaim takes from the driver what it had, once it has stopped.
func (b *buffers) reclaim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.paused = false
	b.queued.Store(0)
	for _, l := range b.leases {
		if l.holder == withDriver {
			l.holder = withUs
		}
	}
}

func (b *buffers) unmap(l *lease) error {
	l.holder = unmapped
	errs := []error{l.unshare()}
	for _, m := range l.memory {
		errs = append(errs, b.device.munmap(m))
	}
	l.memory = nil
	l.frame.Planes = [capture.MaxPlanes][]byte{}
	return errors.Join(errs...)
}

// retire ends the exchange with the driver: from now on a frame that comes
// back is unmapped and not queued.
func (b *buffers) retire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// unmapIdle unmaps all buffers but those on loan, once the driver has stopped.
func (b *buffers) unmapIdle() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, l := range b.leases {
		if l.holder == withUs || l.holder == withDriver {
			errs = append(errs, b.unmap(l))
		}
	}
	return errors.Join(errs...)
}
