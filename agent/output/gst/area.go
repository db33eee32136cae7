package gst

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// directory is where shm_open looks (shm_overview(7)).
const directory = "/dev/shm"

// An area is a POSIX shared memory with one buffer in it.
type area struct {
	name string // without the directory
	fd   int    // for writing; clients open the name for reading
	data []byte // all of it
}

// names are those of the areas of one output: a prefix that is known before,
// so that what a dead agent left is found, and an end that is not, so that
// nobody can be there before.
type names struct{ dir, prefix string }

var randomEnd = regexp.MustCompile(`^[0-9a-f]{16}$`)

func namesOf(dir, socket, camera, output string) (names, error) {
	path, err := filepath.Abs(socket)
	sum := sha256.Sum256([]byte(path))
	return names{dir, fmt.Sprintf("edge-agent-%s-%s-%x-", camera, output, sum[:4])}, err
}

func (n names) next() string {
	var end [8]byte
	rand.Read(end[:]) // never fails, see crypto/rand
	return n.prefix + hex.EncodeToString(end[:])
}

// clear deletes the areas of a dead agent. Whoever calls it has the socket, so
// that no living one has the prefix; a file of another user is not ours.
func (n names) clear() error {
	entries, err := os.ReadDir(n.dir)
	for _, e := range entries {
		end, ok := strings.CutPrefix(e.Name(), n.prefix)
		if !ok || !randomEnd.MatchString(end) {
			continue
		}
		path := filepath.Join(n.dir, e.Name())
		var st unix.Stat_t
		if unix.Lstat(path, &st) == nil && int(st.Uid) == os.Geteuid() {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// newArea takes all memory at once, so that a /dev/shm with too little of it
// says so here and not with SIGBUS in mid-stream. Clients may read it and, by
// its mode, not write to it.
func (n names) newArea(size, group int) (a *area, err error) {
	a = &area{name: n.next()}
	path := filepath.Join(n.dir, a.name)
	a.fd, err = unix.Open(path, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return nil, &os.PathError{Op: "create", Path: path, Err: err}
	}
	if err := a.reserve(n.dir, size, group); err != nil {
		return nil, errors.Join(err, a.remove(n.dir), unix.Close(a.fd))
	}
	return a, nil
}

func (a *area) reserve(dir string, size, group int) (err error) {
	if err := uninterrupted(func() error { return unix.Fallocate(a.fd, 0, 0, int64(size)) }); err != nil {
		return fmt.Errorf("allocate %d bytes in %s, where %d are free: %w", size, dir, free(dir), err)
	}
	if group != 0 {
		if err := unix.Fchown(a.fd, -1, group); err != nil {
			return fmt.Errorf("give shared memory to group %d: %w", group, err)
		}
	}
	if err := unix.Fchmod(a.fd, 0o640); err != nil {
		return fmt.Errorf("set the mode of shared memory: %w", err)
	}
	a.data, err = unix.Mmap(a.fd, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_POPULATE)
	if err != nil {
		return fmt.Errorf("map shared memory: %w", err)
	}
	return nil
}

func free(dir string) uint64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return 0
	}
	return st.Bavail * uint64(st.Bsize)
}

// uninterrupted repeats f while a signal, such as those of Go's runtime,
// interrupts it.
func uninterrupted(f func() error) error {
	for {
		if err := f(); err != unix.EINTR {
			return err
		}
	}
}

// replace puts new memory in the place of a's, at the same address and with the
// same content: what the owner knows of the memory stays true. Who still has the
// old one mapped sees a black picture there from now on, never one that is being
// written; its memory is given back.
func (n names) replace(a *area, group int) (*area, error) {
	b, err := n.newArea(len(a.data), group)
	if err != nil {
		return nil, err
	}
	copy(b.data, a.data)
	err = unix.Munmap(b.data)
	address := unsafe.Pointer(unsafe.SliceData(a.data))
	if err == nil {
		_, err = unix.MmapPtr(b.fd, 0, address, uintptr(len(a.data)), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_FIXED|unix.MAP_POPULATE)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map shared memory: %w", err), b.remove(n.dir), unix.Close(b.fd))
	}
	b.data = a.data
	a.forget(n.dir)
	return b, nil
}

// forget gives the memory back although it may be mapped elsewhere. Nothing
// better can be done where that fails: it lives as long as its last mapping.
func (a *area) forget(dir string) {
	_ = a.remove(dir)
	_ = uninterrupted(func() error {
		return unix.Fallocate(a.fd, unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, 0, int64(len(a.data)))
	})
	_ = unix.Close(a.fd)
}

func (a *area) remove(dir string) error { return os.Remove(filepath.Join(dir, a.name)) }

// close ends the area for us. Clients keep what they have mapped.
func (a *area) close(dir string) error {
	return errors.Join(a.remove(dir), unix.Munmap(a.data), unix.Close(a.fd))
}
