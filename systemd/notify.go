package systemd

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// statusPeriod is the least time between two STATUS= datagrams: each one wakes
// PID 1 and everyone who watches the unit on D-Bus.
const statusPeriod = 500 * time.Millisecond

// Notifier tells the service manager about the agent, as sd_notify(3). Without
// NOTIFY_SOCKET every method returns nil at once. Errors are for the log: no
// notification is worth ending the agent for. Safe for concurrent use.
type Notifier struct {
	send func(state string, fds ...int) error // nil: no service manager listens

	mu      sync.Mutex
	status  string // the agent's own line
	alarm   string // shown instead of status while it is not empty
	shown   string // what the service manager has
	shownAt time.Time
	due     *time.Timer // shows the newest line at the end of statusPeriod
	over    bool        // Stopping was called: the line stays as it is
}

// NewNotifier returns a Notifier for the socket that systemd named in
// NOTIFY_SOCKET.
func NewNotifier() *Notifier {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return &Notifier{}
	}
	l := &line{path: path}
	_ = l.dial() // the first notification tries again, and tells
	return &Notifier{send: l.tell}
}

// sendLimit bounds one notification: while PID 1 does not read its socket, a
// sender would wait for it. A status is told once a statusPeriod at the most, so
// that a camera whose state changes loses little time over it.
const sendLimit = 100 * time.Millisecond

// A line is the connection to the service manager. It is kept, because a process
// that has run out of descriptors gets no other one, and is not to be killed for
// the pings that it could not send.
type line struct {
	path string
	mu   sync.Mutex // guards what follows
	conn *net.UnixConn
}

func (l *line) dial() error {
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: l.path, Net: "unixgram"})
	if err == nil {
		l.conn = conn
	}
	return err
}

// tell sends one datagram, with descriptors that the receiver gets duplicates
// of. go-systemd's daemon.SdNotify can do neither that nor give up.
func (l *line) tell(state string, fds ...int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conn != nil {
		err := l.write(state, fds)
		if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			return err
		}
		l.conn.Close() // whoever listened there does so no more
		l.conn = nil
	}
	if err := l.dial(); err != nil {
		return err
	}
	return l.write(state, fds)
}

func (l *line) write(state string, fds []int) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(sendLimit)); err != nil {
		return err
	}
	if len(fds) == 0 {
		_, err := l.conn.Write([]byte(state))
		return err
	}
	raw, err := l.conn.SyscallConn()
	if err != nil {
		return err
	}
	// Not WriteMsgUnix, which refuses a socket that is connected.
	waited := raw.Write(func(fd uintptr) bool {
		err = syscall.Sendmsg(int(fd), []byte(state), syscall.UnixRights(fds...), nil, syscall.MSG_NOSIGNAL|syscall.MSG_DONTWAIT)
		return err != syscall.EAGAIN
	})
	return cmp.Or(waited, err)
}

// Ready reports that start-up is over: `systemctl start agent` returns.
func (n *Notifier) Ready() error { return n.insist(daemon.SdNotifyReady) }

// Stopping reports that the agent is shutting down. No status follows it.
func (n *Notifier) Stopping() error {
	n.mu.Lock()
	n.over = true
	n.mu.Unlock()
	return n.insist(daemon.SdNotifyStopping)
}

// ExtendTimeout asks for d more from now before TimeoutStartSec or
// TimeoutStopSec is enforced. It must come again before d is over.
func (n *Notifier) ExtendTimeout(d time.Duration) error {
	return n.notify(fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds()))
}

// Ping feeds the watchdog. [Watchdog] alone calls it, for it alone asks whether
// every stage is alive.
func (n *Notifier) Ping() error { return n.notify(daemon.SdNotifyWatchdog) }

// Trigger makes systemd act as if the watchdog had run out, now: the agent is
// killed with WatchdogSignal. The reason stays in the unit's status and in the
// journal.
func (n *Notifier) Trigger(reason string) error {
	return n.insist("STATUS=" + statusLine(reason) + "\nWATCHDOG=trigger")
}

// Status sets the line that `systemctl status agent` shows. An unchanged line
// costs nothing; of lines that change faster than twice a second the newest is
// sent at the end of the period.
func (n *Notifier) Status(text string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.status = statusLine(text)
	return n.show()
}

// Alarm shows text instead of the status until it is set to "". The status set
// meanwhile is kept for then.
func (n *Notifier) Alarm(text string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.alarm = statusLine(text)
	return n.show()
}

// show sends the line that should stand now, or has it sent when its time has
// come. The caller holds mu. After an error it is tried again.
func (n *Notifier) show() error {
	line := n.status
	if n.alarm != "" {
		line = n.alarm
	}
	if n.send == nil || n.over || line == n.shown || n.due != nil {
		return nil
	}
	if early := statusPeriod - time.Since(n.shownAt); early > 0 && !n.shownAt.IsZero() {
		n.due = time.AfterFunc(early, n.showDue)
		return nil
	}
	if err := n.notify("STATUS=" + line); err != nil {
		n.due = time.AfterFunc(statusPeriod, n.showDue)
		return err
	}
	n.shown, n.shownAt = line, time.Now()
	return nil
}

func (n *Notifier) showDue() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.due = nil
	_ = n.show() // nobody to tell: it is tried again
}

// insist is notify for what systemd must know: it gives a manager that is slow
// to read two seconds.
func (n *Notifier) insist(state string) (err error) {
	for range 20 {
		if err = n.notify(state); !errors.Is(err, os.ErrDeadlineExceeded) {
			break
		}
	}
	return err
}

func (n *Notifier) notify(state string, fds ...int) error {
	if n.send == nil {
		return nil
	}
	if err := n.send(state, fds...); err != nil {
		name, _, _ := strings.Cut(state, "=")
		return fmt.Errorf("notify systemd: %s: %w", name, err)
	}
	return nil
}

// statusLine makes text one printable line: a newline would begin another
// assignment, systemd ignores a datagram that is not UTF-8, and systemctl shows
// what else there is to a terminal as it is.
func statusLine(text string) string {
	return printable(strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " "), false)
}
