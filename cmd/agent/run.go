package main

import (
	"cmp"
	"context"
	"errors"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/proven"
	"github.com/edge-agent/agent/native"
	"github.com/edge-agent/agent/systemd"
)

const defaultConfig = "/etc/agent/agent.yaml"

type runCmd struct {
	Config     string `help:"Config file. Without it, ${default_config} if it is there; without any camera in it, every camera found, else a test pattern." placeholder:"FILE"`
	RuntimeDir string `help:"Where the sockets lie: DIR/CAMERA/OUTPUT.sock." env:"RUNTIME_DIRECTORY" default:"/run/agent" placeholder:"DIR"`
	StateDir   string `help:"Where relative directories of file outputs lie." env:"STATE_DIRECTORY" default:"/var/lib/agent" placeholder:"DIR"`
	LastGood   bool   `help:"Keep the configs that worked in the state directory, and run on the last one, loudly, when the present one is refused: for a service."`
}

// Run is the daemon's whole life.
func (r *runCmd) Run() error {
	source := r.source()
	cfg, refused, since, err := inForce(source)
	switch {
	case errors.Is(err, proven.ErrNone):
		return refuse(refused)
	case err != nil: // there is one, and it is of no use
		return refuse(refused, err)
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
	log, sink := systemd.NewLogger(least, recent)
	defer sink.Close()
	if refused != nil {
		logFaults(log, refused)
		log.Error().Str("message_id", systemd.MessageLastGood).Time("since", since).Msg("running on the config that worked last")
	}
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
		Config: cfg, Refused: refused, Since: since, Reread: source.Read, InForce: source.InForce,
		Log: log, Level: least, RuntimeDir: r.RuntimeDir, StateDir: r.StateDir,
		Notifier: notifier, Descriptors: systemd.NewDescriptorStore(notifier),
		Watchdog: watchdog, FirstSequence: agent.SequenceByClock, Version: version, Events: recent.Events, LogCounts: sink.Counts,
	}).Run(ctx)
	if err != nil {
		log.Error().Str("message_id", systemd.MessageFailed).Err(err).Msg("agent failed")
		return exitError{exitFailure, errLogged}
	}
	return nil
}

// lastGood is the name of the record of configs that worked, in the state directory.
const lastGood = "last-good.json"

func (r *runCmd) source() *proven.Source {
	s := source(r.Config)
	if r.LastGood {
		s.Record = filepath.Join(r.StateDir, lastGood)
	}
	return s
}

// inForce is the config of the files or, when that is refused, the one that worked
// last, and since when it is kept. With err there is none.
func inForce(s *proven.Source) (cfg *config.Config, refused error, since time.Time, err error) {
	if cfg, refused = s.Read(); refused == nil {
		return cfg, nil, since, nil
	}
	cfg, since, err = s.Newest()
	return cfg, refused, since, err
}

// refuse logs why there is no config, and ends the daemon.
func refuse(errs ...error) error {
	log, closer := systemd.NewLogger(systemd.NewLevel(zerolog.InfoLevel), nil)
	defer closer.Close()
	for _, err := range errs {
		logFaults(log, err)
	}
	return exitError{exitBadConfig, errLogged}
}

// logFaults logs each fault of a config as an event of its own, so that the journal
// can be asked for them.
func logFaults(log zerolog.Logger, err error) {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		log.Error().Str("message_id", systemd.MessageConfigFault).Err(err).Msg("config refused")
	}
	for _, f := range faults {
		log.Error().Str("message_id", systemd.MessageConfigFault).Str("error", f.String()).Msg("config refused")
	}
}

// errLogged ends the process without another word.
var errLogged = errors.New("")

// source is the config that was named, or the default one, which need not be there.
func source(path string) *proven.Source {
	return &proven.Source{Path: cmp.Or(path, defaultConfig), Optional: path == "", Accept: checkOutputs}
}
