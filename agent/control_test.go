package agent

import (
	"bytes"
	"errors"
	"image/jpeg"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/control"
)

// Commands are answered by the time the agent is ready, and also where HTTP is off.
func TestCommandsAreAnsweredWithoutHTTP(t *testing.T) {
	r := start(t, `
http: off
cameras:
  front: {device: {pattern: bars}, mode: {size: 640x360, rate: 50}, outputs: {model: {size: 32x32}}}
  rear: {device: {serial: none-has-this}, outputs: {model: {size: 32x32}}}
`)
	r.until(t, "ready", func() bool { return len(r.log.entries(t, "agent started")) > 0 })
	c := control.NewClient(r.dir)
	text, s, err := c.Status(t.Context())
	if err != nil || len(s.Cameras) != 2 || s.HTTP != nil || s.Control.Requests != 1 {
		t.Fatalf("%s, %v", text, err)
	}
	r.until(t, "one publishes and one waits", func() bool {
		return r.list()[0].state.Load().Phase == Publishing && r.list()[1].state.Load().Phase == Waiting
	})
	data, header, err := c.Image(t.Context(), time.Minute, "front", "snapshot.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if at, err := jpeg.DecodeConfig(bytes.NewReader(data)); err != nil || at.Width != 640 || at.Height != 360 || header.Get("X-Frame-Verdict") != "good" {
		t.Errorf("%+v, %v, %v", at, header, err)
	}
	for camera, want := range map[string]string{"rear": "camera rear: waiting (", "side": `no camera is named "side"; there are: front, rear`} {
		if _, _, err := c.Image(t.Context(), time.Minute, camera, "snapshot.jpg"); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", camera, err)
		}
	}
	r.stop()
	r.finished(t)
	if _, err := os.Lstat(filepath.Join(r.dir, control.Socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v", err)
	}
	if _, _, err := c.Status(t.Context()); !errors.Is(err, control.ErrNotRunning) {
		t.Error(err)
	}
}

// A file in the way is told of once, costs no camera anything, and is waited for.
func TestControlSocketThatCannotBeMadeIsWaitedFor(t *testing.T) {
	const trouble = "commands cannot be answered, trying again"
	cfg, err := config.Parse("test.yaml", []byte("cameras: {front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, outputs: {model: {size: 32x32}}}}"))
	if err != nil {
		t.Fatal(err)
	}
	r := startWith(t, cfg, func(a *Agent) {
		if err := os.WriteFile(filepath.Join(a.RuntimeDir, control.Socket), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	})
	r.until(t, "told", func() bool { return len(r.log.entries(t, trouble)) > 0 })
	r.until(t, "ready all the same", func() bool { return len(r.log.entries(t, "agent started")) > 0 })
	if err := os.Remove(filepath.Join(r.dir, control.Socket)); err != nil {
		t.Fatal(err)
	}
	c := control.NewClient(r.dir)
	r.until(t, "answered", func() bool { _, _, err := c.Status(t.Context()); return err == nil })
	if n := len(r.log.entries(t, trouble)); n != 1 {
		t.Errorf("told %d times", n)
	}
	r.stop()
	r.finished(t)
}
