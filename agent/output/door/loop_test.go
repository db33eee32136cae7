package door

import (
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// lobby is a Host that lets nobody stay.
type lobby struct{ came int }

func (l *lobby) Admit(fd int) { l.came++; unix.Close(fd) }
func (l *lobby) Hear(int)     {}
func (l *lobby) Woken() bool  { return false }

func open(t *testing.T, kind int) (d *Door, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	d, err := Open(path, kind, 0o600, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d, path
}

// limit sets how many descriptors there may be, and says how many it were.
func limit(t *testing.T, n uint64) (was uint64) {
	t.Helper()
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	was, l.Cur = l.Cur, n
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	return was
}

// The consumer who waits would wake the goroutine at once, again and again.
func TestNoDescriptorLeftIsAReasonToPause(t *testing.T) {
	d, path := open(t, unix.SOCK_SEQPACKET)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	l, h := &Loop{door: d}, &lobby{}
	was := limit(t, 0)
	ok := l.accept(h)
	limit(t, was)
	if ok {
		t.Error("accept does not notice that there is no descriptor left")
	}
	if !l.accept(h) || h.came != 1 {
		t.Error("the consumer was not kept waiting")
	}
}

func TestWhoConnectsWithoutEndIsMadeToWait(t *testing.T) {
	d, _ := open(t, unix.SOCK_STREAM)
	l := &Loop{door: d, arrivals: Share{Part: 1e-9}}
	for range 1_000_000 {
		if l.arrive(&lobby{}) > time.Minute { // nobody is there, which is an arrival as well
			return
		}
	}
	t.Error("nobody waits")
}
