package agent

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/systemd"
)

// levels are what was told of changes: "info to debug", and whether it was.
func levels(t *testing.T, j *journal) string {
	t.Helper()
	var all []string
	for _, e := range j.entries(t, "log level is another one") {
		all = append(all, e["level_before"].(string)+" to "+e["level_now"].(string))
	}
	return strings.Join(all, ", ")
}

func TestLevelHoldsForItsTimeAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, level := &journal{}, systemd.NewLevel(zerolog.ErrorLevel)
		v := &verbosity{}
		v.begin(zerolog.New(j).Sample(level), level)
		ask := func(l zerolog.Level, hold time.Duration) {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.set(l, hold, "test")
		}
		ask(zerolog.DebugLevel, 10*time.Minute)
		if s := v.status(); s.Level != "debug" || s.Configured != "error" || !s.Until.Equal(time.Now().Add(10*time.Minute)) {
			t.Errorf("%+v", s)
		}
		time.Sleep(9 * time.Minute)
		ask(zerolog.WarnLevel, 10*time.Minute) // in place of the first, whose end is none of it
		time.Sleep(9 * time.Minute)
		if s := v.status(); s.Level != "warn" {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Minute)
		if s := v.status(); s != (status.Log{Level: "error", Configured: "error"}) {
			t.Errorf("%+v", s)
		}
		ask(zerolog.DebugLevel, time.Hour)
		v.follow(zerolog.InfoLevel, "reload")
		if s := v.status(); s != (status.Log{Level: "info", Configured: "info"}) || v.timer != nil {
			t.Errorf("%+v", s)
		}
		v.end()
		// Each is told at a level at which it is heard.
		if got, want := levels(t, j), "error to debug, debug to warn, warn to error, error to debug, debug to info"; got != want {
			t.Errorf("told: %s, want %s", got, want)
		}
	})
}

func TestLevelIsAskedForByACommand(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte("cameras: {rear: {device: {serial: none-has-this}}}"))
	if err != nil {
		t.Fatal(err)
	}
	j, level := &journal{}, systemd.NewLevel(zerolog.InfoLevel)
	r := startWith(t, cfg, func(a *Agent) {
		a.Log, a.Level = zerolog.New(j).Sample(level), level
		a.verbosity.begin(a.Log, level)
	})
	c := control.NewClient(r.dir)
	r.until(t, "answered", func() bool { _, _, err := c.Status(t.Context()); return err == nil })
	ask := func(level, hold string) (got status.Log, err error) {
		return got, c.Change(t.Context(), time.Minute, "/api/v1/log-level", url.Values{"level": {level}, "for": {hold}}, &got)
	}
	if got, err := ask("debug", "10m"); err != nil || got.Level != "debug" || got.Configured != "info" || got.Until == nil {
		t.Errorf("%+v, %v", got, err)
	}
	r.until(t, "more is logged", func() bool { return len(j.entries(t, "camera still not available")) > 0 })
	if _, s, err := c.Status(t.Context()); err != nil || s.Log.Level != "debug" {
		t.Errorf("%+v, %v", s, err)
	}
	for _, wrong := range [][2]string{{"loud", "10m"}, {"", ""}, {"trace", "1m"}, {"debug", ""}, {"debug", "0"}, {"debug", "25h"}, {"debug", "-1m"}, {"debug", "soon"}} {
		_, err := ask(wrong[0], wrong[1])
		if r, ok := errors.AsType[*control.Refusal](err); !ok || r.Status != 422 || !strings.Contains(err.Error(), "; allowed: ") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if got, err := ask("config", ""); err != nil || got.Level != "info" || got.Until != nil {
		t.Errorf("%+v, %v", got, err)
	}
	r.stop()
	r.finished(t)
	if got := levels(t, j); got != "info to debug, debug to info" {
		t.Errorf("told: %s", got)
	}
	if e := j.entries(t, "log level is another one"); !strings.HasPrefix(e[0]["why"].(string), "user ") || e[0]["for"] != "10m0s" {
		t.Errorf("%v", e[0])
	}
}
