package ring

import (
	"path/filepath"
	"runtime"
	"testing"

	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// limit sets how many descriptors this process may have, and gives the limit
// that was. Those that are open stay open.
func limit(t *testing.T, n uint64) uint64 {
	t.Helper()
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	return was.Cur
}

func TestConsumersAreLetInOnceThereAreDescriptorsAgain(t *testing.T) {
	spec := preproc.Spec{Name: "model", Width: 8, Height: 8}
	r, err := New(Config{Socket: filepath.Join(t.TempDir(), "s"), Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var fds [2]int
	for i := range fds {
		if fds[i], err = unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0); err != nil {
			t.Fatal(err)
		}
	}
	first, second := fds[0], fds[1]
	defer unix.Close(second)
	message := make([]byte, 4096)
	enter := func(fd int) {
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: r.cfg.Socket}); err != nil {
			t.Fatal(err)
		}
	}
	enter(first)
	if n, err := unix.Read(first, message); n < 1 || err != nil {
		t.Fatal(n, err)
	}
	was := limit(t, 0)
	enter(second)
	unix.Close(first) // noticed after the second one was turned away
	for r.Stats().Consumers != 0 {
		runtime.Gosched()
	}
	limit(t, was)
	if n, err := unix.Read(second, message); n < 1 || err != nil {
		t.Fatalf("description of %d bytes, %v", n, err)
	}
}
