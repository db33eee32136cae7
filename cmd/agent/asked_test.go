package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/preproc"
)

// A fake agent answers commands with what it is told to.
type fake struct {
	dir    string
	status atomic.Pointer[status.Status]
	stop   func()
}

func directory(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "asked") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// answering is an agent with two cameras, of which one has pictures.
func answering(t *testing.T, dir string) *fake {
	t.Helper()
	f := &fake{dir: dir}
	f.status.Store(&status.Status{
		Time: time.Now(), Version: version, Started: time.Now(), Healthy: true, Headline: "All is well", Log: status.Log{Level: "info", Configured: "info"},
		Cameras: []status.Camera{
			{Name: "front", State: "publishing", Healthy: true, Outputs: []status.Output{{Name: "model", Kind: "http", Address: "/cameras/front/model.npy"}}},
			{Name: "rear", State: "publishing", Healthy: true},
		},
	})
	spec := preproc.Spec{Name: ".view", Encode: preproc.JPEG}
	model := preproc.Spec{Name: "model", Width: 1, Height: 1}
	tap := func(camera string, spec preproc.Spec, trouble error) *web.Tap {
		return web.NewTap(web.TapConfig{Camera: camera, Spec: spec, View: spec.Name == ".view", Patience: 30 * time.Second, Trouble: func() error { return trouble }})
	}
	front, tensor, rear := tap("front", spec, nil), tap("front", model, nil), tap("rear", spec, errors.New("camera rear: waiting (no such camera)"))
	server := control.New(dir, web.Handlers{
		Status: func() any { return f.status.Load() },
		Cameras: func() []web.Camera {
			return []web.Camera{{Name: "front", View: front, Outputs: []*web.Tap{tensor}}, {Name: "rear", View: rear}}
		},
	}, nil)
	ctx, cancel := context.WithCancel(context.Background())
	listening, done := make(chan struct{}), make(chan error, 1)
	go func() { done <- server.Serve(ctx, func(string) { close(listening) }) }()
	filmed := make(chan struct{})
	go func() { // a picture for whoever waits
		defer close(filmed)
		for ctx.Err() == nil {
			_ = front.Write(ctx, &preproc.Image{Spec: &spec, Data: []byte("a picture"), Width: 640, Height: 360, Sequence: 7})
			_ = tensor.Write(ctx, &preproc.Image{Spec: &model, Data: []byte{1, 2, 3}, Width: 1, Height: 1, Sequence: 8})
			<-time.After(time.Millisecond)
		}
	}()
	select {
	case <-listening:
	case err := <-done:
		t.Fatal(err)
	}
	stopped := false
	f.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-done
			<-filmed
		}
	}
	t.Cleanup(f.stop)
	return f
}

// change changes what is answered.
func (f *fake) change(change func(*status.Status)) {
	s := *f.status.Load()
	change(&s)
	f.status.Store(&s)
}

// asks runs a command and returns what it says, and its exit code.
func asks(t *testing.T, dir string, arguments ...string) (out, errs string, code int) {
	t.Helper()
	cmd := exec.Command("/proc/self/exe", arguments...)
	cmd.Env = append(os.Environ(), mainVar+"=1", "EDGE_AGENT_RUN="+dir)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return o.String(), e.String(), cmd.ProcessState.ExitCode()
}

func TestExitCodeOfStatusSaysHowTheAgentIs(t *testing.T) {
	dir := directory(t)
	if out, errs, code := asks(t, dir, "status"); code != 2 || out != "" || !strings.HasPrefix(errs, "agent: no agent is running: ") || strings.Count(errs, "\n") != 1 {
		t.Errorf("not running: %d %q %q", code, out, errs)
	}
	f := answering(t, dir)
	if out, errs, code := asks(t, dir, "status"); code != 0 || !strings.HasPrefix(out, "All is well\n2 cameras, ") || errs != "" || strings.Contains(out, "\x1b") {
		t.Errorf("healthy: %d %q %q", code, out, errs)
	}
	since := time.Now()
	f.change(func(s *status.Status) {
		s.Degraded, s.Headline = true, "Works, with less than asked for"
		s.Reasons = []status.Reason{{Kind: status.Degraded, Camera: "rear", Text: "fallback 1 of 2", Since: &since}}
	})
	if out, errs, code := asks(t, dir, "status"); code != 1 || !strings.HasPrefix(out, "Works, with less than asked for since ") || errs != "" {
		t.Errorf("degraded: %d %q %q", code, out, errs)
	}
	for camera, want := range map[string]int{"front": 0, "rear": 1, "side": 1} {
		if out, errs, code := asks(t, dir, "status", camera); code != want || (camera == "side") != (errs != "") || (camera == "side") == (out != "") {
			t.Errorf("%s: %d %q %q", camera, code, out, errs)
		}
	}
}

func TestStatusIsJSONForPrograms(t *testing.T) {
	f := answering(t, directory(t))
	f.change(func(s *status.Status) { s.LastWords = "\u009b31m \u202e" })
	out, _, code := asks(t, f.dir, "status", "--json")
	var got status.Status
	if err := json.Unmarshal([]byte(out), &got); err != nil || code != 0 || len(got.Cameras) != 2 || got.LastWords != "\u009b31m \u202e" || strings.ContainsAny(out, "\u009b\u202e") {
		t.Errorf("%d, %v: %s", code, err, out)
	}
	out, _, _ = asks(t, f.dir, "status", "--json", "rear")
	var camera status.Camera
	if err := json.Unmarshal([]byte(out), &camera); err != nil || camera.Name != "rear" {
		t.Errorf("%v: %s", err, out)
	}
}

func TestSnapshotIsWrittenWhole(t *testing.T) {
	f := answering(t, directory(t))
	for _, arguments := range [][]string{{"front"}, {"front", "-o", "-"}} {
		if out, errs, code := asks(t, f.dir, append([]string{"snapshot"}, arguments...)...); code != 0 || out != "a picture" || errs != "" {
			t.Errorf("%q: %d %q %q", arguments, code, out, errs)
		}
	}
	at := filepath.Join(f.dir, "now.jpg")
	for range 2 { // the second in place of the first
		if out, errs, code := asks(t, f.dir, "snapshot", "front", "-o", at); code != 0 || out != "" || errs != at+": frame 7, 640x360, good\n" {
			t.Errorf("%d %q %q", code, out, errs)
		}
	}
	if text, err := os.ReadFile(at); err != nil || string(text) != "a picture" {
		t.Errorf("%q, %v", text, err)
	}
	if out, errs, code := asks(t, f.dir, "snapshot", "front", "--output", "model"); code != 0 || !strings.HasPrefix(out, "\x93NUMPY") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	if left, err := filepath.Glob(filepath.Join(f.dir, "*.part")); err != nil || len(left) > 0 {
		t.Errorf("left: %q, %v", left, err)
	}
	for want, arguments := range map[string][]string{
		`no camera is named "side"; there are: front, rear`:                {"side"},
		"camera rear: waiting (no such camera)":                            {"rear"},
		`camera front has no output "film" that is open; there are: model`: {"front", "--output", "film"},
		"write " + f.dir + ": it is a directory":                           {"front", "-o", f.dir},
		"open " + f.dir + "/no/":                                           {"front", "-o", f.dir + "/no/x.jpg"},
	} {
		if out, errs, code := asks(t, f.dir, append([]string{"snapshot"}, arguments...)...); code != 1 || out != "" || !strings.HasPrefix(errs, "agent: "+want) {
			t.Errorf("%q: %d %q %q", arguments, code, out, errs)
		}
	}
	f.stop()
	if _, errs, code := asks(t, f.dir, "snapshot", "front"); code != 2 || !strings.Contains(errs, "no agent is running") {
		t.Errorf("%d %q", code, errs)
	}
}

// A pipe or a device gets the bytes, and stays what it is.
func TestSnapshotGoesToAPipeThatIsThere(t *testing.T) {
	at := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(at, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string)
	go func() {
		text, _ := os.ReadFile(at)
		read <- string(text)
	}()
	if err := writeWhole(at, []byte("a picture")); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "a picture" {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(at); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Errorf("%v, %v", info, err)
	}
}

func TestLevelIsShown(t *testing.T) {
	f := answering(t, directory(t))
	if out, errs, code := asks(t, f.dir, "log-level"); code != 0 || out != "info, as the config says\n" {
		t.Errorf("%d %q %q", code, out, errs)
	}
	f.change(func(s *status.Status) { s.Log = status.Log{} })
	if _, errs, code := asks(t, f.dir, "log-level"); code != 1 || !strings.Contains(errs, "older version") {
		t.Errorf("%d %q", code, errs)
	}
	for _, wrong := range [][]string{{"loud"}, {"debug", "--for", "25h"}, {"debug", "--for", "-1s"}, {"debug", "--for", "1"}} {
		if out, errs, code := asks(t, f.dir, append([]string{"log-level"}, wrong...)...); code == 0 || errs == "" {
			t.Errorf("%q: %d %q %q", wrong, code, out, errs)
		}
	}
}

// timeout(1) sends its signal twice, to the process and to its group.
func TestSignalThatComesAgainIsNoFailure(t *testing.T) {
	f := answering(t, directory(t))
	cmd := agentCommand("status", "--watch", "--runtime-dir", f.dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line := bufio.NewReader(out)
	if _, err := line.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for cmd.Process.Signal(syscall.SIGINT) == nil { // until it was waited for
			runtime.Gosched()
		}
	}()
	rest, err := io.ReadAll(line)
	if err = errors.Join(err, cmd.Wait()); err != nil || strings.Contains(string(rest), "no answer") {
		t.Errorf("%v, %q", err, rest)
	}
	<-ended
}

func TestLinesForProgramsAreOfTheCameraThatIsNamed(t *testing.T) {
	f := answering(t, directory(t))
	if out, errs, code := asks(t, f.dir, "status", "--watch", "side"); code != exitFailure || out != "" || !strings.Contains(errs, "there are: front, rear") {
		t.Errorf("%d %q %q", code, out, errs)
	}
	cmd := agentCommand("status", "--watch", "rear", "--runtime-dir", f.dir)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err = errors.Join(err, cmd.Process.Signal(syscall.SIGINT), cmd.Wait()); err != nil || !strings.Contains(line, " rear: publishing since ") {
		t.Errorf("%q, %v", line, err)
	}
}
