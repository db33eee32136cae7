package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
	"golang.org/x/sys/unix"
)

// read does in Go what wake.c does.
func read(socket string, seconds float64) error {
	frames, err := reader.Dial(socket)
	if err != nil {
		return err
	}
	type frame struct {
		late    time.Duration
		skipped uint64
	}
	seen := make([]frame, 0, 100_000)
	for end := (time.Time{}); end.IsZero() || time.Now().Before(end); {
		f, err := frames.Next(context.Background())
		if err != nil {
			return err
		}
		seen = append(seen, frame{f.Age() + f.Timestamp - f.Published, f.Skipped})
		if end.IsZero() {
			end = time.Now().Add(time.Duration(seconds * float64(time.Second)))
		}
	}
	for _, f := range seen {
		fmt.Println(f.late.Nanoseconds(), f.skipped)
	}
	return nil
}

type attackKind struct{ name, does string }

var kinds = []attackKind{
	{"", "none"},
	{"sleep", "connects 64 times and never reads"},
	{"garbage", "connects, sends garbage, hangs up, without end"},
	{"flood", "connects and hangs up, without end"},
	{"hoard", "opens 10,000 connections and keeps them"},
	{"stop", "maps the frames and is stopped (SIGSTOP)"},
}

// attack goes on until it is killed.
func attack(kind, socket string) error {
	// Its own limit is not to be what saves the agent.
	_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 20_000, Max: 20_000})
	switch kind {
	case "sleep":
		return hold(socket, 64)
	case "hoard":
		return hold(socket, 10_000)
	case "stop":
		if _, err := reader.Dial(socket); err != nil {
			return err
		}
		return unix.Kill(os.Getpid(), unix.SIGSTOP)
	}
	garbage := make([]byte, 4000)
	for {
		fd, err := knock(socket)
		if err == nil && kind == "garbage" {
			_ = unix.Send(fd, garbage, unix.MSG_NOSIGNAL)
		}
		_ = unix.Close(fd)
	}
}

// hold opens connections and keeps them, reading none. Of more than an agent takes,
// those that it ended are opened anew.
func hold(socket string, n int) error {
	fds := make([]int, 0, n)
	for {
		for len(fds) < n {
			fd, err := knock(socket)
			if err != nil {
				break // all that may wait do
			}
			fds = append(fds, fd)
		}
		polled := make([]unix.PollFd, len(fds))
		for i, fd := range fds {
			polled[i].Fd = int32(fd)
		}
		if _, err := unix.Poll(polled, 10); err != nil && err != unix.EINTR {
			return err
		}
		fds = fds[:0]
		for _, p := range polled {
			if p.Revents&unix.POLLHUP != 0 {
				unix.Close(int(p.Fd))
			} else {
				fds = append(fds, int(p.Fd))
			}
		}
	}
}

func knock(socket string) (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: socket}); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}
