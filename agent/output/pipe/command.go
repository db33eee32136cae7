package pipe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker/nursery"
)

// births is where commands are started, which die with this process. It is not
// that of the workers: to start a command may take as long as its disk does.
var births nursery.Thread

// A command is a process that reads images, from its start to its end, and the
// leader of a process group of its own.
type command struct {
	cmd    *exec.Cmd
	stdin  *os.File
	stderr *os.File
	ended  chan struct{} // closed when it has ended and was waited for
	quiet  chan struct{} // closed when it will say nothing more
	last   string        // that it said; once it is quiet

	mu     sync.Mutex // guards what follows
	reaped bool       // its number may be another's
}

// start runs the command, with nothing of ours but the ends of two pipes.
func (p *Pipe) start() (*command, error) {
	input, stdin, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer input.Close()
	stderr, words, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close())
	}
	defer words.Close()
	c := &command{stdin: stdin, stderr: stderr, ended: make(chan struct{}), quiet: make(chan struct{})}
	c.cmd = exec.Command(p.cfg.Command[0], p.cfg.Command[1:]...)
	c.cmd.Dir, c.cmd.Env = p.cfg.Dir, environment(os.Environ(), &p.cfg.Stream, p.encoder.Format(), &p.image)
	c.cmd.Stdin, c.cmd.Stderr = input, words
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	births.Do(func() { err = c.cmd.Start() })
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), stderr.Close())
	}
	volunteer(c.pid())
	go c.reap()
	go func() {
		defer close(c.quiet)
		c.last = p.voice.listen(stderr)
	}()
	return c, nil
}

func (c *command) pid() int { return c.cmd.Process.Pid }

// volunteer makes the kernel take the command, and not the agent or a worker,
// when their common memory is short. It fails when the command has ended.
func volunteer(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("500"), 0)
}

// withheld are variables that speak to the agent alone.
var withheld = []string{
	"NOTIFY_SOCKET=", "WATCHDOG_PID=", "WATCHDOG_USEC=", "LISTEN_PID=", "LISTEN_FDS=", "LISTEN_FDNAMES=",
	"FDSTORE=", "JOURNAL_STREAM=", "GOMEMLIMIT=", "GOTRACEBACK=",
}

// environment is that of this process, less what is not for others, and what is
// to be known of the images.
func environment(own []string, cfg *stream.Config, format stream.Format, img *preproc.Image) (env []string) {
	for _, v := range own {
		if !hasAnyPrefix(v, withheld) {
			env = append(env, v)
		}
	}
	s := &cfg.Spec
	dtype := s.Encode.String()
	if s.Encode == preproc.Raw {
		dtype = s.DType.String()
	}
	numerator, denominator := stream.Rate(max(img.Interval, cfg.Every))
	for _, v := range [][2]string{
		{"CAMERA", cfg.Camera}, {"OUTPUT", s.Name}, {"FORMAT", format.String()},
		{"WIDTH", strconv.Itoa(img.Width)}, {"HEIGHT", strconv.Itoa(img.Height)}, {"CHANNELS", strconv.Itoa(s.Channels())},
		{"DTYPE", dtype}, {"LAYOUT", s.Layout.String()}, {"COLOR", s.Color.String()},
		{"RATE", fmt.Sprintf("%d/%d", numerator, denominator)},
	} {
		env = append(env, "EDGE_AGENT_"+v[0]+"="+v[1])
	}
	return env
}

func hasAnyPrefix(s string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}

// reap waits for the end of the command and kills what it left in its group.
func (c *command) reap() {
	defer close(c.ended)
	await(c.pid())
	c.mu.Lock()
	defer c.mu.Unlock()
	// Its number is its own, and its group's, until it was waited for.
	_ = syscall.Kill(-c.pid(), syscall.SIGKILL)
	_ = c.cmd.Wait() // its state has what there is to know
	c.reaped = true
}

// await returns when a child has ended, which is still to be waited for.
func await(pid int) {
	const byPID = 1     // P_PID
	var info [16]uint64 // siginfo_t
	for err := syscall.EINTR; err == syscall.EINTR; {
		_, _, err = syscall.Syscall6(syscall.SYS_WAITID, byPID, uintptr(pid), uintptr(unsafe.Pointer(&info)),
			syscall.WEXITED|syscall.WNOWAIT, 0, 0)
	}
}

func (c *command) gone() bool {
	select {
	case <-c.ended:
		return true
	default:
		return false
	}
}

// signal sends the whole group a signal.
func (c *command) signal(s syscall.Signal) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.reaped {
		_ = syscall.Kill(-c.pid(), s)
	}
}

// within says whether the command ends within that time.
func (c *command) within(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-c.ended:
		return true
	case <-timer.C:
		return false
	}
}

// finish gives the command the end of its input, between two frames, and time
// to end by itself; then it is told to, and then killed.
func (c *command) finish(grace time.Duration) {
	_ = c.stdin.Close()
	if !c.within(grace) {
		c.signal(syscall.SIGTERM)
		if !c.within(grace) {
			c.signal(syscall.SIGKILL)
		}
	}
	c.clear()
}

// fail ends a command that failed in that way, nil for having ended by itself,
// and says what it was. It is killed before its input ends: it must not take
// half a frame for a whole one.
func (c *command) fail(how error) error {
	hungUp := errors.Is(how, syscall.EPIPE)
	if hungUp { // to end is to hang up first
		hungUp = !c.within(time.Second)
	}
	killed := !c.gone()
	c.signal(syscall.SIGKILL)
	<-c.ended
	c.clear()
	why := c.cmd.ProcessState.String()
	switch {
	case hungUp:
		why = "it closed its standard input"
	case killed && errors.Is(how, os.ErrDeadlineExceeded):
		why = "it took nothing for too long and was killed"
	case killed:
		why = how.Error()
	}
	if c.last != "" {
		why += ": " + c.last
	}
	return errors.New(why)
}

// clear gives back what is left of the command.
func (c *command) clear() {
	<-c.ended
	_ = c.stdin.Close()
	// One that left the group may still hold the other end.
	_ = c.stderr.SetReadDeadline(time.Now().Add(lastWords))
	<-c.quiet
	_ = c.stderr.Close()
}
