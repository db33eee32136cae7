package v4l2

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A device is an open video node: the kernel, as far as this package sees it.
// Tests put a fake one in its place.
type device interface {
	// ioctl retries EINTR; its other errors are errnos.
	ioctl(request uintptr, arg unsafe.Pointer) error
	// poll waits until the device has a frame or an error condition, w is
	// woken, a signal came, or timeout has passed; a negative timeout is none.
	// With dev false it does not look at the device.
	poll(w *waker, dev bool, timeout time.Duration) (revents int16, err error)
	mmap(offset int64, length int) ([]byte, error)
	munmap([]byte) error
	close() error
}

// A node is a device file, opened with O_NONBLOCK.
type node int

// openNode opens a device file, which must be a character device: opening a
// pipe or a disk by mistake would be worse than an error.
func openNode(path string) (device, error) {
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		return nil, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return nil, fmt.Errorf("not a character device")
	}
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, err
	}
	return node(fd), nil
}

// retry calls f until it is not interrupted by a signal.
func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != unix.EINTR {
			return n, err
		}
	}
}

func (n node) ioctl(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(n), request, uintptr(arg))
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
		}
	}
}

func (n node) poll(w *waker, dev bool, timeout time.Duration) (int16, error) {
	return pollFDs(int(n), w, dev, timeout)
}

func (n node) mmap(offset int64, length int) ([]byte, error) {
	return unix.Mmap(int(n), offset, length, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (n node) munmap(b []byte) error { return unix.Munmap(b) }
func (n node) close() error          { return unix.Close(int(n)) }

// pollFDs waits on a descriptor (if dev) and a waker, which it leaves asleep.
func pollFDs(fd int, w *waker, dev bool, timeout time.Duration) (int16, error) {
	fds := [2]unix.PollFd{{Fd: int32(w.fd), Events: unix.POLLIN}, {Fd: int32(fd), Events: unix.POLLIN}}
	n := 1
	if dev {
		n = 2
	}
	ms := -1
	if timeout >= 0 {
		ms = int(min((timeout+time.Millisecond-1)/time.Millisecond, math.MaxInt32))
	}
	if _, err := unix.Poll(fds[:n], ms); err != nil && !errors.Is(err, unix.EINTR) {
		return 0, fmt.Errorf("poll: %w", err)
	}
	if fds[0].Revents != 0 {
		w.drain()
	}
	return fds[1].Revents, nil
}
