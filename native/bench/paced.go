package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// pace is a camera's: 30 frames a second.
const pace = time.Second / 30

// A run is what a whole program takes at a camera's pace.
type run struct {
	Name string
	// CPU is the part of one CPU, 1 for all of it.
	CPU float64
	// Memory is what would be gone with its processes, in MiB: their
	// proportional share of everything but the recording and the frames that
	// are shared with others.
	Memory float64
	// P50 and P99 are from a frame's being there to its tensor's, in
	// milliseconds; 0 where that cannot be seen from outside.
	P50, P99 float64
}

// pacedRuns let each program work for a while, one after the other.
func pacedRuns(ctx context.Context, o options) ([]run, error) {
	j := jobs[0]
	var runs []run
	agent, err := pacedAgent(ctx, j, o)
	if err != nil {
		return nil, err
	}
	runs = append(runs, agent)
	for _, w := range ways {
		if !w.jobs(j) || w.way == "limit" || w.program == "ffmpeg" {
			continue
		}
		c, err := start(ctx, w, j, o)
		if errors.Is(err, errAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		r, err := pacedProcess(ctx, c.(*process), o.paced)
		if err = errors.Join(err, c.close()); err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		r.Name = w.name
		runs = append(runs, r)
	}
	return runs, nil
}

// pacedProcess gives a contender a frame whenever there is one.
func pacedProcess(ctx context.Context, p *process, limit time.Duration) (r run, err error) {
	if _, err := p.run(30); err != nil {
		return r, err
	}
	var walls []float64
	total := time.Duration(0)
	tick := time.NewTicker(pace)
	defer tick.Stop()
	began := time.Now()
	for time.Since(began) < limit {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return r, ctx.Err()
		}
		before := time.Now()
		cpu, err := p.run(1)
		if err != nil {
			return r, err
		}
		walls = append(walls, time.Since(before).Seconds()*1000)
		total += cpu
	}
	r = run{CPU: total.Seconds() / time.Since(began).Seconds(), P50: quantile(walls, 0.5), P99: quantile(walls, 0.99)}
	r.Memory, err = memoryOf(p.command.Process.Pid)
	return r, err
}

// pacedAgent runs the daemon on the recording, with a consumer.
func pacedAgent(ctx context.Context, j job, o options) (r run, err error) {
	r.Name = oursName
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	config, err := filepath.Abs(j.path(o.frames))
	if err != nil {
		return r, err
	}
	config = fmt.Sprintf(`cameras:
  front:
    device: {replay: %q, loop: true}
    mode: {rate: 30}
    outputs:
      model: {size: 640x640, dtype: float32, layout: chw, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
`, config)
	file := filepath.Join(dir, "agent.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return r, err
	}
	command := exec.CommandContext(ctx, o.agent, "run", "--config", file, "--runtime-dir", dir, "--state-dir", dir)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	if err := command.Start(); err != nil {
		return r, err
	}
	r, err = consume(ctx, command.Process.Pid, filepath.Join(dir, "front", "model.sock"), o.paced)
	r.Name = oursName
	return r, errors.Join(err, command.Process.Signal(syscall.SIGTERM), command.Wait())
}

// consume reads the frames of an agent for a while.
func consume(ctx context.Context, pid int, socket string, limit time.Duration) (r run, err error) {
	frames, err := dial(ctx, socket)
	if err != nil {
		return r, err
	}
	defer frames.Close()
	for range 60 { // it has started, and done what is done once
		if _, err := frames.Next(ctx); err != nil {
			return r, err
		}
	}
	family := append(children(pid), pid)
	before, began := ticksOf(family), time.Now()
	var ages []float64
	for time.Since(began) < limit {
		f, err := frames.Next(ctx)
		if err != nil {
			return r, err
		}
		ages = append(ages, f.Age().Seconds()*1000)
	}
	r.CPU = float64(ticksOf(family)-before) / 100 / time.Since(began).Seconds()
	r.P50, r.P99 = quantile(ages, 0.5), quantile(ages, 0.99)
	r.Memory, err = memoryOf(family...)
	return r, err
}

// dial waits for the agent to be there.
func dial(ctx context.Context, socket string) (*reader.Reader, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		frames, err := reader.Dial(socket)
		if err == nil {
			return frames, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, err
		}
	}
}
