package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// An agent runs one camera, a test pattern, with one output.
type agent struct {
	command *exec.Cmd
	socket  string
}

func (b *bench) start(rate int) (*agent, error) {
	config := fmt.Sprintf("cameras:\n  bench:\n    device: {pattern: bars}\n    mode: {size: 640x480, rate: %d}\n"+
		"    outputs:\n      model: {size: 320x320, dtype: float32, layout: chw}\n", rate)
	file := b.path("agent.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	run := b.path("run")
	a := &agent{socket: filepath.Join(run, "bench", "model.sock")}
	a.command = exec.Command(b.agent, "run", "--config", file, "--runtime-dir", run, "--state-dir", b.path("state"))
	a.command.Stdout = nil
	if err := a.command.Start(); err != nil {
		return nil, err
	}
	in, err := (&reader.Dialer{Later: true, MaxBackoff: 50 * time.Millisecond}).Dial(a.socket)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	for range rate { // it has started, and done what is done once
		if _, err := in.NextWithin(20 * time.Second); err != nil {
			a.stop()
			return nil, err
		}
	}
	return a, nil
}

func (a *agent) stop() {
	_ = a.command.Process.Signal(syscall.SIGTERM)
	_ = a.command.Wait()
}

// cpu is the time that the agent and its worker have taken.
func (a *agent) cpu() (total time.Duration) {
	pids := []int{a.command.Process.Pid}
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pids[0]))
	for _, task := range tasks {
		text, _ := os.ReadFile(task)
		for _, word := range strings.Fields(string(text)) {
			pid, _ := strconv.Atoi(word)
			pids = append(pids, pid)
		}
	}
	for _, pid := range pids {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		for _, i := range []int{11, 12} { // utime and stime, in 1/100 s
			if len(fields) > i {
				ticks, _ := strconv.Atoi(fields[i])
				total += time.Duration(ticks) * 10 * time.Millisecond
			}
		}
	}
	return total
}

// memory is what the agent has resident, in MiB.
func (a *agent) memory() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/statm", a.command.Process.Pid))
	fields := strings.Fields(string(text) + " 0 0")
	pages, _ := strconv.Atoi(fields[1])
	return float64(pages) * float64(os.Getpagesize()) / (1 << 20)
}

// A result is what readers saw, and what the agent took meanwhile.
type result struct {
	late          []time.Duration // sorted
	read, skipped int
	rate          float64 // frames that one reader got, a second
	cpu, memory   float64 // part of a CPU; growth in MiB
}

func (r *result) quantile(q float64) string {
	if len(r.late) == 0 {
		return ""
	}
	v := r.late[int(q*float64(len(r.late)-1))]
	return fmt.Sprintf("%.0f us", float64(v)/1000)
}

func (r *result) passedOver() float64 {
	return 100 * float64(r.skipped) / float64(max(r.read+r.skipped, 1))
}

func (b *bench) run(a *agent, language string, n int) (result, error) {
	readers := make([]*exec.Cmd, n)
	for i := range readers {
		readers[i] = b.reader(language, a.socket, b.seconds)
	}
	nothing := func() error { return nil }
	return b.beside(a, readers, nothing, nothing)
}

// beside lets readers run, with something else begun before the CPU is measured
// and something done in the meantime.
func (b *bench) beside(a *agent, readers []*exec.Cmd, first, meanwhile func() error) (r result, err error) {
	memory := a.memory()
	files := make([]*os.File, len(readers))
	for i, c := range readers {
		if files[i], err = os.CreateTemp(b.dir, "late-"); err != nil {
			return r, err
		}
		defer files[i].Close()
		c.Stdout, c.Stderr = files[i], os.Stderr
		if err := c.Start(); err != nil {
			return r, err
		}
	}
	if err := first(); err != nil {
		return r, err
	}
	before, began := a.cpu(), time.Now()
	if err := meanwhile(); err != nil {
		return r, err
	}
	if len(readers) == 0 {
		sleep(b.seconds)
	}
	for _, c := range readers {
		if err := c.Wait(); err != nil {
			return r, err
		}
	}
	r.cpu = float64(a.cpu()-before) / float64(time.Since(began))
	r.memory = a.memory() - memory
	for _, f := range files {
		if err := r.add(f); err != nil {
			return r, err
		}
	}
	slices.Sort(r.late)
	r.rate = float64(r.read) / b.seconds / float64(max(len(readers), 1))
	return r, nil
}

// add reads what a reader printed, but for its first frame.
func (r *result) add(f *os.File) error {
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	lines := bufio.NewScanner(f)
	for i := 0; lines.Scan(); i++ {
		var late time.Duration
		var skipped int
		if _, err := fmt.Sscan(lines.Text(), &late, &skipped); err != nil {
			return err
		}
		if i > 0 {
			r.late = append(r.late, late)
			r.read++
			r.skipped += skipped
		}
	}
	return lines.Err()
}

func sleep(seconds float64) { time.Sleep(time.Duration(seconds * float64(time.Second))) }
