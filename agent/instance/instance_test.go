package instance

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// With this the test binary claims that directory, and then either waits or ends
// its first thread only: as a process does that was killed and has a thread in a
// driver, it stays, with all it has.
const (
	claimVar = "INSTANCE_TEST_CLAIM"
	haltVar  = "INSTANCE_TEST_HALT"
)

func init() {
	dir := os.Getenv(claimVar)
	if dir == "" {
		return
	}
	runtime.LockOSThread() // the main thread's, as this is an init
	if _, err := New(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("claimed")
	if os.Getenv(haltVar) != "" {
		go func() { select {} }()
		syscall.RawSyscall(syscall.SYS_EXIT, 0, 0, 0)
	}
	select {}
}

func claimant(t *testing.T, dir string, environment ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), claimVar+"="+dir), environment...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "claimed\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

func TestDirectoryHasOneAgent(t *testing.T) {
	dir := t.TempDir() + "/new"
	first := claimant(t, dir)
	_, err := New(dir)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("another agent, process %d, works in %s", first.Process.Pid, dir)) {
		t.Fatalf("a second one: %v", err)
	}
	if Dying(first.Process.Pid) {
		t.Error("a process that lives is dying")
	}
	first.Process.Kill()
	first.Wait()
	if !Dying(first.Process.Pid) || Dying(0) || Dying(1) {
		t.Error("dead, nobody, and init:", Dying(first.Process.Pid), Dying(0), Dying(1))
	}
	for range 2 {
		c, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(dir); err == nil {
			t.Error("claimed twice")
		}
		if err := c.Release(); err != nil {
			t.Error(err)
		}
	}
}

func TestOwnerTakesNothing(t *testing.T) {
	dir := t.TempDir() + "/new"
	owner := func(want int) {
		t.Helper()
		if pid, err := Owner(dir); pid != want || err != nil {
			t.Errorf("owner is %d, %v; want %d", pid, err, want)
		}
	}
	owner(0) // not even a directory
	first := claimant(t, dir)
	owner(first.Process.Pid)
	first.Process.Kill()
	first.Wait()
	owner(0)
	c, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	owner(os.Getpid())
	if err := c.Release(); err != nil {
		t.Error(err)
	}
}

func TestProcessThatCannotEndHasNoClaim(t *testing.T) {
	dir := t.TempDir()
	first := claimant(t, dir, haltVar+"=1")
	for !Dying(first.Process.Pid) {
		runtime.Gosched()
	}
	c, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(dir); err == nil {
		t.Error("claimed twice")
	}
	if err := c.Release(); err != nil {
		t.Error(err)
	}
}
