package systemd

import (
	"errors"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// A DescriptorStore keeps file descriptors with the service manager, which
// hands them to the next process of the service however this one ended, and
// closes them when the service stops: sd_pid_notify_with_fds(3), FDSTORE=1. The
// unit's FileDescriptorStoreMax= bounds their number; those beyond it, and all
// without a service manager, are not kept, which nobody is told of. Connections
// whose other end hung up are closed by the manager itself. Safe for concurrent
// use.
type DescriptorStore struct {
	notifier *Notifier

	mu   sync.Mutex
	left map[string][]int // by the process before, and not taken yet
}

// firstDescriptor is SD_LISTEN_FDS_START.
const firstDescriptor = 3

// NewDescriptorStore takes over what an earlier process kept, from LISTEN_FDS
// and LISTEN_FDNAMES, which it removes from the environment.
func NewDescriptorStore(n *Notifier) *DescriptorStore {
	s := &DescriptorStore{notifier: n, left: map[string][]int{}}
	count, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	ours := os.Getenv("LISTEN_PID") == strconv.Itoa(os.Getpid())
	for _, variable := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		_ = os.Unsetenv(variable) // cannot fail
	}
	if !ours || count != len(names) {
		return s
	}
	for i, name := range names {
		syscall.CloseOnExec(firstDescriptor + i)
		s.left[name] = append(s.left[name], firstDescriptor+i)
	}
	return s
}

// Take hands over what an earlier process kept under this name, once. The
// descriptors are the caller's to close; the manager still keeps its own of the
// same files. Nothing of them is to be trusted.
func (s *DescriptorStore) Take(name string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	fds := s.left[name]
	delete(s.left, name)
	return fds
}

// Keep has the manager hold a descriptor of the same file under this name: up
// to 255 printable ASCII characters without a colon. Several may share a name.
func (s *DescriptorStore) Keep(name string, fd int) error {
	return s.notifier.notify("FDSTORE=1\nFDNAME="+name, fd)
}

// Drop has the manager close all that it holds under this name.
func (s *DescriptorStore) Drop(name string) error {
	return s.notifier.notify("FDSTOREREMOVE=1\nFDNAME=" + name)
}

// Clear drops what nobody took, says how it was called, and hangs up on those
// at the other end of sockets. What comes after it finds nothing to take.
func (s *DescriptorStore) Clear() (names []string, err error) {
	s.mu.Lock()
	left := s.left
	s.left = nil
	s.mu.Unlock()
	names = slices.Sorted(maps.Keys(left))
	for _, name := range names {
		for _, fd := range left[name] {
			// The manager has a descriptor of it, too; what is no socket is none.
			_ = syscall.Shutdown(fd, syscall.SHUT_RDWR)
			_ = syscall.Close(fd)
		}
		err = errors.Join(err, s.Drop(name))
	}
	return names, err
}
