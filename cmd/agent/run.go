package main

import (
	"context"
	"errors"
	"io/fs"
	"os/signal"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/systemd"
)

const defaultConfig = "/etc/agent/agent.yaml"

type runCmd struct {
	Config     string `help:"Config file. Without it, ${default_config} if it is there; without any camera in it, every camera found, else a test pattern." placeholder:"FILE"`
	RuntimeDir string `help:"Where the sockets lie: DIR/CAMERA/OUTPUT.sock." env:"RUNTIME_DIRECTORY" default:"/run/agent" placeholder:"DIR"`
	StateDir   string `help:"Where relative directories of file outputs lie." env:"STATE_DIRECTORY" default:"/var/lib/agent" placeholder:"DIR"`
}

// Run is the daemon's whole life.
func (r *runCmd) Run() error {
	cfg, err := loadConfig(r.Config)
	if err != nil {
		return exitError{exitBadConfig, err}
	}
	level, err := zerolog.ParseLevel(cfg.Log.Level)
	if err != nil {
		return exitError{exitBadConfig, err}
	}
	log, closer := systemd.NewLogger(level)
	defer closer.Close()
	for _, w := range cfg.Warnings {
		log.Warn().Str("message_id", systemd.MessageConfigFault).Msg(w.String())
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	watchdog, err := systemd.WatchdogInterval()
	if err != nil {
		log.Warn().Err(err).Msg("no watchdog")
	}
	err = agent.New(agent.Options{
		Config: cfg, Log: log, RuntimeDir: r.RuntimeDir, StateDir: r.StateDir,
		Notifier: systemd.NewNotifier(), Watchdog: watchdog,
	}).Run(ctx)
	if err != nil {
		log.Error().Err(err).Msg("agent failed")
	}
	return err
}

// loadConfig reads the config that was named, or the default one, which need
// not be there.
func loadConfig(path string) (*config.Config, error) {
	if path != "" {
		return config.Load(path)
	}
	cfg, err := config.Load(defaultConfig)
	if errors.Is(err, fs.ErrNotExist) {
		return config.Defaults(), nil
	}
	return cfg, err
}
