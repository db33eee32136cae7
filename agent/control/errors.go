package control

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/instance"
)

// Why the agent could not be asked. The error that wraps one of them says what to do.
var (
	ErrNotRunning = errors.New("no agent is running")
	ErrForbidden  = errors.New("not allowed to ask the agent")
	ErrSilent     = errors.New("the agent does not answer")
)

// serviceDir is where the service has its socket; elsewhere somebody runs the agent
// by hand.
const serviceDir = "/run/agent"

// A Refusal is an answer of the agent that is not what was asked for.
type Refusal struct {
	Status int // of HTTP
	Text   string
}

// Error is the agent's text, and what to do where that is known.
func (r *Refusal) Error() string {
	switch r.Status {
	case http.StatusForbidden:
		return r.Text + "; with sudo you are root"
	case http.StatusMethodNotAllowed:
		return "the running agent is of an older version, which does not know this; sudo systemctl restart agent starts the new one"
	}
	return r.Text
}

// unreachable says why there was no answer.
func (c *Client) unreachable(err error, within time.Duration) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // it would say what was asked as if it were on the network
	}
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %s (%w)", ErrForbidden, c.whoMay(), err)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: %s (%w)", ErrNotRunning, c.howToStart(), err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w within %v: journalctl -u agent -e says what it does", ErrSilent, within)
	case errors.Is(err, context.Canceled):
		return err
	}
	return fmt.Errorf("%w: it hung up, for it ended or has too much to do; try again (%w)", ErrSilent, err)
}

// howToStart is the remedy where nobody listens.
func (c *Client) howToStart() string {
	if pid, err := instance.Owner(c.dir); err == nil && pid != 0 {
		return fmt.Sprintf("process %d has no control socket; it is about to start or to end, or of an older version: sudo systemctl restart agent", pid)
	}
	if c.dir != serviceDir {
		return fmt.Sprintf("it was looked for in %s; --runtime-dir or EDGE_AGENT_RUN say where it is", c.dir)
	}
	return "sudo systemctl start agent starts it, systemctl status agent says why it ended"
}

// whoMay is the remedy for who may not connect.
func (c *Client) whoMay() string {
	info, err := os.Stat(c.dir)
	if err != nil {
		return "root may, with sudo"
	}
	group, err := user.LookupGroupId(fmt.Sprint(info.Sys().(*syscall.Stat_t).Gid))
	if err != nil || group.Gid == "0" {
		return "root may, with sudo"
	}
	return fmt.Sprintf("root may, and members of the group %[1]s: sudo usermod -aG %[1]s $USER, and log in again", group.Name)
}
