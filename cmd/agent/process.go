package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/process"
	"github.com/edge-agent/agent/systemd"
)

type processCmd struct {
	Config string   `help:"Config file; ${default_config} without it." default:"${default_config}" placeholder:"FILE"`
	Camera string   `help:"The camera whose preprocessing is meant; not needed when there is one only." placeholder:"NAME"`
	Output string   `help:"Make this output only." placeholder:"NAME"`
	Out    string   `help:"Directory for the images, or - for standard output; the listing is on standard error then." required:"" placeholder:"DIR"`
	Format string   `help:"With --out -: raw, y4m or ndjson; auto is y4m for pictures that can be, else raw." default:"auto" enum:"auto,raw,y4m,ndjson" placeholder:"FORMAT"`
	Inputs []string `arg:"" help:"JPEG, Motion JPEG, Y4M, raw or quarantined frames, or directories of them; - is standard input." name:"input"`
}

// Run prints one JSON object a frame. Bad frames are results, not errors.
func (p *processCmd) Run() error {
	cfg, err := config.Load(p.Config)
	if err != nil {
		return exitError{exitBadConfig, err}
	}
	cam, err := p.camera(cfg)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	o := process.Options{
		Camera: *cam, Isolation: cfg.Isolation, Output: p.Output, Out: p.Out, Inputs: p.Inputs, Stdin: os.Stdin, Stdout: os.Stdout,
	}
	if p.Out != "-" {
		if p.Format != "auto" {
			return errors.New("--format: allowed with --out - only")
		}
		return process.Run(ctx, o)
	}
	return p.stream(ctx, o)
}

// stream sends the images to standard output. Who reads there may have seen
// enough at any time: that is its right, and no error of ours.
func (p *processCmd) stream(ctx context.Context, o process.Options) error {
	if systemd.IsTerminal(os.Stdout) {
		return errors.New("--out -: standard output is a terminal; send it to a file or a program")
	}
	if err := o.Format.UnmarshalText([]byte(p.Format)); err != nil {
		return err
	}
	// Without this, Go ends the process by the signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	o.Stream, o.Stdout = os.Stdout, os.Stderr
	if err := process.Run(ctx, o); !errors.Is(err, syscall.EPIPE) {
		return err
	}
	return nil
}

// camera is the one that was named, or the only one.
func (p *processCmd) camera(cfg *config.Config) (*config.Camera, error) {
	if p.Camera == "" && len(cfg.Cameras) == 1 {
		return &cfg.Cameras[0], nil
	}
	if cam := cfg.Camera(p.Camera); cam != nil {
		return cam, nil
	}
	names := make([]string, len(cfg.Cameras))
	for i := range cfg.Cameras {
		names[i] = cfg.Cameras[i].Name
	}
	return nil, fmt.Errorf("--camera %q: not in %s; there are: %s", p.Camera, p.Config, strings.Join(names, ", "))
}
