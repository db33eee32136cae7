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

// The service's umask must not keep consumers out.
func TestSocketHasTheConfiguredModeAndGroup(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	for mode, wantDir := range map[fs.FileMode]fs.FileMode{0: 0o750, 0o620: 0o750, 0o666: 0o755, 0o600: 0o700} {
		path := filepath.Join(t.TempDir(), "front", "model.sock")
		group := os.Getgid()
		if os.Getuid() == 0 {
			group = 4242 // root may give to any group
		}
		open(t, func(c *ring.Config) { c.Socket, c.Mode, c.Group = path, mode, group })
		if mode == 0 {
			mode = 0o660
		}
		for name, want := range map[string]fs.FileMode{path: mode, filepath.Dir(path): wantDir} {
			info, err := os.Stat(name)
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode().Perm() != want || info.Sys().(*syscall.Stat_t).Gid != uint32(group) {
				t.Errorf("%s: %v of group %d, want %v", name, info.Mode(), info.Sys().(*syscall.Stat_t).Gid, want)
			}
		}
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
