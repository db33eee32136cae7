package rig

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// local is a Guest on this very host: the hand, connected by a socket as it is
// in a container.
func local(t *testing.T) *Guest {
	t.Helper()
	dir := t.TempDir()
	hand, socket := filepath.Join(dir, "hand"), filepath.Join(dir, "socket")
	if out, err := exec.Command("go", "build", "-o", hand, "./guest").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	door, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	cmd := exec.Command(hand, socket)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := door.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return newGuest(conn)
}

func TestRunReturnsOutputAndTellsOfFailure(t *testing.T) {
	g := local(t)
	out, err := g.Run(t.Context(), "sh", "-c", "echo one; echo two >&2")
	if err != nil || out != "one\n" {
		t.Errorf("output %q, error %v", out, err)
	}
	if _, err := g.Run(t.Context(), "sh", "-c", "echo why >&2; exit 7"); err == nil || !strings.Contains(err.Error(), "exit code 7\nwhy") {
		t.Errorf("a command that fails: %v", err)
	}
	if _, err := g.Run(t.Context(), "no-such-program"); err == nil {
		t.Error("a program that is not there: no error")
	}
}

func TestInputReachesTheProcess(t *testing.T) {
	var out bytes.Buffer
	p, err := local(t).Start(&out, &out, "cat")
	if err != nil {
		t.Fatal(err)
	}
	p.Write([]byte("a line\n"))
	p.CloseInput()
	if code, err := p.Wait(t.Context()); code != 0 || err != nil || out.String() != "a line\n" {
		t.Errorf("cat: exit code %d, %v, output %q", code, err, out.String())
	}
}

func TestASignalEndsAProcessAndItsChildren(t *testing.T) {
	p, err := local(t).Start(&bytes.Buffer{}, &bytes.Buffer{}, "sh", "-c", "sleep 100 & wait")
	if err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGKILL)
	if code, err := p.Wait(t.Context()); code != 128+9 || err != nil {
		t.Errorf("exit code %d, %v, want 137", code, err)
	}
}

func TestWaitEndsWithItsContextAndWithTheGuest(t *testing.T) {
	g := local(t)
	p, err := g.Start(&bytes.Buffer{}, &bytes.Buffer{}, "sleep", "100")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := p.Wait(ctx); err == nil {
		t.Error("the context has ended: no error")
	}
	g.conn.Close()
	if _, err := p.Wait(t.Context()); err == nil {
		t.Error("the guest is gone: no error")
	}
}

func TestOnlyTheNewestImagesStay(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"image-old", "image-new", "image-oldest"} {
		path := filepath.Join(dir, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		at := time.Unix([]int64{2000, 3000, 1000}[i], 0)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := removeOldest(filepath.Join(dir, "image-*"), 1); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 1 || filepath.Base(left[0]) != "image-new" {
		t.Errorf("left: %v", left)
	}
}
