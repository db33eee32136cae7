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
	conn *net.UnixConn
	raw  syscall.RawConn
	desc *Description
	mem  []byte
	seen uint64 // generation of the newest frame that was handed out

	// What poll, made once, works on.
	poll    func(fd uintptr) bool
	frame   *Frame
	err     error
	message [wire.MaxDescription]byte

	done <-chan struct{} // of the context that stop belongs to
	stop func() bool
}

func dial(ctx context.Context, path string) (*link, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unixpacket", path)
	if err != nil {
		return nil, err
	}
	l := &link{conn: conn.(*net.UnixConn)}
	l.poll = l.drainAndTake
	l.watch(ctx)
	if err := l.receiveMemory(); err != nil {
		l.close()
		if ctx.Err() != nil {
			err = fmt.Errorf("no description: %w", ctx.Err())
		}
		return nil, err
	}
	return l, nil
}

// receiveMemory reads the first message and maps the memory that came with it.
func (l *link) receiveMemory() (err error) {
	if l.raw, err = l.conn.SyscallConn(); err != nil {
		return err
	}
	oob := make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := l.conn.ReadMsgUnix(l.message[:], oob)
	if err != nil {
		return err
	}
	fd, err := descriptor(oob[:oobn])
	if err != nil {
		return err
	}
	defer unix.Close(fd) // the mapping stays; a missing one is -1
	l.desc = new(Description)
	if err := json.Unmarshal(l.message[:n], l.desc); err != nil {
		return fmt.Errorf("read description: %w", err)
	}
	return l.mapMemory(fd)
}

func (l *link) mapMemory(fd int) error {
	var st unix.Stat_t
	if fd >= 0 {
		if err := unix.Fstat(fd, &st); err != nil {
			return fmt.Errorf("shared memory: %w", err)
		}
	}
	if err := l.desc.Check(st.Size); err != nil {
		return err
	}
	mem, err := unix.Mmap(fd, 0, l.desc.Size, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("map shared memory: %w", err)
	}
	l.mem, l.seen = mem, l.desc.Newest
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

// next fills f with the newest frame, and waits for one if it was seen before.
func (l *link) next(ctx context.Context, f *Frame) error {
	l.watch(ctx)
	l.frame = f
	for {
		err := l.raw.Read(l.poll)
		if errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
			// The end of an earlier context came late.
			if err = l.conn.SetReadDeadline(time.Time{}); err == nil {
				continue
			}
		}
		if err == nil {
			err = l.err
		}
		return err
	}
}

// watch lets the end of ctx end a read. It costs nothing while calls come with
// the same context.
func (l *link) watch(ctx context.Context) {
	if ctx.Done() == l.done {
		return
	}
	if l.stop != nil {
		l.stop()
	}
	l.done, l.stop = ctx.Done(), nil
	// An error means that the connection is broken; the read will say so.
	_ = l.conn.SetReadDeadline(time.Time{})
	if l.done != nil {
		l.stop = context.AfterFunc(ctx, func() { _ = l.conn.SetReadDeadline(time.Unix(1, 0)) })
	}
}

// drainAndTake is false when it has to be called again once the socket is
// readable. The messages only say that there is something new; all of them are
// read, so that the agent sees a socket with room, and the frame is looked up in
// the ring, where it may be newer still.
func (l *link) drainAndTake(fd uintptr) bool {
	l.err = nil
	for l.err == nil {
		n, err := unix.Read(int(fd), l.message[:])
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
	if l.take() { // published just before the hang-up, which is reported next time
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
		if gen <= l.seen {
			return false
		}
		if l.frame.fill(l, gen) {
			l.seen = gen
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
