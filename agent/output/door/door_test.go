package door_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/agent/output/door"
	"golang.org/x/sys/unix"
)

// The kinds of socket that outputs have.
var kinds = []int{unix.SOCK_SEQPACKET, unix.SOCK_STREAM}

// open makes a door that its test closes.
func open(t *testing.T, path string, kind int) *door.Door {
	t.Helper()
	d, err := door.Open(path, kind, 0o660, 0)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func socket(t *testing.T, kind int) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestSocketOfADeadAgentIsReplaced(t *testing.T) {
	for _, kind := range kinds {
		path := filepath.Join(t.TempDir(), "s")
		fd := socket(t, kind)
		if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd) // as a kill does: the name stays
		d := open(t, path, kind)
		client := socket(t, kind)
		if err := unix.Connect(client, &unix.SockaddrUnix{Name: path}); err != nil {
			t.Error(err)
		}
		unix.Close(client)
		d.Close()
	}
}

func TestSocketOfALiveAgentIsNotTaken(t *testing.T) {
	for _, kind := range kinds {
		path := filepath.Join(t.TempDir(), "s")
		d := open(t, path, kind)
		_, err := door.Open(path, kind, 0o660, 0)
		want := fmt.Sprintf("address already in use by process %d", os.Getpid())
		if !errors.Is(err, unix.EADDRINUSE) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
		if _, err := os.Lstat(path); err != nil {
			t.Error(err)
		}
		d.Close()
	}
}

func TestFileInTheWayIsNotDeleted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "precious")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := door.Open(path, unix.SOCK_STREAM, 0o660, 0); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Fatalf("%v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
}

func TestPathThatTheKernelWouldCutIsRefused(t *testing.T) {
	dir := t.TempDir() + "/"
	longest := dir + strings.Repeat("x", 107-len(dir))
	open(t, longest, unix.SOCK_SEQPACKET).Close()
	_, err := door.Open(longest+"x", unix.SOCK_SEQPACKET, 0o660, 0)
	if err == nil || !strings.Contains(err.Error(), "108 bytes: 1 to 107 are allowed") {
		t.Fatalf("%v", err)
	}
}

// The service's umask must not keep consumers out.
func TestSocketHasTheModeAndGroup(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	for mode, wantDir := range map[fs.FileMode]fs.FileMode{0o660: 0o750, 0o620: 0o750, 0o666: 0o755, 0o600: 0o700} {
		path := filepath.Join(t.TempDir(), "front", "model.sock")
		group := os.Getgid()
		if os.Getuid() == 0 {
			group = 4242 // root may give to any group
		}
		d, err := door.Open(path, unix.SOCK_SEQPACKET, mode, group)
		if err != nil {
			t.Fatal(err)
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
		d.Close()
	}
}

func TestCloseRemovesItsOwnSocketOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	d := open(t, path, unix.SOCK_SEQPACKET)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("after Close: %v", err)
	}
	d = open(t, path, unix.SOCK_SEQPACKET)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Fatalf("someone else's file is gone: %v", err)
	}
}
