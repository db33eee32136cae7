package main

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
)

type logLevelCmd struct {
	asking
	Level string        `arg:"" optional:"" help:"debug, info, warn or error; config for that of the config. Without it, the level is shown."`
	For   time.Duration `help:"How long it is to hold, 1s to 24h; after that, a reload or a restart it is that of the config." default:"10m" placeholder:"TIME"`
}

var logLevels = []string{"", "debug", "info", "warn", "error", "config"}

// Validate says what is allowed before anybody is asked.
func (l *logLevelCmd) Validate() error {
	if !slices.Contains(logLevels, l.Level) {
		return fmt.Errorf("level %q: allowed are %s", l.Level, strings.Join(logLevels[1:], ", "))
	}
	if l.For < time.Second || l.For > 24*time.Hour {
		return fmt.Errorf("--for %v: allowed are 1s to 24h", l.For)
	}
	return nil
}

// Run shows the level of the running agent's log, or has it be another one.
func (l *logLevelCmd) Run() error {
	ctx := interrupted()
	if l.Level == "" {
		_, s, err := l.client().Status(ctx)
		if err != nil {
			return unanswered(err)
		}
		return showLevel(&s.Log)
	}
	var log status.Log
	err := l.client().Change(ctx, control.Patience, "/api/v1/log-level", url.Values{"level": {l.Level}, "for": {l.For.String()}}, &log)
	if err != nil {
		return unanswered(err)
	}
	return showLevel(&log)
}

func showLevel(l *status.Log) error {
	switch {
	case l.Level == "":
		return errors.New("the running agent is of an older version, which does not say: sudo systemctl restart agent starts the new one")
	case l.Until == nil:
		fmt.Printf("%s, as the config says\n", show.Clean(l.Level))
	default:
		fmt.Printf("%s until %s, then %s, as the config says\n", show.Clean(l.Level), l.Until.Local().Format(time.DateTime), show.Clean(l.Configured))
	}
	return nil
}
