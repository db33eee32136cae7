package ring

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"golang.org/x/sys/unix"
)

// sendBuffer bounds the kernel memory of a consumer that does not read. The
// kernel doubles it and charges about 768 bytes a message: some 20 of them.
const sendBuffer = 8 << 10

type consumer struct {
	fd      int
	process int    // 0 when it is in a PID namespace of its own
	missed  uint64 // since the last message that it got
	gone    bool   // hung up; the loop will drop it
}

// startServing starts the goroutine that owns the connections.
func (r *Ring) startServing() (err error) {
	if r.loop, err = door.NewLoop(r.door, r.cfg.Arrivals); err != nil {
		return err
	}
	for _, c := range r.consumers { // of the process before
		err = errors.Join(err, r.loop.Watch(c.fd, unix.EPOLLET))
	}
	if err != nil {
		return errors.Join(err, r.loop.Close())
	}
	go func() {
		defer close(r.done)
		defer r.dropAll()
		r.loop.Run((*host)(r))
	}()
	return nil
}

// stopServing ends the goroutine and with it all connections.
func (r *Ring) stopServing() error {
	r.loop.Wake()
	<-r.done
	return r.loop.Close()
}

// A host is a Ring as its Loop sees it.
type host Ring

// Admit implements [door.Host].
func (h *host) Admit(fd int) {
	r := (*Ring)(h)
	if err := r.admit(fd); err != nil {
		unix.Close(fd)
		return
	}
	// Only now: the store has no one who does not know the ring.
	if r.keeping.allows(capture.Monotonic(), keepRate) {
		r.store.Keep(r.name, fd)
	}
}

// Hear implements [door.Host]: consumers have nothing to say, but hang up.
func (h *host) Hear(fd int) { (*Ring)(h).drop(fd) }

// Woken implements [door.Host]: only the end wakes.
func (h *host) Woken() bool { return false }

// admit takes the consumer in. Its descriptor is the caller's again if there is
// an error.
func (r *Ring) admit(fd int) error {
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
	if err := r.loop.Watch(fd, unix.EPOLLET); err != nil {
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
		default: // EPIPE, ECONNRESET: it has left. Whatever else it is, the loop gets a hang-up
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
