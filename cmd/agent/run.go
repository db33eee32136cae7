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
	"github.com/edge-agent/agent/native"
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
		return refuse(err)
	}
	level, err := zerolog.ParseLevel(cfg.Log.Level)
	if err != nil {
		return refuse(err)
	}
	// AGENT_SIMD may name an instruction set that is not there.
	if _, err := native.Kernels(); err != nil {
		return refuse(err)
	}
	recent := &systemd.Recent{}
	least := systemd.NewLevel(level)
	log, closer := systemd.NewLogger(least, recent)
	defer closer.Close()
	for _, w := range cfg.Warnings {
		log.Warn().Str("message_id", systemd.MessageConfigFault).Str("warning", w.String()).Msg("config")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	watchdog, err := systemd.WatchdogInterval()
	if err != nil {
		log.Warn().Str("message_id", systemd.MessageManagerDeaf).Err(err).Msg("no watchdog")
	}
	notifier := systemd.NewNotifier()
	err = agent.New(agent.Options{
		Config: cfg, Reread: func() (*config.Config, error) { return loadConfig(r.Config) }, Log: log, Level: least, RuntimeDir: r.RuntimeDir, StateDir: r.StateDir,
		Notifier: notifier, Descriptors: systemd.NewDescriptorStore(notifier),
		Watchdog: watchdog, FirstSequence: agent.SequenceByClock, Version: version, Events: recent.Events,
	}).Run(ctx)
	if err != nil {
		log.Error().Str("message_id", systemd.MessageFailed).Err(err).Msg("agent failed")
		return exitError{exitFailure, errLogged}
	}
	return nil
}

// refuse logs each fault of a config as an event of its own, so that the
// journal can be asked for them, and ends the daemon.
func refuse(err error) error {
	log, closer := systemd.NewLogger(systemd.NewLevel(zerolog.InfoLevel), nil)
	defer closer.Close()
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		log.Error().Str("message_id", systemd.MessageConfigFault).Err(err).Msg("config refused")
	}
	for _, f := range faults {
		log.Error().Str("message_id", systemd.MessageConfigFault).Str("error", f.String()).Msg("config refused")
	}
	return exitError{exitBadConfig, errLogged}
}

// errLogged ends the process without another word.
var errLogged = errors.New("")

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
