package worker

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Memory is a file in memory that images are written to, and the parts of it
// that are for that: of Length bytes each, at First and every Step after it. They
// are whole pages; a child can write to no other. With Length 0, it is all of it.
type Memory struct {
	FD                  int
	Data                []byte
	First, Step, Length int
}

// A memory is shared with the child, which can write to its windows, or read it
// when it is where a source has its frames.
type memory struct {
	fd      int
	data    []byte
	frames  bool
	windows windows
}

// windows are parts of a memory, as those of a [Memory].
type windows struct{ First, Step, Length int }

// newArea makes a memory of our own. Pages that are never touched cost nothing.
func newArea(size int) (memory, error) {
	fd, err := unix.MemfdCreate("edge-agent:worker", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return memory{}, fmt.Errorf("create shared memory: %w", err)
	}
	err = unix.Ftruncate(fd, int64(size))
	if err == nil {
		// A child that cuts the memory off would give us SIGBUS.
		_, err = unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL)
	}
	var data []byte
	if err == nil {
		data, err = unix.Mmap(fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	}
	if err != nil {
		return memory{}, errors.Join(fmt.Errorf("%d bytes of shared memory: %w", size, err), unix.Close(fd))
	}
	return memory{fd: fd, data: data}, nil
}

func (m *memory) close() error {
	if m.data == nil {
		return nil
	}
	err := errors.Join(unix.Munmap(m.data), unix.Close(m.fd))
	*m = memory{}
	return err
}

// find is where b begins in m; ok is false when not all of its capacity lies
// in there.
func (m *memory) find(b []byte) (offset int, ok bool) {
	if cap(b) == 0 || len(m.data) == 0 {
		return 0, false
	}
	first := uintptr(unsafe.Pointer(unsafe.SliceData(m.data)))
	begin := uintptr(unsafe.Pointer(unsafe.SliceData(b)))
	if begin < first || begin-first > uintptr(len(m.data)) || uintptr(cap(b)) > uintptr(len(m.data))-(begin-first) {
		return 0, false
	}
	return int(begin - first), true
}

const pageSize = 4096

func pages(n int) int { return (n + pageSize - 1) / pageSize * pageSize }
