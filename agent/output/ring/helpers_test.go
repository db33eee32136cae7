package ring_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

var pixels = preproc.Spec{Name: "model", Width: 64, Height: 32}

// open makes a ring on a new path; change may be nil.
func open(t testing.TB, change func(*ring.Config)) (*ring.Ring, string) {
	t.Helper()
	cfg := ring.Config{Socket: filepath.Join(t.TempDir(), "s"), Camera: "front", Spec: pixels}
	if change != nil {
		change(&cfg)
	}
	r, err := ring.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, cfg.Socket
}

// publish writes a frame of which every byte is the sequence's lowest one.
func publish(t testing.TB, r *ring.Ring, spec *preproc.Spec, sequence uint64) {
	t.Helper()
	data := r.Lend()
	for i := range data {
		data[i] = byte(sequence)
	}
	img := &preproc.Image{Spec: spec, Data: data, Width: spec.Width, Height: spec.Height, Sequence: sequence, Geometry: preproc.Geometry{XX: 1, YY: 1}}
	if err := r.Write(context.Background(), img); err != nil {
		t.Fatal(err)
	}
}

// knock connects as a consumer that knows nothing of the protocol.
func knock(t testing.TB, path string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// receive gives the description and the descriptor that came with it.
func receive(t testing.TB, fd int) (text string, memfd int) {
	t.Helper()
	buf, oob := make([]byte, 4096), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(fd, buf, oob, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("descriptors %v, %v", fds, err)
	}
	return string(buf[:n]), fds[0]
}

// eventually yields until cond holds: the ring's own goroutine makes it true.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
	}
}

func consumersAre(t testing.TB, r *ring.Ring, n int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d consumers", n), func() bool { return r.Stats().Consumers == n })
}

func openDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
