package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/bench"
	"github.com/edge-agent/agent/systemd"
)

type benchCmd struct {
	Config     string  `help:"Config file. Without it, ${default_config} if it is there; without any camera in it, every camera found, else a test pattern." placeholder:"FILE"`
	JSON       bool    `help:"Print one JSON object instead of text."`
	Seconds    float64 `help:"How long each camera is measured." default:"5" placeholder:"N"`
	RuntimeDir string  `help:"Where the agent has its sockets: cameras of one that runs are not opened." env:"EDGE_AGENT_RUN,RUNTIME_DIRECTORY" default:"/run/agent" placeholder:"DIR"`
}

// Validate bounds what was asked for.
func (b *benchCmd) Validate() error {
	if !(b.Seconds > 0 && b.Seconds <= 3600) {
		return fmt.Errorf("--seconds %g: allowed are more than 0, and 3600 at most", b.Seconds)
	}
	return nil
}

// Run measures what each camera costs here, and prints it.
func (b *benchCmd) Run() error {
	cfg, err := source(b.Config).Read()
	if err != nil {
		return exitError{exitBadConfig, err}
	}
	if len(cfg.Cameras) == 0 {
		if cfg, err = agent.Found(cfg); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	progress, clear := b.progress()
	r, err := bench.Run(ctx, bench.Options{
		Cameras: cfg.Cameras, Isolation: cfg.Isolation, Limits: cfg.Limits,
		Duration: time.Duration(b.Seconds * float64(time.Second)),
		Frames:   agent.Footage(b.RuntimeDir), Progress: progress,
	})
	clear()
	if err != nil {
		return err
	}
	if err := b.print(r); err != nil {
		return err
	}
	return failed(r.Cameras)
}

func (b *benchCmd) print(r *bench.Report) error {
	if !b.JSON {
		return r.Print(os.Stdout)
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// progress tells on a terminal what is being done, in a line that clear takes
// away.
func (b *benchCmd) progress() (tell func(string, float64), clear func()) {
	if !systemd.IsTerminal(os.Stderr) {
		return nil, func() {}
	}
	tell = func(what string, done float64) { fmt.Fprintf(os.Stderr, "\r\x1b[K%s %3.0f %%", what, 100*done) }
	return tell, func() { fmt.Fprint(os.Stderr, "\r\x1b[K") }
}

// failed names the cameras that could not be measured.
func failed(cameras []bench.Camera) error {
	var errs []error
	for i := range cameras {
		if c := &cameras[i]; c.Error != "" {
			errs = append(errs, fmt.Errorf("camera %s: %s", c.Name, c.Error))
		}
	}
	return errors.Join(errs...)
}
