package gst

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/edge-agent/agent/capture"
	"golang.org/x/sys/unix"
)

// sendBuffer bounds the kernel memory of a client that does not read. More than
// a few buffers are never under way to one.
const sendBuffer = 16 << 10

// starved is how long no one is accepted after the process ran out of
// descriptors; the waiting ones would keep epoll awake for nothing.
const starved = 200 * time.Millisecond

// A client is one connection. Only serve reads from it and closes it; Write
// sends.
type client struct {
	fd      int
	process int      // 0 when it is not known
	held    uint64   // slots, by bit
	known   []uint32 // by slot: the area that it was told of, 0 for none
	gone    bool     // hung up; serve will drop it

	in     [16 * commandSize]byte // what came and is no whole command yet
	inSize int
}

// hangUp ends the connection; serve closes it.
func (c *client) hangUp() {
	c.gone = true
	_ = unix.Shutdown(c.fd, unix.SHUT_RDWR) // whatever it says, there is no more to be done
}

// tell sends slot i to c, after what c has to know of its area. A command is
// never cut: the kernel takes these few bytes whole or not at all, since they
// fit into one of its buffers (unix_stream_sendmsg).
func (s *Sink) tell(c *client, i, size int) bool {
	t := &s.slots[i]
	b := s.command[:0]
	if was := c.known[i]; was != t.id {
		b = appendArea(b, t.id, len(t.data), "/"+t.name)
		if was != 0 {
			b = appendCommand(b, closeArea, was, 0, 0)
		}
	}
	b = appendCommand(b, newBuffer, t.id, uint64(t.offset), uint64(size))
	switch err := unix.Send(c.fd, b, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL); err {
	case nil:
		c.known[i] = t.id
		return true
	case unix.EAGAIN, unix.ENOBUFS, unix.ENOMEM: // it does not read, or the kernel is short of memory
	default: // it has left
		c.hangUp()
	}
	return false
}

// startServing starts the goroutine that owns the connections: it alone accepts
// them, reads from them and closes them, so that no descriptor is used after its
// close.
func (s *Sink) startServing() error {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	s.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return errors.Join(fmt.Errorf("eventfd: %w", err), unix.Close(poll))
	}
	if err := errors.Join(watch(poll, s.wake), watch(poll, s.door.FD)); err != nil {
		return errors.Join(fmt.Errorf("epoll: %w", err), unix.Close(poll), unix.Close(s.wake))
	}
	go s.serve(poll)
	return nil
}

func watch(poll, fd int) error {
	return unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// wakeServer cannot fail: the counter has room for 2^64-1 of them.
func (s *Sink) wakeServer() { _, _ = unix.Write(s.wake, one) }

func (s *Sink) serve(poll int) {
	defer close(s.done)
	defer unix.Close(poll)
	defer s.dropAll()
	events := make([]unix.EpollEvent, 64)
	resume := time.Duration(0) // when the door is watched again, however much clients say; 0 while it is
	for {
		timeout := -1
		if resume != 0 {
			timeout = int((max(resume-capture.Monotonic(), 0) + time.Millisecond - 1) / time.Millisecond)
		}
		n, _ := unix.EpollWait(poll, events, timeout)
		if resume != 0 && capture.Monotonic() >= resume {
			resume = 0
			s.listenFor(poll, unix.EPOLLIN)
		}
		for _, e := range events[:max(n, 0)] {
			switch fd := int(e.Fd); fd {
			case s.wake:
				if s.wakened(); s.ended() {
					return
				}
			case s.door.FD:
				if pause := s.arrive(poll); pause != 0 {
					resume = capture.Monotonic() + pause
					s.listenFor(poll, 0)
				}
			default:
				s.listen(fd)
			}
		}
		s.renew()
	}
}

func (s *Sink) wakened() {
	var count [8]byte
	_, _ = unix.Read(s.wake, count[:]) // it is not empty, and nobody else reads it
}

func (s *Sink) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// arrive lets in one client, and says for how long no other one.
func (s *Sink) arrive(poll int) time.Duration {
	began := capture.Monotonic()
	if !s.accept(poll) {
		return starved
	}
	now := capture.Monotonic()
	return s.arrivals.Spend(now, now-began)
}

func (s *Sink) listenFor(poll int, events uint32) {
	// It cannot fail: the descriptor is there for as long as serve runs.
	_ = unix.EpollCtl(poll, unix.EPOLL_CTL_MOD, s.door.FD, &unix.EpollEvent{Events: events, Fd: int32(s.door.FD)})
}

// accept lets in one client; another one who waits wakes epoll again, after
// hang-ups had their turn. It is false when the process has no descriptor left.
func (s *Sink) accept(poll int) bool {
	fd, _, err := unix.Accept4(s.door.FD, unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	if err != nil {
		return !errors.Is(err, unix.EMFILE) && !errors.Is(err, unix.ENFILE)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	process := s.cfg.peer(fd)
	if len(s.clients) >= s.cfg.MaxClients || s.of(process) >= s.cfg.MaxPerProcess {
		s.stats.Refused++
		unix.Close(fd)
		return true
	}
	if errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer), watch(poll, fd)) != nil {
		unix.Close(fd)
		return true
	}
	s.clients = append(s.clients, s.newClient(fd, process))
	s.present.Store(int32(len(s.clients)))
	return true
}

// of is how many clients are of that process, as far as is known.
func (s *Sink) of(process int) (n int) {
	for _, c := range s.clients {
		if process != 0 && c.process == process {
			n++
		}
	}
	return n
}

// newClient makes the record of a client, of one who left if there is one: who
// comes and goes all the time makes no garbage.
func (s *Sink) newClient(fd, process int) *client {
	if n := len(s.former); n > 0 {
		c := s.former[n-1]
		s.former = s.former[:n-1]
		clear(c.known)
		*c = client{fd: fd, process: process, known: c.known}
		return c
	}
	return &client{fd: fd, process: process, known: make([]uint32, len(s.slots))}
}

// listen takes what a client says, or its leave.
func (s *Sink) listen(fd int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.clients, func(c *client) bool { return c.fd == fd })
	if i < 0 {
		return
	}
	c := s.clients[i]
	n, err := unix.Read(fd, c.in[c.inSize:])
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	c.inSize += max(n, 0)
	broken := !s.hear(c)
	if broken && !c.gone {
		s.stats.Broken++
	}
	if n > 0 && !broken && !c.gone {
		return
	}
	s.letGo(c, false)
	s.clients = slices.Delete(s.clients, i, i+1)
	s.former = append(s.former, c)
	s.present.Store(int32(len(s.clients)))
	unix.Close(fd)
}

// hear takes back the buffers of whole commands. It is false of a client that
// says anything else, or gives back what it does not have.
func (s *Sink) hear(c *client) bool {
	in := c.in[:c.inSize]
	for ; len(in) >= commandSize; in = in[commandSize:] {
		offset, ok := acked(in)
		i := offset / slotAlign
		if !ok || offset%slotAlign != 0 || i >= uint64(len(s.slots)) || c.held&(1<<i) == 0 {
			return false
		}
		c.held &^= 1 << i
		s.slots[i].holders--
	}
	c.inSize = copy(c.in[:], in)
	return true
}

// renew gives new memory to the slots that one who was hung up on may still
// read. It runs beside Write, which does not touch them.
func (s *Sink) renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.slots {
		t := &s.slots[i]
		if !t.doomed || t.holders > 0 {
			continue
		}
		s.mu.Unlock()
		a, err := s.names.replace(t.area, s.cfg.Group)
		s.mu.Lock()
		if s.stats.Err = err; err != nil {
			return // the next frame that finds no slot tries again
		}
		s.nextID++
		t.area, t.id, t.doomed = a, s.nextID, false
	}
}

func (s *Sink) dropAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.clients {
		s.letGo(c, false)
		unix.Close(c.fd)
	}
	s.clients = nil
	s.present.Store(0)
}
