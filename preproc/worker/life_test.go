package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/preproc"
)

// A processor leaves no process, no descriptor and no memory behind, and
// neither does a child that was replaced.
func TestNothingIsLeft(t *testing.T) {
	cycle := func() {
		p, err := New(Config{Name: "exit-3", Specs: []preproc.Spec{small}, Deadline: 5 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		images := []*preproc.Image{{Data: make([]byte, 32*24)}}
		for n := uint64(2); n < 5; n++ {
			if _, err := p.Process(t.Context(), grey(n), images); (err != nil) != (n == 3) {
				t.Fatal(err)
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Process(t.Context(), grey(1), images); err == nil {
			t.Fatal("a closed processor works")
		}
	}
	cycle()
	files, maps := len(descriptors(t)), mappings(t)
	for range 100 { // two children each
		cycle()
	}
	if now := descriptors(t); len(now) != files {
		t.Errorf("%d descriptors before, now %q", files, now)
	}
	if now := mappings(t); now != maps {
		t.Errorf("%d mappings of areas, %d before", now, maps)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("children are left: %v", err)
	}
}

func mappings(t *testing.T) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Count(maps, []byte("memfd:edge-agent"))
}

// Closing does not wait for a child that is starting, nor for one that hangs.
func TestCloseIsPrompt(t *testing.T) {
	began := time.Now()
	p, err := New(Config{Name: "good", Specs: []preproc.Spec{small}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("took %v", took)
	}
}

// The end of the context ends the wait for a frame, and the child with it: it
// must not write to images that are the caller's again.
func TestCancelledFrameIsWrittenByNobody(t *testing.T) {
	r := open(t, "loop-3", func(c *Config) { c.Deadline = 20 * time.Second })
	r.good(t, 2)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := r.Process(ctx, grey(3), r.images); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("took %v", took)
	}
	if r.child != nil || len(r.gone) != 0 {
		t.Error("the child is still there, or its end was reported as a fault")
	}
	r.good(t, 4)
}

// Memory that is shared is written in place, also by the children after the
// first; what is forgotten is copied to.
func TestSharedMemoryIsWrittenInPlace(t *testing.T) {
	r := open(t, "half-3", nil)
	m, err := newArea(3 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	r.Share(Memory{FD: m.fd, Data: m.data})
	r.images[0].Data = m.data[pageSize:][: 32*24 : 32*24]
	r.good(t, 2)
	if place := r.request.Images[0]; place.Memory != 1 || place.Offset != pageSize || m.data[pageSize] != 2 {
		t.Errorf("written to %+v", place)
	}
	r.bad(t, 3, preproc.ReasonCrashed)
	if m.data[pageSize] != 0xee {
		t.Error("the test's child did not write half a frame")
	}
	r.good(t, 4)
	if m.data[pageSize] != 4 || m.data[pageSize-1] != 0 || m.data[pageSize+32*24] != 0 {
		t.Error("not written, or beyond the image")
	}
	r.Forget(m.data)
	r.good(t, 5)
	if place := r.request.Images[0]; place.Memory != 0 || m.data[pageSize] != 5 {
		t.Errorf("written to %+v", place)
	}
}

// Nothing of the agent's environment reaches a child but which kernels it is to
// use, nor any descriptor but those it is given.
func TestChildInheritsNothing(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/systemd/notify")
	t.Setenv("WATCHDOG_PID", fmt.Sprint(os.Getpid()))
	t.Setenv("AGENT_SIMD", "none")
	r := open(t, "good", nil)
	r.good(t, 1)
	proc := fmt.Sprintf("/proc/%d/", r.child.pid)
	env, err := os.ReadFile(proc + "environ")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains("\x00"+string(env), "\x00AGENT_SIMD=none\x00") {
		t.Errorf("no AGENT_SIMD in %q", env)
	}
	for variable := range strings.SplitSeq(strings.Trim(string(env), "\x00"), "\x00") {
		if name, _, _ := strings.Cut(variable, "="); name != "MALLOC_ARENA_MAX" && name != "GOMAXPROCS" && name != "GODEBUG" && name != "AGENT_SIMD" && !strings.HasPrefix(name, "AGENT_TEST_") {
			t.Errorf("%s", variable)
		}
	}
	command, err := os.ReadFile(proc + "cmdline")
	if err != nil || string(command) != "agent\x00worker\x00good\x00" {
		t.Errorf("ps shows %q, %v", command, err)
	}
	entries, err := os.ReadDir(proc + "fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		target, err := os.Readlink(proc + "fd/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := strings.Cut(target, ":")
		if target != os.DevNull && kind != "pipe" && kind != "socket" && target != "anon_inode:[eventpoll]" && target != "anon_inode:[eventfd]" {
			t.Errorf("descriptor %s is %s", e.Name(), target)
		}
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil || !bytes.Contains(status, []byte("\nSeccomp:\t2\n")) || !bytes.Contains(status, []byte("\nNoNewPrivs:\t1\n")) {
		t.Errorf("not confined: %v\n%s", err, status)
	}
}

// A thousand frames, each of which would crash its child, cost the children of
// a burst and one a period; all of them have their name.
func TestStormOfCrashesIsBounded(t *testing.T) {
	r := open(t, "exit-0", func(c *Config) { c.Burst, c.Period = 4, 100*time.Millisecond })
	began := time.Now()
	for n := range uint64(1000) {
		r.bad(t, n, preproc.ReasonCrashed)
	}
	most := 4 + int(time.Since(began)/(100*time.Millisecond)) + 1
	if len(r.gone) < 4 || len(r.gone) > most {
		t.Errorf("%d children in %v, %d allowed", len(r.gone), time.Since(began), most)
	}
}

// The period is ten times what a start costs, here and now.
func TestRateFollowsTheDevice(t *testing.T) {
	r := open(t, "good", func(c *Config) { c.Burst = 0 })
	r.good(t, 1)
	cpu := r.child.cpuTime() // and a frame
	if p := r.rate.period; p <= 0 || p > restraint*cpu || p == firstPeriod {
		t.Errorf("one a %v, when a start and a frame cost %v", p, cpu)
	}
	dear := newRate(8, 0)
	if dear.cost(time.Hour); dear.period != time.Second {
		t.Errorf("one a %v", dear.period)
	}
}

func TestRateIsABurstAndThenOneAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRate(3, time.Second)
		r.cost(time.Millisecond) // the period was given
		take := func(want int) {
			t.Helper()
			n := 0
			for ; n < 10; n++ {
				if wait, ok := r.take(); !ok {
					if wait <= 0 || wait > time.Second {
						t.Errorf("wait %v", wait)
					}
					break
				}
			}
			if n != want {
				t.Errorf("%d taken, want %d", n, want)
			}
		}
		take(3)
		time.Sleep(900 * time.Millisecond)
		take(0)
		time.Sleep(200 * time.Millisecond)
		take(1)
		time.Sleep(2 * time.Second)
		take(2)
		time.Sleep(time.Hour)
		take(3)
	})
}

// When the agent is killed, its children are gone at once, also one in a loop.
func TestChildrenDieWithTheAgent(t *testing.T) {
	out, in, err := os.Pipe() // open for as long as a child or its parent lives
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	agent, err := os.StartProcess("/proc/self/exe", []string{"agent", "agent"}, &os.ProcAttr{Files: []*os.File{nil, in, os.Stderr}})
	if err != nil {
		t.Fatal(err)
	}
	in.Close()
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil { // of its child, which is in its loop soon
		t.Fatal(err)
	}
	child, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(child)
	if err := agent.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := agent.Wait(); err != nil {
		t.Fatal(err)
	}
	poll := []unix.PollFd{{Fd: int32(child), Events: unix.POLLIN}}
	if n, err := unix.Poll(poll, 1000); n != 1 {
		unix.Kill(pid, unix.SIGKILL)
		t.Fatalf("the child lives on after a second: %v", err)
	}
}

// beAgent is the process that TestChildrenDieWithTheAgent kills.
func beAgent() error {
	p, err := New(Config{Name: "loop-1", Specs: []preproc.Spec{small}, Deadline: time.Hour})
	if err != nil {
		return err
	}
	fmt.Println(p.child.pid)
	_, err = p.Process(context.Background(), grey(1), []*preproc.Image{{Data: make([]byte, 32*24)}})
	return err
}
