package ring_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"golang.org/x/sys/unix"
)

func TestSocketOfADeadAgentIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	unix.Close(fd) // as a kill does: the name stays
	open(t, func(c *ring.Config) { c.Socket = path })
	unix.Close(knock(t, path))
}

func TestSocketOfALiveAgentIsNotTaken(t *testing.T) {
	first, path := open(t, nil)
	_, err := ring.New(ring.Config{Socket: path, Camera: "front", Spec: pixels})
	want := fmt.Sprintf("address already in use by process %d", os.Getpid())
	if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want %q", err, want)
	}
	consumersAre(t, first, 0) // the probe came and went
	fd := knock(t, path)
	defer unix.Close(fd)
	consumersAre(t, first, 1)
}

func TestFileInTheWayIsNotDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ring.New(ring.Config{Socket: path, Spec: pixels}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

func TestPathThatTheKernelWouldCutIsRefused(t *testing.T) {
	dir := t.TempDir() + "/"
	longest := dir + strings.Repeat("x", 107-len(dir))
	open(t, func(c *ring.Config) { c.Socket = longest })
	_, err := ring.New(ring.Config{Socket: longest + "x", Spec: pixels})
	if err == nil || !strings.Contains(err.Error(), "108 bytes: 1 to 107 are allowed") {
		t.Fatalf("%v", err)
	}
}

func TestSocketHasTheConfiguredModeAndGroup(t *testing.T) {
	_, path := open(t, func(c *ring.Config) { c.Mode, c.Group = 0o620, os.Getgid() })
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o620 || info.Sys().(*syscall.Stat_t).Gid != uint32(os.Getgid()) {
		t.Errorf("%v", info.Mode())
	}
}

func TestCloseRemovesItsOwnSocketOnly(t *testing.T) {
	r, path := open(t, nil)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("after Close: %v", err)
	}
	r, path = open(t, nil)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("someone else's file is gone: %v", err)
	}
}
