package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/systemd"
)

type endedCmd struct {
	RuntimeDir string `env:"RUNTIME_DIRECTORY" default:"/run/agent"`
}

// Run tells the journal how the service's process ended: ExecStopPost= of the unit.
func (c *endedCmd) Run() error {
	ending, err := systemd.EndingFromEnvironment()
	if err != nil {
		return err
	}
	log, closer := systemd.NewLogger(systemd.NewLevel(zerolog.InfoLevel), nil)
	defer closer.Close()
	if ending.KilledForMemory, err = c.killedForMemory(); err != nil {
		log.Warn().Err(err).Msg("kills for memory are not known")
	}
	ending.Log(log)
	return nil
}

// killedForMemory is how many processes of the unit the kernel has killed for
// memory since the last call. The kernel counts for as long as the control group
// is, which may outlive several processes, so the number seen is kept.
func (c *endedCmd) killedForMemory() (int64, error) {
	now, err := health.NewMachine("/proc", "/sys").KilledForMemory()
	if err != nil {
		return 0, err
	}
	path := filepath.Join(c.RuntimeDir, ".killed-for-memory") // no camera has a name with a dot
	var before health.Kills
	if text, err := os.ReadFile(path); err == nil {
		_, _ = fmt.Sscan(string(text), &before.Group, &before.Count) // else it was nothing
	}
	if now == before {
		return 0, nil
	}
	if before.Group != now.Group {
		before.Count = 0
	}
	return now.Count - before.Count, os.WriteFile(path, fmt.Appendln(nil, now.Group, now.Count), 0o600)
}
