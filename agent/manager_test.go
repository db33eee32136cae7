package agent

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/systemd"
)

// With these set the test binary is an agent in that directory with that config.
const (
	serviceVar = "AGENT_TEST_SERVICE_DIR"
	configVar  = "AGENT_TEST_SERVICE_CONFIG"
)

func init() { roles = append(roles, serve) }

func serve() bool {
	dir := os.Getenv(serviceVar)
	if dir == "" {
		return false
	}
	cfg, err := config.Parse("test.yaml", []byte(os.Getenv(configVar)))
	if err == nil {
		n := systemd.NewNotifier()
		err = New(Options{
			Config: cfg, Log: zerolog.New(os.Stderr), RuntimeDir: dir, StateDir: filepath.Join(dir, "state"),
			Notifier: n, Descriptors: systemd.NewDescriptorStore(n), FirstSequence: SequenceByClock,
		}).Run(context.Background())
	}
	if err != nil {
		panic(err)
	}
	return true
}

// manager is what systemd is to the agent: it starts the process, reads what it
// notifies, and keeps its descriptors.
type manager struct {
	t       *testing.T
	dir     string
	socket  *net.UnixConn
	process *exec.Cmd
	done    chan struct{}

	mu     sync.Mutex
	kept   map[string][]*os.File
	synced chan struct{} // closed at the next mark
}

func newManager(t *testing.T) *manager {
	dir, err := os.MkdirTemp("", "agent") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	m := &manager{t: t, dir: dir, kept: map[string][]*os.File{}, done: make(chan struct{})}
	if m.socket, err = net.ListenUnixgram("unixgram", m.address()); err != nil {
		t.Fatal(err)
	}
	go m.listen()
	t.Cleanup(func() {
		m.kill()
		m.socket.Close()
		<-m.done
		os.RemoveAll(dir)
	})
	return m
}

func (m *manager) address() *net.UnixAddr {
	return &net.UnixAddr{Name: filepath.Join(m.dir, "notify"), Net: "unixgram"}
}

// listen is the manager's end of sd_notify(3).
func (m *manager) listen() {
	defer close(m.done)
	text, oob := make([]byte, 4096), make([]byte, syscall.CmsgSpace(4))
	for {
		n, oobn, _, _, err := m.socket.ReadMsgUnix(text, oob)
		if err != nil {
			return
		}
		m.mu.Lock()
		_, name, _ := strings.Cut(string(text[:n]), "FDNAME=")
		switch state, _, _ := strings.Cut(string(text[:n]), "\n"); state {
		case "FDSTORE=1":
			m.kept[name] = append(m.kept[name], received(oob[:oobn]))
		case "FDSTOREREMOVE=1":
			for _, f := range m.kept[name] {
				f.Close()
			}
			delete(m.kept, name)
		case "MARK=1":
			close(m.synced)
		}
		m.mu.Unlock()
	}
}

func received(oob []byte) *os.File {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		panic(err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		panic(err)
	}
	return os.NewFile(uintptr(fds[0]), "kept")
}

// start starts the agent with what was kept.
func (m *manager) start(yaml string) {
	m.t.Helper()
	// The shell has the number that the agent will have.
	cmd := exec.Command("sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0])
	var names []string
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, files := range m.kept {
		for _, f := range files {
			names, cmd.ExtraFiles = append(names, name), append(cmd.ExtraFiles, f)
		}
	}
	cmd.Env = append(os.Environ(), serviceVar+"="+m.dir, configVar+"="+yaml, "NOTIFY_SOCKET="+m.address().Name,
		fmt.Sprintf("LISTEN_FDS=%d", len(names)), "LISTEN_FDNAMES="+strings.Join(names, ":"))
	cmd.Stderr = m.t.Output()
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.process = cmd
}

// kill is kill -9, and returns when all is read that the process had to say.
func (m *manager) kill() { m.end(syscall.SIGKILL) }

func (m *manager) end(signal os.Signal) {
	m.t.Helper()
	if m.process == nil {
		return
	}
	_ = m.process.Process.Signal(signal)
	_ = m.process.Wait() // of a process that was killed
	m.process = nil
	synced := make(chan struct{})
	m.mu.Lock()
	m.synced = synced
	m.mu.Unlock()
	conn, err := net.DialUnix("unixgram", nil, m.address())
	if err != nil {
		m.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("MARK=1")); err != nil {
		m.t.Fatal(err)
	}
	<-synced
}

// awaitKept returns when there are n descriptors under a name. A consumer has
// frames a moment before it is kept.
func (m *manager) awaitKept(name string, n int) {
	m.t.Helper()
	count := func() int {
		m.mu.Lock()
		defer m.mu.Unlock()
		return len(m.kept[name])
	}
	for until := time.Now().Add(10 * time.Second); count() != n; runtime.Gosched() {
		if time.Now().After(until) {
			m.t.Fatalf("%d descriptors kept as %s, want %d", count(), name, n)
		}
	}
}
