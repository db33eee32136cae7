package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

// A Guest is a running machine as seen through its hand: a place to run commands.
type Guest struct {
	conn net.Conn
	gone chan struct{} // closed when the connection has ended

	mu       sync.Mutex // guards what follows
	requests *json.Encoder
	last     int
	running  map[int]*Process
}

func newGuest(conn net.Conn) *Guest {
	g := &Guest{conn: conn, gone: make(chan struct{}), requests: json.NewEncoder(conn), running: map[int]*Process{}}
	go g.receive()
	return g
}

// receive hands events to the processes that they are about, until the
// connection ends; then every process is over.
func (g *Guest) receive() {
	events := json.NewDecoder(g.conn)
	for {
		var e wire.Event
		if err := events.Decode(&e); err != nil {
			break
		}
		g.mu.Lock()
		p := g.running[e.ID]
		if e.Exited {
			delete(g.running, e.ID)
		}
		g.mu.Unlock()
		if p != nil {
			p.take(e)
		}
	}
	close(g.gone)
}

// ErrGone says that the machine ended while something ran in it.
var ErrGone = errors.New("the guest is gone")

// A Process runs in a guest.
type Process struct {
	g      *Guest
	id     int
	stdout io.Writer
	stderr io.Writer
	done   chan struct{}
	code   int
	err    error
}

func (p *Process) take(e wire.Event) {
	p.stdout.Write(e.Stdout)
	p.stderr.Write(e.Stderr)
	if e.Exited {
		p.code = e.Code
		if e.Error != "" {
			p.err = errors.New(e.Error)
		}
		close(p.done)
	}
}

// request registers a new process and sends what starts it.
func (g *Guest) request(r wire.Request, stdout, stderr io.Writer) (*Process, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last++
	r.ID = g.last
	p := &Process{g: g, id: r.ID, stdout: stdout, stderr: stderr, done: make(chan struct{})}
	g.running[r.ID] = p
	return p, g.requests.Encode(r)
}

// Start runs a command. Its output goes to the writers as it comes, on another goroutine.
func (g *Guest) Start(stdout, stderr io.Writer, argv ...string) (*Process, error) {
	return g.request(wire.Request{Argv: argv, Dir: "/"}, stdout, stderr)
}

func (p *Process) tell(r wire.Request) error {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	r.ID = p.id
	return p.g.requests.Encode(r)
}

// Write is input for the process.
func (p *Process) Write(b []byte) (int, error) { return len(b), p.tell(wire.Request{Stdin: b}) }

// CloseInput ends the process's input.
func (p *Process) CloseInput() error { return p.tell(wire.Request{CloseStdin: true}) }

// Signal sends a signal to the process and its descendants.
func (p *Process) Signal(s syscall.Signal) error { return p.tell(wire.Request{Signal: int(s)}) }

// Wait returns the exit code. When ctx ends first the process is killed.
func (p *Process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
		return p.code, p.err
	case <-p.g.gone:
		return -1, ErrGone
	case <-ctx.Done():
		return -1, errors.Join(ctx.Err(), p.Signal(syscall.SIGKILL))
	}
}

// Run runs a command to its end and returns its output. A failure's error has
// the output too.
func (g *Guest) Run(ctx context.Context, argv ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	p, err := g.Start(&stdout, &stderr, argv...)
	if err != nil {
		return "", err
	}
	p.CloseInput()
	code, err := p.Wait(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("exit code %d", code)
	}
	if err != nil {
		err = fmt.Errorf("in the guest: %s: %w\n%s%s", strings.Join(argv, " "), err,
			tail(stdout.Bytes(), 2000), tail(stderr.Bytes(), 2000))
	}
	return stdout.String(), err
}

// Shell runs a line of bash.
func (g *Guest) Shell(ctx context.Context, line string) (string, error) {
	return g.Run(ctx, "bash", "-c", line)
}

func (g *Guest) ask(ctx context.Context, r wire.Request) error {
	p, err := g.request(r, io.Discard, io.Discard)
	if err != nil {
		return err
	}
	_, err = p.Wait(ctx)
	return err
}

func (g *Guest) wake(ctx context.Context) error {
	now := time.Now()
	return g.ask(ctx, wire.Request{Wake: &now})
}
