// Package instance keeps two agents from working in the same directory.
//
// What enters: a directory. What leaves: the claim to it, or the number of the
// process that has it. A claim ends with its process, however that ends. It
// starts no goroutine and never logs.
package instance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// name is that of the file that carries the claim. No camera has a name with a dot.
const name = ".lock"

// A Claim is the right to a directory.
type Claim struct{ file *os.File }

// New claims dir, which it makes. It fails when another process has it, unless
// that one is [Dying].
func New(dir string) (*Claim, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, name)
	c, owner, err := take(path)
	if owner != 0 && Dying(owner) {
		// It will never use the directory again, nor give its lock back.
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		c, owner, err = take(path)
	}
	if owner != 0 {
		return nil, fmt.Errorf("another agent, process %d, works in %s", owner, dir)
	}
	return c, err
}

// take locks the file, or says which process has.
func take(path string) (c *Claim, owner int, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		text, err := io.ReadAll(io.LimitReader(f, 16))
		owner, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		return nil, max(owner, 1), errors.Join(err, f.Close())
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintln(f, os.Getpid())
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return &Claim{f}, 0, nil
}

// Owner is the process that has dir, 0 when none has. It takes nothing itself.
// The error says that it could not be found out: the file is not everybody's.
func Owner(dir string) (pid int, err error) {
	f, err := os.Open(filepath.Join(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); !errors.Is(err, syscall.EWOULDBLOCK) {
		return 0, err // ours for this moment, or not to be had
	}
	text, err := io.ReadAll(io.LimitReader(f, 16))
	pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
	return max(pid, 1), err
}

// Release gives the directory back. The file stays, for removing it could take
// the claim of the next one away. A nil Claim has nothing to give.
func (c *Claim) Release() error {
	if c == nil {
		return nil
	}
	return c.file.Close()
}

// Dying says that a process was killed and cannot end, which is what becomes of
// one with a thread that hangs in a driver: it will never run again, but keeps
// its descriptors, and with them its locks and its sockets.
func Dying(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil { // those of other users may be hidden
		return pid > 0 && syscall.Kill(pid, 0) == syscall.ESRCH
	}
	for line := range strings.Lines(string(status)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":\t")
		switch key {
		case "State":
			if value[0] == 'Z' || value[0] == 'X' { // its first thread has ended
				return true
			}
		case "SigPnd", "ShdPnd":
			pending, err := strconv.ParseUint(value, 16, 64)
			if err == nil && pending>>(syscall.SIGKILL-1)&1 == 1 {
				return true
			}
		}
	}
	return false
}
