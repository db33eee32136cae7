package control_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/instance"
	"github.com/edge-agent/agent/agent/output/web"
)

func TestCommandIsAnswered(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	text, got, err := control.NewClient(s.dir).Status(t.Context())
	if err != nil || !got.Healthy || got.Version != "1" || !strings.Contains(string(text), `"healthy": true`) {
		t.Errorf("%s, %+v, %v", text, got, err)
	}
	// So is curl --unix-socket, whatever it takes for the host.
	if answer := raw(t, s.dir, "GET /api/v1/status HTTP/1.1\r\nHost: anything.example\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 200 ") {
		t.Errorf("%q", answer)
	}
}

func TestChangeIsDoneForWhoMay(t *testing.T) {
	var asked url.Values
	var peer web.Peer
	s := serve(t, directory(t), well(), map[string]web.Change{
		"/api/v1/paint": func(r *http.Request) (any, error) {
			asked = r.URL.Query()
			peer, _ = web.PeerOf(r)
			if asked.Get("colour") == "plaid" {
				return nil, errors.New("colour is plaid; allowed: red")
			}
			return map[string]string{"was": "blue"}, nil
		},
	})
	c := control.NewClient(s.dir)
	var done struct{ Was string }
	if err := c.Change(t.Context(), time.Minute, "/api/v1/paint", url.Values{"colour": {"red"}}, &done); err != nil || done.Was != "blue" || asked.Get("colour") != "red" {
		t.Errorf("%+v, %v, %v", done, asked, err)
	}
	if peer.PID != int32(os.Getpid()) || peer.UID != uint32(os.Getuid()) || peer.GID != uint32(os.Getgid()) {
		t.Errorf("asked by %+v", peer)
	}
	err := c.Change(t.Context(), time.Minute, "/api/v1/paint", url.Values{"colour": {"plaid"}}, &done)
	if r, ok := errors.AsType[*control.Refusal](err); !ok || r.Status != 422 || err.Error() != "colour is plaid; allowed: red" {
		t.Errorf("%v", err)
	}
	// What only changes does nothing for who asks how it is, and nothing else is changed.
	for request, want := range map[string]string{
		"GET /api/v1/paint": "404", "POST /api/v1/status": "404", "PUT /api/v1/paint": "405", "DELETE /": "405", "POST /api/v1/paint": "200",
	} {
		if answer := raw(t, s.dir, request+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 "+want) {
			t.Errorf("%s: %q", request, answer)
		}
	}
	if answer := raw(t, s.dir, "POST /api/v1/paint HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 413 ") {
		t.Errorf("a body: %q", answer)
	}
}

// Members of the socket's group may look and may not change; others not even look.
func TestOtherUsersMayAskAndNotChange(t *testing.T) {
	s := serve(t, directory(t), well(), map[string]web.Change{
		"/api/v1/paint": func(*http.Request) (any, error) { t.Error("changed"); return nil, nil },
	})
	if answer := say(t, as(t, "ask", s.dir, somebody, rootGroup)); !strings.Contains(answer, `"healthy": true`) {
		t.Errorf("a member of the group asks: %s", answer)
	}
	want := fmt.Sprintf("user %d may ask and change nothing: allowed are root and user 0, the agent's own; with sudo you are root", somebody)
	if answer := say(t, as(t, "change", s.dir, somebody, rootGroup)); answer != want {
		t.Errorf("a member of the group changes: %s", answer)
	}
	for _, role := range []string{"ask", "change"} {
		if answer := say(t, as(t, role, s.dir, somebody, somebody)); !strings.HasPrefix(answer, "not allowed to ask the agent: root may") || !strings.HasSuffix(answer, "permission denied)") {
			t.Errorf("nobody, %s: %s", role, answer)
		}
	}
}

// Where the directory is the service's, its group is named.
func TestGroupThatMayIsNamed(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	const video = 44 // of base-passwd, on every Debian
	answer := as(t, "ask", s.dir, somebody, somebody)
	if err := os.Chown(s.dir, 0, video); err != nil {
		t.Fatal(err)
	}
	if text := say(t, answer); !strings.Contains(text, "members of the group video: sudo usermod -aG video $USER, and log in again") {
		t.Errorf("%s", text)
	}
}

func TestSocketIsForTheGroupAndGoesWithItsServer(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	s := serve(t, directory(t), well(), nil)
	path := filepath.Join(s.dir, control.Socket)
	if info, err := os.Stat(path); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("%v, %v", info, err)
	}
	if err := control.New(s.dir, web.Handlers{}, nil).Serve(t.Context(), nil); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second agent: %v", err)
	}
	s.stop()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after its end: %v", err)
	}
}

func TestSocketOfADeadAgentIsReplaced(t *testing.T) {
	dir := directory(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, control.Socket)})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close() // as a kill does: the name stays
	if _, _, err := control.NewClient(dir).Status(t.Context()); !errors.Is(err, control.ErrNotRunning) || !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("of the dead one: %v", err)
	}
	serve(t, dir, well(), nil)
	if _, _, err := control.NewClient(dir).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestWhyThereIsNoAnswer(t *testing.T) {
	dir := directory(t)
	_, _, err := control.NewClient(dir).Status(t.Context())
	want := fmt.Sprintf("no agent is running: it was looked for in %s; --runtime-dir or EDGE_AGENT_RUN say where it is (dial unix %s/control.sock: connect: no such file or directory)", dir, dir)
	if !errors.Is(err, control.ErrNotRunning) || err.Error() != want {
		t.Errorf("%v", err)
	}
	claim, err := instance.New(dir) // an agent of before there was a socket
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	_, _, err = control.NewClient(dir).Status(t.Context())
	if !errors.Is(err, control.ErrNotRunning) || !strings.Contains(err.Error(), fmt.Sprintf("process %d has no control socket; it is about to start or to end, or of an older version", os.Getpid())) {
		t.Errorf("%v", err)
	}
}

// A process that is stopped accepts connections, by the kernel, and says nothing.
func TestSilentAgentIsToldOf(t *testing.T) {
	dir := directory(t)
	l, err := net.Listen("unix", filepath.Join(dir, control.Socket))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := control.NewClient(dir)
	err = c.Change(t.Context(), 50*time.Millisecond, "/api/v1/paint", nil, nil)
	if !errors.Is(err, control.ErrSilent) || err.Error() != "the agent does not answer within 50ms: journalctl -u agent -e says what it does" {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := c.Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for range 2 { // the one that gave up, and this one
			if conn, err := l.Accept(); err == nil {
				conn.Close()
			}
		}
	}()
	if _, _, err := c.Status(t.Context()); !errors.Is(err, control.ErrSilent) || !strings.Contains(err.Error(), "it hung up") {
		t.Errorf("%v", err)
	}
	l.Close()
	<-gone
}

func TestStatusOfAnotherVersionIsRead(t *testing.T) {
	var answer any
	s := serve(t, directory(t), web.Handlers{Status: func() any { return answer }}, nil)
	c := control.NewClient(s.dir)
	answer = map[string]any{"version": "9", "healthy": true, "mood": map[string]any{"of": "the day"}, "uptime_seconds": "a long time"}
	if text, got, err := c.Status(t.Context()); err != nil || got.Version != "9" || !got.Healthy || !strings.Contains(string(text), "mood") {
		t.Errorf("%s, %+v, %v", text, got, err)
	}
	answer = "no object"
	if _, got, err := c.Status(t.Context()); err != nil || got.Healthy {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestPathThatTheAgentDoesNotKnow(t *testing.T) {
	s := serve(t, directory(t), well(), nil)
	err := control.NewClient(s.dir).Change(t.Context(), time.Second, "/api/v1/dance", nil, nil)
	if r, ok := errors.AsType[*control.Refusal](err); !ok || r.Status != 404 || !strings.Contains(err.Error(), "/api/v1/dance") {
		t.Errorf("%v", err)
	}
	if _, _, err := control.NewClient(s.dir).Image(t.Context(), time.Second, "../front", "snapshot.jpg"); err == nil || !strings.Contains(err.Error(), "no camera is named") {
		t.Errorf("%v", err)
	}
}
