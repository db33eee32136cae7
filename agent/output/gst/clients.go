package gst

import (
	"errors"
	"slices"

	"github.com/edge-agent/agent/agent/output/door"
	"golang.org/x/sys/unix"
)

// sendBuffer bounds the kernel memory of a client that does not read. More than
// a few buffers are never under way to one.
const sendBuffer = 16 << 10

// A client is one connection. Only the loop reads from it and closes it; Write
// sends.
type client struct {
	fd      int
	process int      // 0 when it is not known
	held    uint64   // slots, by bit
	known   []uint32 // by slot: the area that it was told of, 0 for none
	gone    bool     // hung up; the loop will drop it

	in     [16 * commandSize]byte // what came and is no whole command yet
	inSize int
}

// hangUp ends the connection; the loop closes it.
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

// startServing starts the goroutine that owns the connections, and alone reads
// from them.
func (s *Sink) startServing() (err error) {
	if s.loop, err = door.NewLoop(s.door, s.cfg.arrivals); err != nil {
		return err
	}
	go func() {
		defer close(s.done)
		defer s.dropAll()
		s.loop.Run((*host)(s))
	}()
	return nil
}

// A host is a Sink as its Loop sees it.
type host Sink

// Admit implements [door.Host].
func (h *host) Admit(fd int) {
	s := (*Sink)(h)
	s.mu.Lock()
	defer s.mu.Unlock()
	process := s.cfg.peer(fd)
	if len(s.clients) >= s.cfg.MaxClients || s.of(process) >= s.cfg.MaxPerProcess {
		s.stats.Refused++
		unix.Close(fd)
		return
	}
	if errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer), s.loop.Watch(fd, unix.EPOLLIN)) != nil {
		unix.Close(fd)
		return
	}
	s.clients = append(s.clients, s.newClient(fd, process))
	s.present.Store(int32(len(s.clients)))
}

// Hear implements [door.Host]: what a client gives back may free a slot that is
// to get new memory.
func (h *host) Hear(fd int) {
	(*Sink)(h).listen(fd)
	(*Sink)(h).renew()
}

// Woken implements [door.Host]: a client was hung up on, or it is over.
func (h *host) Woken() bool {
	s := (*Sink)(h)
	s.mu.Lock()
	over := s.closed
	s.mu.Unlock()
	if !over {
		s.renew()
	}
	return !over
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
