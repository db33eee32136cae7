package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/gst"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
)

// firstFrame is how long a camera may take from opening to its first frame.
const firstFrame = 10 * time.Second

type checkCmd struct {
	Config  string `help:"Config file; ${default_config} without it." default:"${default_config}" placeholder:"FILE"`
	Devices bool   `help:"Also open each camera and wait for a frame. A camera that the running agent holds is busy."`

	LastGood bool   `help:"Would the service start? Good is, too, what it has as the config that worked last."`
	StateDir string `help:"Where that is kept." env:"STATE_DIRECTORY" default:"/var/lib/agent" placeholder:"DIR"`
}

// Run prints every fault of the config, or what it means.
func (c *checkCmd) Run() error {
	run := runCmd{Config: c.Config, StateDir: c.StateDir, LastGood: c.LastGood}
	cfg, refused, since, err := inForce(run.source())
	if err != nil {
		return exitError{exitBadConfig, refused}
	}
	if refused != nil {
		fmt.Fprintln(os.Stderr, refused)
		fmt.Printf("%s: refused; the service would run on the config that worked last, of %s\n", c.Config, since.Format(time.DateTime))
		return nil
	}
	for _, w := range cfg.Warnings {
		fmt.Fprintln(os.Stderr, "warning: "+w.String())
	}
	fmt.Printf("%s: good; cameras: %d\n", c.Config, len(cfg.Cameras))
	if len(cfg.Cameras) == 0 {
		fmt.Println("no camera is named: the agent takes every camera found, or the test pattern")
	}
	showPipelines(cfg.Cameras)
	if c.Devices {
		return tryCameras(cfg.Cameras)
	}
	return nil
}

// checkOutputs asks the preprocessor itself whether it can do what is asked.
func checkOutputs(cfg *config.Config) error {
	for i := range cfg.Cameras {
		cam := &cfg.Cameras[i]
		p, err := preproc.New(cam.View, cam.Specs())
		if err == nil {
			err = p.Close()
		}
		if err != nil {
			return fmt.Errorf("cameras.%s: %w", cam.Name, err)
		}
	}
	return nil
}

// showPipelines prints what GStreamer reads outputs with, where their size is known.
func showPipelines(cameras []config.Camera) {
	for i := range cameras {
		cam := &cameras[i]
		for j := range cam.Outputs {
			o := &cam.Outputs[j]
			if o.GStreamer == nil || o.Spec.Width == 0 {
				continue
			}
			socket := config.GStreamerPath("/run/agent", cam.Name, o.Spec.Name)
			fmt.Printf("%s/%s: %s\n", cam.Name, o.Spec.Name, gst.Pipeline(socket, &o.Spec, o.Spec.Width, o.Spec.Height, o.Rate(cam.Mode)))
		}
	}
}

// tryCameras opens one camera after the other and says what became of it.
func tryCameras(cameras []config.Camera) error {
	failed := 0
	for _, cam := range cameras {
		format, err := tryCamera(cam)
		if err != nil {
			failed++
			fmt.Printf("%s: %v\n", cam.Name, err)
			diagnose(cam)
			continue
		}
		fmt.Printf("%s: %s, frames arrive\n", cam.Name, format)
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d cameras cannot be used", failed, len(cameras))
	}
	return nil
}

// diagnose says what agent devices has to say of a camera that cannot be used.
func diagnose(cam config.Camera) {
	s, err := look()
	if err != nil {
		return // the camera's own error has been told
	}
	problems := s.Problems
	node, err := agent.SelectorOf(cam.Device).Resolve(v4l2.Roots{})
	for _, c := range s.Cameras {
		if err == nil && c.Path == node {
			problems = c.Problems
		}
	}
	for _, p := range problems {
		fmt.Printf("%s: %s\n  -> %s\n", cam.Name, p.Text, p.Remedy)
	}
}

func tryCamera(cam config.Camera) (capture.Format, error) {
	ctx, cancel := context.WithTimeout(context.Background(), firstFrame)
	defer cancel()
	src, err := agent.OpenSource(ctx, cam)
	if err != nil {
		return capture.Format{}, err
	}
	defer src.Close()
	for _, note := range capture.Notes(src) {
		fmt.Printf("%s: note: %s\n", cam.Name, note)
	}
	f, err := src.Read(ctx)
	if err != nil {
		return capture.Format{}, err
	}
	defer f.Release()
	if f.Fault != capture.FaultNone {
		return capture.Format{}, fmt.Errorf("the first frame is faulty: %s", f.Fault)
	}
	return f.Format, nil
}
