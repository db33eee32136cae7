package ring

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"golang.org/x/sys/unix"
)

// sendBuffer bounds the kernel memory of a consumer that does not read. The
// kernel doubles it and charges about 768 bytes a message: some 20 of them.
const sendBuffer = 8 << 10

// starved is how long no one is accepted after the process ran out of
// descriptors; the waiting ones would keep epoll awake for nothing.
const starved = 200 * time.Millisecond

type consumer struct {
	fd      int
	process int    // 0 when it is in a PID namespace of its own
	missed  uint64 // since the last message that it got
	gone    bool   // hung up; serve will drop it
}

// startServing starts the goroutine that owns the connections: it alone
// accepts them and closes them, so that no descriptor is used after its close.
func (r *Ring) startServing() error {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(poll))
	}
	err = errors.Join(watch(poll, wake, unix.EPOLLIN), watch(poll, r.door.FD, unix.EPOLLIN))
	for _, c := range r.consumers { // of the process before
		err = errors.Join(err, watch(poll, c.fd, unix.EPOLLET))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(poll), unix.Close(wake))
	}
	r.wake = wake
	go r.serve(poll)
	return nil
}

func watch(poll, fd int, events uint32) error {
	return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// stopServing ends the goroutine and with it all connections.
func (r *Ring) stopServing() error {
	_, err := unix.Write(r.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	<-r.done
	return errors.Join(err, unix.Close(r.wake))
}

func (r *Ring) serve(poll int) {
	defer close(r.done)
	defer unix.Close(poll)
	defer r.dropAll()
	events := make([]unix.EpollEvent, 64)
	resume := time.Duration(0) // when the door is watched again; 0 while it is
	for {
		timeout := -1
		if resume != 0 {
			timeout = int((max(resume-capture.Monotonic(), 0) + time.Millisecond - 1) / time.Millisecond)
		}
		n, err := unix.EpollWait(poll, events, timeout)
		if n == 0 && err == nil && resume != 0 { // the pause is over
			resume = 0
			r.listenFor(poll, unix.EPOLLIN)
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case r.wake:
				return
			case r.door.FD:
				if pause := r.arrive(poll); pause != 0 {
					resume = capture.Monotonic() + pause
					r.listenFor(poll, 0)
				}
			default:
				r.drop(fd)
			}
		}
	}
}

// arrive lets in one consumer, and says for how long no other one.
func (r *Ring) arrive(poll int) time.Duration {
	began := capture.Monotonic()
	if !r.accept(poll) {
		return starved
	}
	now := capture.Monotonic()
	return r.arrivals.Spend(now, now-began)
}

func (r *Ring) listenFor(poll int, events uint32) {
	// It cannot fail: the descriptor is there for as long as serve runs.
	_ = unix.EpollCtl(poll, unix.EPOLL_CTL_MOD, r.door.FD, &unix.EpollEvent{Events: events, Fd: int32(r.door.FD)})
}

// accept lets in one consumer; another one who waits wakes epoll again, after
// hang-ups had their turn. It is false when the process has no descriptor left.
func (r *Ring) accept(poll int) bool {
	fd, _, err := unix.Accept4(r.door.FD, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE)
	}
	if err := r.admit(poll, fd); err != nil {
		unix.Close(fd)
		return true
	}
	// Only now: the store has no one who does not know the ring.
	if r.keeping.allows(capture.Monotonic(), keepRate) {
		r.store.Keep(r.name, fd)
	}
	return true
}

// admit takes the consumer in. Its descriptor is the caller's again if there is
// an error.
func (r *Ring) admit(poll, fd int) error {
	process := door.Peer(fd)
	if why := r.full(process); why != "" {
		r.refused.Add(1)
		return r.refuse(fd, why)
	}
	// Consumers have nothing to say: what they send fails at their end, and
	// only a hang-up is reported here.
	if err := unix.Shutdown(fd, unix.SHUT_RD); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer); err != nil {
		return err
	}
	if err := watch(poll, fd, unix.EPOLLET); err != nil {
		return err
	}
	return r.greet(fd, process)
}

// full is why there is no room for one more consumer, of that process.
func (r *Ring) full(process int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.consumers) >= r.cfg.MaxConsumers {
		return fmt.Sprintf("too many consumers: %d are allowed", r.cfg.MaxConsumers)
	}
	same := 0
	for _, c := range r.consumers {
		if process != 0 && c.process == process {
			same++
		}
	}
	if same >= r.cfg.MaxPerProcess {
		return fmt.Sprintf("too many consumers in process %d: %d are allowed", process, r.cfg.MaxPerProcess)
	}
	return ""
}

// greet sends the description and adds the consumer in one go, so that it hears
// of every frame that is newer than the description says.
func (r *Ring) greet(fd, process int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	desc := r.desc
	desc.Newest = wire.Generation(r.published)
	text, err := json.Marshal(&desc)
	if err != nil {
		return err
	}
	rights := unix.UnixRights(r.mem.readOnly)
	if err := unix.Sendmsg(fd, text, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err != nil {
		return err
	}
	r.consumers = append(r.consumers, &consumer{fd: fd, process: process})
	return nil
}

// refuse says why before the caller hangs up.
func (r *Ring) refuse(fd int, why string) error {
	text, err := json.Marshal(map[string]any{
		"magic": wire.Magic, "version": wire.Version,
		"error": why,
	})
	if err != nil {
		return err
	}
	return errors.Join(errors.New(why), unix.Send(fd, text, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL))
}

// notify sends r.message to every consumer whose socket has room. It is called
// with r.mu held.
func (r *Ring) notify() {
	for _, c := range r.consumers {
		if c.gone {
			continue
		}
		wire.PutMissed(r.message[:], c.missed)
		switch err := unix.Send(c.fd, r.message[:], unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err {
		case nil:
			c.missed = 0
			r.notified.Add(1)
		case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM: // it does not read, or the kernel is short of memory
			c.missed++
			r.missed.Add(1)
		default: // EPIPE, ECONNRESET: it has left. Whatever else it is, serve gets a hang-up
			c.gone = true
			_ = unix.Shutdown(c.fd, unix.SHUT_RDWR)
		}
	}
}

func (r *Ring) drop(fd int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.consumers = slices.DeleteFunc(r.consumers, func(c *consumer) bool { return c.fd == fd })
	unix.Close(fd)
}

func (r *Ring) dropAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.consumers {
		if r.leaving {
			unix.Close(c.fd)
			continue
		}
		hangUp(c.fd)
	}
	r.consumers = nil
}
