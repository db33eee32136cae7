package agent

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

// failing is a service that the supervisor has to tell of.
type failing struct{}

func (failing) Serve(context.Context) error {
	return os.ErrInvalid
}

// What nobody beats for and everybody needs.
func TestDeadlockBesideTheStagesIsNamed(t *testing.T) {
	for name, block := range map[string]func(r *rigged) (release func()){
		"list of cameras": func(r *rigged) func() {
			r.mu.Lock()
			return r.mu.Unlock
		},
		"supervisor": func(r *rigged) func() {
			r.log.mu.Lock() // which the supervisor tells of services that fail
			r.tree.Add(failing{})
			return r.log.mu.Unlock
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := start(t, "cameras:\n  front:\n    device: {pattern: bars}\n    outputs: {model: {size: 32x32}}\n")
			r.until(t, "publishing", func() bool { return r.publishedBy() > 0 })
			release := block(r)
			err := r.monitor.Check()
			for until := time.Now().Add(10 * time.Second); err == nil && time.Now().Before(until); err = r.monitor.Check() {
			}
			release()
			if err == nil || !strings.Contains(err.Error(), name+": no progress for") {
				t.Errorf("found: %v", err)
			}
			r.stop()
			r.finished(t)
		})
	}
}

// The status that systemd shows is gone with the process.
func TestStatusTellsThatTheProcessBeforeWasStuck(t *testing.T) {
	dir := t.TempDir()
	before := &Agent{Options: Options{RuntimeDir: dir}}
	before.stuck(os.ErrDeadlineExceeded)
	after := New(Options{RuntimeDir: dir, Config: config.Defaults()})
	after.readLastWords()
	if s := after.statusLine(); !strings.Contains(s, "the process before was stuck, ") || !strings.HasSuffix(s, os.ErrDeadlineExceeded.Error()) {
		t.Errorf("status %q", s)
	}
	if _, err := os.Stat(filepath.Join(dir, ".stuck")); err == nil {
		t.Error("the next one would tell it again")
	}
	before.stuck(os.ErrDeadlineExceeded)
	before.stuck(nil)
	if after.readLastWords(); len(after.lastWords) == 0 {
		t.Error("forgotten")
	}
	third := New(Options{RuntimeDir: dir, Config: config.Defaults()})
	if third.readLastWords(); third.lastWords != "" {
		t.Errorf("the process before came out of it, and the next says %q", third.lastWords)
	}
}
