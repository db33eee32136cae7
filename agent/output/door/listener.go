package door

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// listener is a door of SOCK_STREAM in the words of net.
type listener struct {
	net.Listener
	door *Door
}

// Listener gives a Door of SOCK_STREAM to a server of net, which accepts
// *net.UnixConn. Its Close closes the Door as well.
func (d *Door) Listener() (net.Listener, error) {
	fd, err := unix.FcntlInt(uintptr(d.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", d.path, err)
	}
	f := os.NewFile(uintptr(fd), d.path)
	l, err := net.FileListener(f) // has a descriptor of its own
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return &listener{l, d}, nil
}

// Close ends an Accept, too, and removes the socket.
func (l *listener) Close() error { return errors.Join(l.Listener.Close(), l.door.Close()) }
