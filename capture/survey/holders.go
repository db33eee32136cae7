package survey

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/edge-agent/agent/capture/v4l2"
)

// A Holder is a process that has a node open.
type Holder struct {
	// PID is 0 of an agent that answers and that may not be looked at.
	PID     int    `json:"pid"`
	Command string `json:"command"`
	User    string `json:"user"`
	// Agent: it is an agent's daemon.
	Agent bool `json:"agent"`
	// Camera is the agent's name for the camera, and Doing what it does with it, when
	// it answers: the command line asks it.
	Camera string `json:"camera,omitempty"`
	Doing  string `json:"doing,omitempty"`
}

func (h Holder) String() string {
	s := fmt.Sprintf("%s (PID %d, user %s)", h.Command, h.PID, h.User)
	if !h.Agent {
		return s
	}
	if s = "the agent has it"; h.PID != 0 {
		s = fmt.Sprintf("the agent (PID %d, user %s) has it", h.PID, h.User)
	}
	if h.Camera != "" {
		s += " as " + h.Camera + ": " + h.Doing
	}
	return s
}

func named(list []Holder) string {
	var names []string
	for _, h := range list {
		names = append(names, h.String())
	}
	return strings.Join(names, "; ")
}

// holders finds by node who has it open. Of other users' processes only root may know.
func (m machine) holders(nodes []v4l2.Device) map[string][]Holder {
	found := map[string][]Holder{}
	for _, pid := range m.processes() {
		if pid == os.Getpid() {
			continue
		}
		dir := filepath.Join(m.proc, strconv.Itoa(pid), "fd")
		fds, _ := os.ReadDir(dir) // another's, or just gone
		open := map[string]bool{}
		for _, fd := range fds {
			if target, err := os.Readlink(filepath.Join(dir, fd.Name())); err == nil {
				open[target] = true
			}
		}
		for _, n := range nodes {
			if open[n.Path] {
				found[n.Path] = append(found[n.Path], m.holder(pid))
			}
		}
	}
	return found
}

// processes are those of /proc, by number.
func (m machine) processes() []int {
	var pids []int
	entries, _ := os.ReadDir(m.proc)
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

func (m machine) holder(pid int) Holder {
	dir := filepath.Join(m.proc, strconv.Itoa(pid))
	h := Holder{PID: pid, Command: attribute(dir, "comm"), User: "?", Agent: m.isAgent(pid)}
	for line := range strings.Lines(attribute(dir, "status")) {
		if f := strings.Fields(line); len(f) > 2 && f[0] == "Uid:" {
			if uid, err := strconv.Atoi(f[1]); err == nil {
				h.User = m.users.name(uid)
			}
		}
	}
	return h
}

// isAgent: a process of the program `agent run`.
func (m machine) isAgent(pid int) bool {
	argv := strings.Split(attribute(m.proc, strconv.Itoa(pid), "cmdline"), "\x00")
	return len(argv) > 1 && base(argv[0]) == "agent" && argv[1] == "run"
}

// occupied says who streams from a camera, and what to do about it.
func (m machine) occupied(c *Camera) Problem {
	p := Problem{Kind: ProblemBusy, Blocking: true}
	ours := slices.ContainsFunc(c.Holders, func(h Holder) bool { return h.Agent })
	switch {
	case ours:
		return inUse(c.Holders)
	case len(c.Holders) > 0:
		p.Text, p.Remedy = named(c.Holders)+" streams from it", fmt.Sprintf("stop that program, or `sudo kill %d`; the agent takes the camera when it is free", c.Holders[0].PID)
	case m.users.uid != 0:
		p.Text, p.Remedy = "somebody streams from it", "`sudo agent devices` says who"
		pids := m.processes()
		if i := slices.IndexFunc(pids, m.isAgent); i >= 0 {
			p.Text = fmt.Sprintf("somebody streams from it; an agent runs, PID %d", pids[i])
			p.Blocking = false
		}
	default:
		p.Text, p.Remedy = "somebody streams from it who is not in sight: in another container, or in the kernel", "stop the container that has the device"
	}
	return p
}

// Held adds what the agent says of a camera that streams: its name there, and what the
// agent does with it.
func (s *Survey) Held(path, camera, doing string) {
	i := slices.IndexFunc(s.Cameras, func(c Camera) bool { return c.Path == path && c.State == Busy })
	if i < 0 {
		return
	}
	c := &s.Cameras[i]
	at := slices.IndexFunc(c.Holders, func(h Holder) bool { return h.Agent })
	if at < 0 { // another user's processes are not in sight
		at = len(c.Holders)
		c.Holders = append(c.Holders, Holder{Command: "agent", Agent: true})
	}
	c.Holders[at].Camera, c.Holders[at].Doing = camera, Plain(doing)
	for j := range c.Problems {
		if p := &c.Problems[j]; p.Kind == ProblemBusy {
			*p = inUse(c.Holders)
		}
	}
}

// inUse is no problem, but the answer to the question why a camera is busy.
func inUse(holders []Holder) Problem {
	return Problem{Kind: ProblemBusy, Text: named(holders), Remedy: "nothing: that is how it should be; `agent status` says more"}
}
