package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/process"
)

type processCmd struct {
	Config string   `help:"Config file; ${default_config} without it." default:"${default_config}" placeholder:"FILE"`
	Camera string   `help:"The camera whose preprocessing is meant; not needed when there is one only." placeholder:"NAME"`
	Output string   `help:"Make this output only." placeholder:"NAME"`
	Out    string   `help:"Directory for the images." required:"" placeholder:"DIR"`
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
	return process.Run(ctx, process.Options{
		Camera: *cam, Isolation: cfg.Isolation, Output: p.Output, Out: p.Out, Inputs: p.Inputs, Stdin: os.Stdin, Stdout: os.Stdout,
	})
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
