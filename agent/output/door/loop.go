package door

import (
	"errors"
	"fmt"
	"time"

	"github.com/edge-agent/agent/capture"
	"golang.org/x/sys/unix"
)

// starved is how long no one is accepted after the process ran out of
// descriptors; the waiting ones would keep epoll awake for nothing.
const starved = 200 * time.Millisecond

// A Host sees to those who come. Run calls it, on its goroutine.
type Host interface {
	// Admit takes over the connection of one who came, which does not block.
	Admit(fd int)
	// Hear is told that a watched connection has something to say, or hung up.
	Hear(fd int)
	// Woken is told of a Wake, and says whether the Host still serves.
	Woken() bool
}

// A Loop waits on one goroutine for who comes through a Door, for those who came,
// and to be woken. That goroutine alone accepts and closes connections, so that no
// descriptor is used after its close. Who comes has a share of one CPU.
type Loop struct {
	door       *Door
	arrivals   Share
	poll, wake int
}

// NewLoop makes a Loop that runs not yet, in which arrivals have this part of one CPU.
func NewLoop(d *Door, part float64) (*Loop, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(poll))
	}
	l := &Loop{door: d, arrivals: Share{Part: part}, poll: poll, wake: wake}
	if err := errors.Join(l.Watch(wake, unix.EPOLLIN), l.Watch(d.FD, unix.EPOLLIN)); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// Watch has the Host hear of events of a connection, until that is closed.
func (l *Loop) Watch(fd int, events uint32) error {
	if err := unix.EpollCtl(l.poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// Wake may be called from any goroutine until Close. It cannot fail: the counter
// has room for 2^64-1 of them.
func (l *Loop) Wake() { _, _ = unix.Write(l.wake, one) }

// Close is called when Run has returned, or never ran.
func (l *Loop) Close() error { return errors.Join(unix.Close(l.poll), unix.Close(l.wake)) }

// Run serves until the Host no longer does.
func (l *Loop) Run(h Host) {
	events := make([]unix.EpollEvent, 64)
	resume := time.Duration(0) // when the door is watched again, however much is to be heard; 0 while it is
	for {
		timeout := -1
		if resume != 0 {
			timeout = int((max(resume-capture.Monotonic(), 0) + time.Millisecond - 1) / time.Millisecond)
		}
		n, _ := unix.EpollWait(l.poll, events, timeout)
		if resume != 0 && capture.Monotonic() >= resume {
			resume = 0
			l.attend(unix.EPOLLIN)
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case l.wake:
				if l.settle(); !h.Woken() {
					return
				}
			case l.door.FD:
				if pause := l.arrive(h); pause != 0 {
					resume = capture.Monotonic() + pause
					l.attend(0)
				}
			default:
				h.Hear(fd)
			}
		}
	}
}

func (l *Loop) settle() {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:]) // it is not empty, and nobody else reads it
}

func (l *Loop) attend(events uint32) {
	// It cannot fail: the descriptor is there for as long as Run runs.
	_ = unix.EpollCtl(l.poll, unix.EPOLL_CTL_MOD, l.door.FD, &unix.EpollEvent{Events: events, Fd: int32(l.door.FD)})
}

// arrive lets in one, and says for how long no other one.
func (l *Loop) arrive(h Host) time.Duration {
	began := capture.Monotonic()
	if !l.accept(h) {
		return starved
	}
	now := capture.Monotonic()
	return l.arrivals.Spend(now, now-began)
}

// accept lets in one; another one who waits wakes epoll again, after hang-ups had
// their turn. It is false when the process has no descriptor left.
func (l *Loop) accept(h Host) bool {
	fd, _, err := unix.Accept4(l.door.FD, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE)
	}
	h.Admit(fd)
	return true
}
