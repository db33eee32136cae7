package control_test

import (
	"context"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/output/web"
)

// roleVar makes the test binary somebody else, who works on the directory that is
// its argument and says how it went.
const roleVar = "CONTROL_TEST_ROLE"

var roles = map[string]func(dir string) string{"ask": ask, "change": change, "flood": flood}

func TestMain(m *testing.M) {
	if role := roles[os.Getenv(roleVar)]; role != nil {
		_, _ = io.WriteString(os.Stdout, role(os.Args[1]))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func ask(dir string) string {
	text, _, err := control.NewClient(dir).Status(context.Background())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func change(dir string) string {
	if err := control.NewClient(dir).Change(context.Background(), control.Patience, "/api/v1/paint", nil, nil); err != nil {
		return err.Error()
	}
	return "changed"
}

// The ids of somebody else. The group of a socket that root makes is root's.
const somebody, rootGroup = 65534, 0

// as runs a role as another user and returns what it says. It needs root, which CI is.
func as(t *testing.T, role, dir string, uid, gid uint32) *exec.Cmd {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root may become another user")
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	// Not below that of the test binary, where nobody else may look.
	program := filepath.Join(dir, "program")
	if _, err := os.Stat(program); err != nil {
		text, err := os.ReadFile("/proc/self/exe")
		if err == nil {
			err = os.WriteFile(program, text, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(program, dir)
	cmd.Env = []string{roleVar + "=" + role}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid}, Pdeathsig: syscall.SIGKILL}
	return cmd
}

func say(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	text, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A served is a server that listens in dir.
type served struct {
	*web.Server
	dir  string
	stop func()
}

func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "control") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func serve(t *testing.T, dir string, h web.Handlers, changes map[string]web.Change) *served {
	t.Helper()
	s := &served{Server: control.New(dir, h, changes), dir: dir}
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan string, 1), make(chan error, 1)
	go func() { done <- s.Serve(ctx, func(path string) { listening <- path }) }()
	select {
	case path := <-listening:
		if path != filepath.Join(dir, control.Socket) {
			t.Errorf("listens at %s", path)
		}
	case err := <-done:
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

func well() web.Handlers {
	return web.Handlers{Status: func() any { return map[string]any{"healthy": true, "version": "1"} }}
}

func dial(t *testing.T, dir string) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", filepath.Join(dir, control.Socket))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// raw sends a request and returns the whole answer.
func raw(t *testing.T, dir, request string) string {
	t.Helper()
	c := dial(t, dir)
	go func() { _, _ = io.WriteString(c, request) }() // it may be hung up on before the end
	text, err := io.ReadAll(c)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatal(err)
	}
	return string(text)
}
