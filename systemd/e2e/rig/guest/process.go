package main

import (
	"io"
	"log"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

type process struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

func (h *hand) start(r wire.Request) {
	cmd := exec.Command(r.Argv[0], r.Argv[1:]...)
	cmd.Env = append(os.Environ(), "HOME=/root", "LC_ALL=C.UTF-8",
		"PATH="+wire.Share+"/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	cmd.Env = append(cmd.Env, r.Env...)
	cmd.Dir = r.Dir
	cmd.Stdout = output(func(b []byte) { h.send(wire.Event{ID: r.ID, Stdout: b}) })
	cmd.Stderr = output(func(b []byte) { h.send(wire.Event{ID: r.ID, Stderr: b}) })
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 5 * time.Second // a daemon that it left behind may hold its output open
	if path, err := lookPath(r.Argv[0]); err == nil {
		cmd.Path, cmd.Err = path, nil
	}
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		h.finish(r.ID, err)
		return
	}
	h.mu.Lock()
	h.running[r.ID] = &process{cmd, stdin}
	h.mu.Unlock()
	go h.wait(r.ID, cmd)
}

// lookPath searches the shared folder first, which the service's own PATH lacks.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(wire.Share + "/bin/" + name); err == nil {
		return path, nil
	}
	return exec.LookPath(name)
}

func (h *hand) wait(id int, cmd *exec.Cmd) {
	err := cmd.Wait()
	h.mu.Lock()
	delete(h.running, id)
	h.mu.Unlock()
	e := wire.Event{ID: id, Exited: true, Code: cmd.ProcessState.ExitCode()}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Code = 128 + int(ws.Signal())
	} else if e.Code < 0 && err != nil {
		e.Error = err.Error()
	}
	h.send(e)
}

func (p *process) tell(r wire.Request) {
	if len(r.Stdin) > 0 {
		if _, err := p.stdin.Write(r.Stdin); err != nil {
			log.Print("stdin: ", err)
		}
	}
	if r.CloseStdin {
		p.stdin.Close()
	}
	if r.Signal != 0 { // Setsid has made it the leader of a group
		if err := syscall.Kill(-p.cmd.Process.Pid, syscall.Signal(r.Signal)); err != nil {
			log.Print("signal: ", err)
		}
	}
}

type output func([]byte)

func (o output) Write(b []byte) (int, error) {
	o(b)
	return len(b), nil
}
