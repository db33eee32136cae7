// Package door makes the sockets in the file system that local consumers knock at.
//
// What enters: a path, a mode and a group. What leaves: a listening socket that
// those may reach who should, and its end. The socket of a dead agent is
// replaced, that of a living one and any other file are not. A [Loop] lets
// in who comes, for its Host, and a [Share] says when they have to wait. It keeps no
// connection, starts no goroutine and never logs.
package door

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/edge-agent/agent/agent/instance"
	"golang.org/x/sys/unix"
)

// maxPath is the room for a path in struct sockaddr_un, without its NUL.
const maxPath = 107

// A Door is a listening socket that does not block.
type Door struct {
	// FD is the Door's, until Close.
	FD   int
	path string
	id   fileID // of the socket we made
}

// fileID tells one file from another that took its name.
type fileID struct{ dev, ino uint64 }

// Open listens at path with a socket of kind, such as unix.SOCK_STREAM. Its
// directory is made if need be. Permissions, and the group unless it is 0, are
// set before anyone can connect.
func Open(path string, kind int, mode fs.FileMode, group int) (*Door, error) {
	if len(path) == 0 || len(path) > maxPath {
		return nil, fmt.Errorf("socket path %q has %d bytes: 1 to %d are allowed", path, len(path), maxPath)
	}
	if err := makeDirectory(filepath.Dir(path), mode, group); err != nil {
		return nil, err
	}
	if err := removeStale(path, kind); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("make socket: %w", err)
	}
	d := &Door{FD: fd, path: path}
	if err := d.listen(mode, group); err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s: %w", path, err), d.Close())
	}
	return d, nil
}

// makeDirectory lets those in who may connect, whatever the umask is; the
// service's keeps everyone else's files private. A directory that is there is
// left as it is.
func makeDirectory(dir string, mode fs.FileMode, group int) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	switch err := os.Mkdir(dir, 0o700); {
	case errors.Is(err, fs.ErrExist):
		return nil
	case err != nil:
		return err
	}
	enter := fs.FileMode(0o700)
	if mode&0o020 != 0 {
		enter |= 0o050
	}
	if mode&0o002 != 0 {
		enter |= 0o005
	}
	return setAccess(dir, enter, group)
}

// setAccess gives path a mode and, unless it is 0, a group.
func setAccess(path string, mode fs.FileMode, group int) error {
	if group != 0 {
		if err := os.Chown(path, -1, group); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}

func (d *Door) listen(mode fs.FileMode, group int) (err error) {
	if err := unix.Bind(d.FD, &unix.SockaddrUnix{Name: d.path}); err != nil {
		return err
	}
	if d.id, err = idOf(d.path); err != nil {
		return err
	}
	if err := setAccess(d.path, mode, group); err != nil {
		return err
	}
	// Until now every connect was refused.
	return unix.Listen(d.FD, 64)
}

// removeStale deletes the socket that a dead agent left, and nothing else.
func removeStale(path string, kind int) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != fs.ModeSocket {
		return fmt.Errorf("listen on %s: a file that is no socket is in the way", path)
	}
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return fmt.Errorf("make socket: %w", err)
	}
	defer unix.Close(fd)
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: path})
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	case err == nil && instance.Dying(Peer(fd)):
		return os.Remove(path)
	case err == nil, errors.Is(err, unix.EAGAIN): // EAGAIN: alive, but many are waiting
		return fmt.Errorf("listen on %s: %w by process %d", path, unix.EADDRINUSE, Peer(fd))
	}
	return fmt.Errorf("listen on %s: who serves it now? %w", path, err)
}

// Peer is the process at the other end of a connected socket, 0 when it is not
// known, as of one in another PID namespace.
func Peer(fd int) int {
	cred, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return 0
	}
	return int(cred.Pid)
}

func idOf(path string) (fileID, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return fileID{}, err
	}
	return fileID{st.Dev, st.Ino}, nil
}

// Close removes the socket, unless its name is someone else's by now.
func (d *Door) Close() error {
	err := unix.Close(d.FD)
	if id, statErr := idOf(d.path); statErr == nil && id == d.id {
		err = errors.Join(err, os.Remove(d.path))
	}
	return err
}
