package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

const vhci = "/sys/devices/platform/vhci_hcd.0/"

// plug attaches a new device to the virtual host controller and returns the
// line to it, and the port.
func plug(port int) (*link, int, error) {
	if port < 0 {
		var err error
		if port, err = freePort(); err != nil {
			return nil, 0, err
		}
	}
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("socketpair: %w", err)
	}
	defer syscall.Close(fds[0]) // the kernel has a reference of its own
	ours := os.NewFile(uintptr(fds[1]), "usbip")
	defer ours.Close()
	const highSpeed = 3
	line := fmt.Sprintf("%d %d %d %d", port, fds[0], 1<<16|(port+2), highSpeed)
	if err := os.WriteFile(vhci+"attach", []byte(line), 0); err != nil {
		return nil, 0, fmt.Errorf("attach to port %d: %w", port, err)
	}
	conn, err := net.FileConn(ours)
	return &link{conn: conn, changed: make(chan struct{}, 1)}, port, err
}

// freePort reads the controller's table: hub, port, status (4 is free), and more.
func freePort() (int, error) {
	b, err := os.ReadFile(vhci + "status")
	if err != nil {
		return 0, fmt.Errorf("%w (modprobe vhci-hcd)", err)
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "hs" && f[2] == "004" {
			return strconv.Atoi(f[1])
		}
	}
	return 0, errors.New("no free port of vhci_hcd")
}

// A link is the device's end of USB/IP. Requests on endpoint 0 are answered as
// they come; those on the streaming endpoint wait for data.
type link struct {
	conn net.Conn

	mu      sync.Mutex // guards the writing side of conn, and what follows
	pending []pendingURB
	stream  int           // goes up when a stream ends or begins
	changed chan struct{} // an URB was queued, or stream went up
}

type pendingURB struct{ seq, length uint32 }

// The commands of USB/IP, and errno values in its answers.
const (
	cmdSubmit, cmdUnlink, retSubmit, retUnlink = 1, 2, 3, 4

	statusOK, statusPipe, statusReset = 0, -int32(syscall.EPIPE), -int32(syscall.ECONNRESET)

	headerSize = 48
)

// serve runs until the controller hangs up.
func (l *link) serve(control func(setup, []byte) ([]byte, bool)) error {
	h := make([]byte, headerSize)
	word := func(offset int) uint32 { return binary.BigEndian.Uint32(h[offset:]) }
	for {
		if _, err := io.ReadFull(l.conn, h); err != nil {
			return err
		}
		var err error
		switch seq := word(4); word(0) {
		case cmdSubmit:
			in, endpoint, length := word(12) == 1, word(16), word(24)
			if endpoint != 0 {
				l.queue(pendingURB{seq, length})
				break
			}
			var out []byte
			if !in {
				out = make([]byte, length)
				if _, err := io.ReadFull(l.conn, out); err != nil {
					return err
				}
			}
			data, ok := control(parseSetup(h[40:48]), out)
			err = l.answerControl(seq, in, length, data, ok)
		case cmdUnlink:
			err = l.unlink(seq, word(20))
			l.wake()
		}
		if err != nil {
			return err
		}
	}
}

func (l *link) answerControl(seq uint32, in bool, length uint32, data []byte, ok bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !ok:
		return l.send(retSubmit, seq, statusPipe, 0, nil)
	case in:
		data = data[:min(len(data), int(length))]
		return l.send(retSubmit, seq, statusOK, len(data), data)
	}
	return l.send(retSubmit, seq, statusOK, int(length), nil)
}

func (l *link) queue(u pendingURB) {
	l.mu.Lock()
	l.pending = append(l.pending, u)
	l.mu.Unlock()
	l.wake()
}

// restart says that the frame that is being sent is nobody's any more.
func (l *link) restart() {
	l.mu.Lock()
	l.stream++
	l.mu.Unlock()
	l.wake()
}

func (l *link) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// current is the number of the stream, for transfer.
func (l *link) current() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stream
}

// unlink takes an URB back: the driver ends the stream. Like transfer it looks
// and answers under one hold of the lock: vhci_hcd drops the device when an URB
// is answered after the answer to its unlink.
func (l *link) unlink(seq, target uint32) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stream++
	for i, u := range l.pending {
		if u.seq == target {
			l.pending = append(l.pending[:i], l.pending[i+1:]...)
			return l.send(retUnlink, seq, statusReset, 0, nil)
		}
	}
	return l.send(retUnlink, seq, statusOK, 0, nil)
}

// transfer answers the oldest URB of the streaming endpoint, and waits for one;
// false says that the stream has ended meanwhile.
func (l *link) transfer(stream int, status int32, data []byte) bool {
	for {
		l.mu.Lock()
		if l.stream != stream {
			l.mu.Unlock()
			return false
		}
		if len(l.pending) > 0 {
			u := l.pending[0]
			l.pending = l.pending[1:]
			data = data[:min(len(data), int(u.length))]
			err := l.send(retSubmit, u.seq, status, len(data), data)
			l.mu.Unlock()
			return err == nil
		}
		l.mu.Unlock()
		<-l.changed
	}
}

// send needs the lock.
func (l *link) send(command, seq uint32, status int32, actual int, data []byte) error {
	b := make([]byte, headerSize, headerSize+len(data))
	binary.BigEndian.PutUint32(b, command)
	binary.BigEndian.PutUint32(b[4:], seq)
	binary.BigEndian.PutUint32(b[20:], uint32(status))
	binary.BigEndian.PutUint32(b[24:], uint32(actual))
	_, err := l.conn.Write(append(b, data...))
	return err
}
