//go:build !asan

// The address sanitizer's build passes each argument of a call into C through
// the heap.

package worker

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/preproc"
)

// Neither side allocates for a frame. The child's side runs in this process
// here, where its allocations can be counted.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	r := open(t, "good", nil)
	r.child.end()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		served <- serve(pair[1], preproc.Open)
	}()
	if err := watch(pair[0]); err != nil {
		t.Fatal(err)
	}
	// It has no process of its own: nobody to limit, and nobody to reap.
	r.child = &child{pid: -1 << 30, socket: pair[0], stderr: -1, knows: 1 << 62}
	r.child.poll[0] = unix.PollFd{Fd: int32(pair[0]), Events: unix.POLLIN}
	r.child.knows = 0
	f := jpeg(t, "422-720p.jpg", 1280, 720)
	ctx := t.Context()
	once := func() {
		f.Sequence++
		if _, err := r.Process(ctx, f, r.images); err != nil {
			t.Fatal(err)
		}
	}
	once()
	if n := testing.AllocsPerRun(100, once); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	unix.Close(pair[1])
}
