//go:build deb

package systemd_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// How long the program takes until it is ready, and what memory it takes when
// there is hardly anything to do, beyond that of frames.
const (
	startToReady = 100 * time.Millisecond
	idleMemory   = 15e6 // of the agent, and as much again of a camera's worker
	idleConfig   = "cameras: {front: {device: {pattern: bars}, mode: {size: 160x120, rate: 1}, outputs: {model: {size: 160x120}}}}\n"
)

func TestProgramIsReadySoonAndIdleSmall(t *testing.T) {
	dir := t.TempDir()
	agent := filepath.Join(unpacked(t, debPath(t)), "usr/bin/agent")
	if err := os.WriteFile(filepath.Join(dir, "agent.yaml"), []byte(idleConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	var took []time.Duration
	for range 5 {
		cmd := exec.CommandContext(t.Context(), agent, "run", "--config", filepath.Join(dir, "agent.yaml"))
		cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+manager.LocalAddr().String(), "RUNTIME_DIRECTORY="+dir, "STATE_DIRECTORY="+dir)
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		awaitNotice(t, manager, "READY=1")
		took = append(took, time.Since(begin))
		awaitNotice(t, manager, "STATUS=All is well; front: publishing")
		for _, pid := range append([]int{cmd.Process.Pid}, children(t, cmd.Process.Pid)...) {
			size := proportional(t, pid)
			t.Logf("process %d: %.1f MB", pid, float64(size)/1e6)
			if size > idleMemory {
				t.Errorf("process %d takes %.1f MB; allowed: %.0f", pid, float64(size)/1e6, idleMemory/1e6)
			}
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	// The rest is what others made it wait for the CPU.
	t.Logf("ready after %v", took)
	if slices.Min(took) > startToReady {
		t.Errorf("ready after %v; allowed: %v", took, startToReady)
	}
}

// awaitNotice reads what the program tells its manager until a line is there.
func awaitNotice(t *testing.T, manager *net.UnixConn, line string) {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 4096)
	for {
		n, err := manager.Read(text)
		if err != nil {
			t.Fatalf("waiting for %s: %v", line, err)
		}
		if slices.Contains(strings.Split(string(text[:n]), "\n"), line) {
			return
		}
	}
}

func children(t *testing.T, pid int) (pids []int) {
	t.Helper()
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // of a thread that has ended: nothing
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	if len(pids) == 0 {
		t.Error("the agent has no worker")
	}
	return pids
}

// proportional is the proportional set size of a process in bytes, less what it
// has of rings.
func proportional(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	size, ring := 0, false
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if !strings.HasSuffix(words[0], ":") { // the line that names a mapping
			ring = strings.Contains(line, "/memfd:edge-agent:front/")
		} else if words[0] == "Pss:" && !ring {
			kB, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			size += kB << 10
		}
	}
	return size
}
