package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/preproc/worker/nursery"
)

// births is where children are started, which die with this process.
var births nursery.Thread

// StartLimit is how long a child may take until it is ready.
const StartLimit = 2 * time.Second

// watchful is how often a wait looks whether the context has ended.
const watchful = 50 * time.Millisecond

// errSilent: the child did not answer in time.
var errSilent = errors.New("no answer")

// errEnded: the child hung up, which it does by dying.
var errEnded = errors.New("ended")

// A child is a process that preprocesses, from its start to its end.
type child struct {
	pid    int
	socket int
	stderr int // what it said last, which is why it died
	thread int // that works, by its own word; 0 before it is ready
	ready  bool
	knows  uint64 // the version of the memories that it was told of, 0 for none

	allowed uint64 // bytes of its memory budget, 0 for any
	poll    [1]unix.PollFd
}

// noCgroups keeps the runtime from opening files that say how many CPUs there are.
const noCgroups = "GODEBUG=containermaxprocs=0,updatemaxprocs=0"

// The descriptors of a child.
const (
	childSocket = 3
	childFiles  = 4
)

// start makes a process of this executable, named so that ps tells which
// camera it is of.
func start(name string) (*child, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(null)
	socket, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(socket[1])
	if err := watch(socket[0]); err != nil {
		return nil, errors.Join(err, unix.Close(socket[0]))
	}
	// A full pipe makes the child's words fall on the floor, not the child wait.
	var stderr [2]int
	if err := unix.Pipe2(stderr[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return nil, errors.Join(err, unix.Close(socket[0]))
	}
	defer unix.Close(stderr[1])
	var pid int
	births.Do(func() {
		pid, _, err = syscall.StartProcess("/proc/self/exe", []string{"agent", "worker", name}, &syscall.ProcAttr{
			Dir: "/", Env: environment(name),
			Files: []uintptr{uintptr(null), uintptr(null), uintptr(stderr[1]), uintptr(socket[1])},
			Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL},
		})
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start /proc/self/exe: %w", err), unix.Close(socket[0]), unix.Close(stderr[0]))
	}
	c := &child{pid: pid, socket: socket[0], stderr: stderr[0]}
	c.poll[0] = unix.PollFd{Fd: int32(c.socket), Events: unix.POLLIN}
	return c, nil
}

// watch bounds each read from the socket: no child can make us wait for longer.
func watch(socket int) error {
	limit := unix.NsecToTimeval(watchful.Nanoseconds())
	return unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &limit)
}

// allow sets the memory budget, see [budget]. Only the parent can: the
// sandbox refuses it to the child.
func (c *child) allow(bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(c.pid, unix.RLIMIT_DATA, nil, &limit); err != nil {
		return err
	}
	limit.Cur = min(bytes, limit.Max)
	return unix.Prlimit(c.pid, unix.RLIMIT_DATA, &limit, nil)
}

// send gives the child a message; it fails only when there is no child.
func (c *child) send(message []byte, descriptors ...int) error {
	for {
		var err error
		if len(descriptors) == 0 {
			err = unix.Send(c.socket, message, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		} else {
			err = unix.Sendmsg(c.socket, message, unix.UnixRights(descriptors...), nil, unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		}
		if err != unix.EINTR {
			return err
		}
	}
}

// receive waits for an answer: for as long as patience has it, less when ctx
// ends. It reads at once, since one call less is some 20 us less until the answer is
// there, and polls only for the end of a wait that is shorter than a read's.
func (c *child) receive(ctx context.Context, a *answer, p patience) (n int, err error) {
	for {
		left := p.left(c)
		err := error(unix.EAGAIN)
		if left >= watchful || c.readable(left) {
			n, err = unix.Read(c.socket, memoryOf(a))
		}
		switch {
		case err == nil && n > 0:
			return n, nil
		case err != unix.EAGAIN && err != unix.EINTR:
			return 0, errEnded // an end of file, or a reset
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case left == 0:
			return 0, errSilent
		}
	}
}

// readable waits for as long, rounded up, for something to read.
func (c *child) readable(wait time.Duration) bool {
	n, _ := unix.Poll(c.poll[:], int((wait+time.Millisecond-1)/time.Millisecond))
	return n > 0
}

// end kills the child, unless it is dead already, and takes what is left of
// it: how it ended, in a line, and its last words.
func (c *child) end() (cause, trace string) {
	_ = unix.Kill(c.pid, unix.SIGKILL) // a zombie at the worst
	var status unix.WaitStatus
	for {
		if _, err := unix.Wait4(c.pid, &status, 0, nil); err != unix.EINTR {
			break
		}
	}
	trace = lastWords(c.stderr)
	_, _ = unix.Close(c.socket), unix.Close(c.stderr) // cannot fail
	return describe(status, trace), trace
}

// describe is how a process ended: its signal, or the first thing that Go's
// runtime said of one that it caught.
func describe(status unix.WaitStatus, trace string) string {
	if status.Signaled() {
		return unix.SignalName(status.Signal())
	}
	first, _, _ := strings.Cut(trace, "\n")
	return strings.TrimSpace(fmt.Sprintf("exit status %d %s", status.ExitStatus(), first))
}

// The most of a trace that is kept, since it goes to the journal.
const (
	maxTraceLines = 40
	maxTraceBytes = 4096
)

// lastWords empties the pipe that was the child's standard error.
func lastWords(fd int) string {
	buf := make([]byte, maxTraceBytes)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || m == 0 {
			break
		}
		n += m
	}
	lines := strings.SplitN(printable(buf[:n]), "\n", maxTraceLines+1)
	return strings.TrimSpace(strings.Join(lines[:min(len(lines), maxTraceLines)], "\n"))
}
