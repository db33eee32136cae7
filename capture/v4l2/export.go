package v4l2

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// export gets a descriptor for each buffer, for another process to map, from a
// driver that gives them. The process can read only. What it sees is what this
// one sees: buffers of V4L2_MEMORY_MMAP are made fit for the CPU by DQBUF, so
// that no DMA_BUF_IOCTL_SYNC is needed. Its mappings keep the memory, but not
// the device.
func (b *buffers) export() {
	for i, l := range b.leases {
		for p := range b.memoryPlanes {
			e := &exportbuffer{typ: b.typ, index: uint32(i), plane: uint32(p), flags: unix.O_CLOEXEC | unix.O_RDONLY}
			if b.device.ioctl(vidiocExpbuf, unsafe.Pointer(e)) != nil {
				b.unexport() // frames are copied then
				return
			}
			l.shared = append(l.shared, int(e.fd))
		}
	}
}

func (b *buffers) unexport() {
	for _, l := range b.leases {
		_ = l.unshare() // cannot fail
	}
}

func (l *lease) unshare() error {
	var errs []error
	for _, fd := range l.shared {
		errs = append(errs, unix.Close(fd))
	}
	l.shared = nil
	return errors.Join(errs...)
}

// Memories is for [capture.MemoriesOf].
func (s *stream) Memories() (all []capture.Memory) {
	for _, l := range s.buffers.leases {
		for p, fd := range l.shared {
			all = append(all, capture.Memory{FD: fd, Data: l.memory[p]})
		}
	}
	return all
}
