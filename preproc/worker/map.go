package worker

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The child's view of memory.

// mapAll maps each memory and closes its descriptor.
func (s *server) mapAll(descriptors []int, memories []told) (err error) {
	if len(descriptors) != len(memories) {
		err = fmt.Errorf("%d descriptors of %d memories", len(descriptors), len(memories))
	}
	for i, fd := range descriptors {
		var data []byte
		if err == nil {
			data, err = memories[i].mapped(fd)
		}
		if data != nil {
			s.memories = append(s.memories, data)
		}
		err = errors.Join(err, unix.Close(fd))
	}
	if err != nil {
		return fmt.Errorf("worker: map memory: %w", err)
	}
	return nil
}

func (t told) mapped(fd int) ([]byte, error) {
	switch {
	case t.ReadOnly:
		return unix.Mmap(fd, 0, t.Size, unix.PROT_READ, unix.MAP_SHARED)
	case t.Windows.Length == 0:
		return unix.Mmap(fd, 0, t.Size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	return t.throughWindows(fd)
}

// throughWindows maps the windows at their places in a reservation of the whole,
// in which nothing can be reached besides.
func (t told) throughWindows(fd int) ([]byte, error) {
	whole, err := unix.Mmap(-1, 0, t.Size, unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	for at := t.Windows.First; at < t.Size; at += t.Windows.Step {
		place := unsafe.Pointer(&whole[at])
		if _, err := unix.MmapPtr(fd, int64(at), place, uintptr(t.Windows.Length), unix.PROT_READ|unix.PROT_WRITE,
			unix.MAP_SHARED|unix.MAP_FIXED); err != nil {
			return whole, err
		}
	}
	return whole, nil
}

func (s *server) unmap() error {
	var errs []error
	for _, m := range s.memories {
		errs = append(errs, unix.Munmap(m))
	}
	s.memories = s.memories[:0]
	return errors.Join(errs...)
}
