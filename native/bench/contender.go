package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/native/bench/contest"
)

// A contender does one job in one way.
type contender interface {
	// run preprocesses the next n frames and gives the CPU time it took.
	run(n int) (time.Duration, error)
	// frame preprocesses frame i and gives what came of it.
	frame(i int) ([]byte, error)
	close() error
}

// errAbsent: the program is not there, because what it is made of is not.
var errAbsent = errors.New("not installed")

// start makes the contender of a job; errAbsent when it cannot be.
func start(ctx context.Context, w way, j job, o options) (contender, error) {
	if w.program == "ffmpeg" {
		return newFFmpeg(ctx, w, j, o)
	}
	path := filepath.Join(o.programs, w.program)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	}
	return talk(exec.CommandContext(ctx, path, j.arguments(w.way, o)...))
}

// ours is the preprocessor itself, in a process like the others.
func ours(ctx context.Context, j job, o options) (contender, error) {
	return talk(exec.CommandContext(ctx, "/proc/self/exe", append([]string{"ours"}, j.arguments("ours", o)...)...))
}

func (j job) arguments(way string, o options) []string {
	return contest.Job{Way: way, Format: j.format, Width: j.width, Height: j.height, Output: j.output, File: j.path(o.frames)}.Arguments()
}

// A process is a contender that is talked to in lines; see peers/contender.cc.
type process struct {
	command *exec.Cmd
	to      *bufio.Writer
	in      io.Closer
	from    *bufio.Reader
	scratch string
}

func talk(command *exec.Cmd) (*process, error) {
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	command.Stderr = os.Stderr
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	p := &process{command: command, to: bufio.NewWriter(in), in: in, from: bufio.NewReader(out), scratch: scratch}
	if err := command.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(scratch))
	}
	return p, nil
}

// ask says a line and waits for the number that answers it.
func (p *process) ask(format string, arguments ...any) (int64, error) {
	fmt.Fprintf(p.to, format+"\n", arguments...)
	if err := p.to.Flush(); err != nil {
		return 0, fmt.Errorf("%s: %w", p.command.Path, err)
	}
	var answer int64
	if _, err := fmt.Fscanln(p.from, &answer); err != nil {
		return 0, fmt.Errorf("%s: no answer: %w", p.command.Path, err)
	}
	return answer, nil
}

func (p *process) run(n int) (time.Duration, error) {
	ns, err := p.ask("run %d", n)
	return time.Duration(ns), err
}

func (p *process) frame(i int) ([]byte, error) {
	name := filepath.Join(p.scratch, "frame")
	if _, err := p.ask("frame %d %s", i, name); err != nil {
		return nil, err
	}
	return os.ReadFile(name)
}

func (p *process) close() error {
	return errors.Join(p.in.Close(), p.command.Wait(), os.RemoveAll(p.scratch))
}
