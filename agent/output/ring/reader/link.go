package reader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/wire"
	"golang.org/x/sys/unix"
)

// A link is one connection to an agent: the socket and the memory behind it.
type link struct {
	conn  *net.UnixConn
	raw   syscall.RawConn
	begun time.Time
	desc  *Description // nil until the agent sent it
	mem   []byte
	seen  uint64 // generation of the newest frame that was handed out

	// What step and stepOnce, made once, work on.
	step     func(fd uintptr) bool
	stepOnce func(fd uintptr)
	frame    *Frame
	again    bool // a frame that was seen before will do
	found    bool
	err      error
	message  [wire.MaxDescription]byte

	done  <-chan struct{} // of the context that stop belongs to
	stop  func() bool
	timed bool // the read deadline is nextBefore's
}

// connect waits for nothing: the description is there after a next, or a poll.
func connect(path string) (*link, error) {
	conn, err := net.Dial("unixpacket", path)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn.(*net.UnixConn), begun: time.Now()}
	l.step = l.describeOrTake
	l.stepOnce = func(fd uintptr) { l.step(fd) }
	if l.raw, err = l.conn.SyscallConn(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// describeOrTake is false when it has to be called again once the socket is
// readable.
func (l *link) describeOrTake(fd uintptr) bool {
	l.err, l.found = nil, false
	if l.desc == nil {
		return l.describe(int(fd))
	}
	return l.drainAndTake(int(fd))
}

// describe reads the first message and maps the memory that came with it.
func (l *link) describe(fd int) bool {
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(fd, l.message[:], oob, unix.MSG_CMSG_CLOEXEC)
	switch {
	case err == unix.EAGAIN, err == unix.EINTR:
		return false
	case err != nil:
		l.err = err
	case n == 0:
		l.err = io.EOF
	default:
		l.err = l.adopt(l.message[:n], oob[:oobn])
	}
	return true
}

func (l *link) adopt(text, oob []byte) error {
	fd, err := descriptor(oob)
	if err != nil {
		return err
	}
	defer unix.Close(fd) // the mapping stays; a missing one is -1
	desc := new(Description)
	if err := json.Unmarshal(text, desc); err != nil {
		return fmt.Errorf("read description: %w", err)
	}
	return l.mapMemory(fd, desc)
}

func (l *link) mapMemory(fd int, desc *Description) error {
	var st unix.Stat_t
	if fd >= 0 {
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("shared memory: %w", err)
		}
	}
	if err := desc.Check(st.Size); err != nil {
		return err
	}
	mem, err := unix.Mmap(fd, 0, desc.Size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map shared memory: %w", err)
	}
	l.desc, l.mem, l.seen = desc, mem, desc.Newest
	return nil
}

// descriptor is the one in a control message, -1 if there is none.
func descriptor(oob []byte) (int, error) {
	if len(oob) == 0 {
		return -1, nil
	}
	messages, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return -1, fmt.Errorf("read control message: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, fmt.Errorf("read control message: %w", err)
	}
	return fds[0], nil
}

// poll does what can be done without waiting.
func (l *link) poll() error {
	if err := l.raw.Control(l.stepOnce); err != nil {
		return err
	}
	return l.err
}

// newest fills f with the newest frame, if there is any.
func (l *link) newest(f *Frame) (found bool, err error) {
	l.frame, l.again = f, true
	err = l.poll()
	return l.found, err
}

// next fills f with the newest frame, and waits for one if it was seen before.
// Without a description it waits for that.
func (l *link) next(ctx context.Context, f *Frame) error {
	l.watch(ctx)
	l.frame, l.again = f, false
	for {
		err := l.wait()
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			// The end of an earlier context came late.
			if err = l.conn.SetReadDeadline(time.Time{}); err == nil {
				continue
			}
		}
		return err
	}
}

// nextBefore is next until the deadline, when the error is os.ErrDeadlineExceeded.
func (l *link) nextBefore(deadline time.Time, f *Frame) error {
	l.frame, l.again = f, false
	if err := l.poll(); err != nil || l.found {
		return err
	}
	l.unwatch()
	l.timed = true
	if err := l.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	for {
		err := l.wait()
		if errors.Is(err, os.ErrDeadlineExceeded) && time.Now().Before(deadline) {
			// The end of an earlier context came late.
			if err = l.conn.SetReadDeadline(deadline); err == nil {
				continue
			}
		}
		return err
	}
}

// wait steps when the socket is readable, until that is enough.
func (l *link) wait() error {
	if err := l.raw.Read(l.step); err != nil {
		return err
	}
	return l.err
}

// watch lets the end of ctx end a read. It costs nothing while calls come with
// the same context.
func (l *link) watch(ctx context.Context) {
	if ctx.Done() == l.done && !l.timed {
		return
	}
	l.unwatch()
	// An error means that the connection is broken; the read will say so.
	_ = l.conn.SetReadDeadline(time.Time{})
	if l.done = ctx.Done(); l.done != nil {
		l.stop = context.AfterFunc(ctx, func() { _ = l.conn.SetReadDeadline(time.Unix(1, 0)) })
	}
}

func (l *link) unwatch() {
	if l.stop != nil {
		l.stop()
	}
	l.done, l.stop, l.timed = nil, nil, false
}

// drainAndTake looks for a frame. The messages only say that there is something
// new; all of them are read, so that the agent sees a socket with room, and the
// frame is looked up in the ring, where it may be newer still.
func (l *link) drainAndTake(fd int) bool {
	for l.err == nil {
		n, err := unix.Read(fd, l.message[:])
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return l.take()
		case err != nil:
			l.err = err
		case n == 0:
			l.err = io.EOF
		}
	}
	l.again = false // what was seen before is no news of an agent that hung up
	if l.take() {   // published just before the hang-up, which is reported next time
		l.err = nil
	}
	return true
}

// take fills l.frame with the newest frame, unless it was seen before. Being
// overtaken means that there is a newer one; a reader that is overtaken again
// and again waits for the next message.
func (l *link) take() bool {
	for range 16 {
		gen := wire.Newest(l.mem)
		if gen == 0 || gen <= l.seen && !l.again {
			return false
		}
		if l.frame.fill(l, gen) {
			l.seen, l.found = gen, true
			return true
		}
	}
	return false
}

func (l *link) close() {
	if l.stop != nil {
		l.stop()
	}
	l.conn.Close()
	if l.mem != nil {
		_ = unix.Munmap(l.mem) // it was mapped by this link, whole
	}
}
