//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// A newcomer has a clean machine with a camera, the package, and README.
type newcomer struct {
	*lab
	began time.Time
}

// does is one step as README has it, by a user who has just logged in.
func (n *newcomer) does(user, command string) string {
	n.Helper()
	start := time.Now()
	out := n.run("runuser", "--login", user, "--command", command)
	n.figure("%s %.1f s", strings.Join(strings.Fields(command)[:2], " "), time.Since(start).Seconds())
	n.Logf("%s$ %s\n%s", user, command, out)
	return out
}

// pasted is the config that agent devices shows, with the first camera called front.
func pasted(devices string) string {
	yaml := devices[strings.Index(devices, "cameras:"):]
	first, _, _ := strings.Cut(strings.TrimSpace(strings.SplitAfter(yaml, "\n")[1]), ":")
	return strings.Replace(yaml, first+":", "front:", 1)
}

// From apt to the first frame in Python, by README alone; python3-numpy is there. On
// this machine a computation takes some ten times as long as on a device, and a program
// some forty times as long to start.
func firstFrame(l *lab) {
	n := &newcomer{l, time.Now()}
	n.does("root", "apt-get install -y /share/bin/edge-agent_*.deb python3-numpy")
	n.does("root", "usermod --append --groups edge-agent,video,systemd-journal anna")
	n.does("anna", "systemctl status agent")
	l.share("agent.yaml", []byte(pasted(n.does("anna", "agent devices"))))
	n.does("root", "cp /share/agent.yaml /etc/agent/agent.yaml")
	n.does("anna", "agent check")
	n.does("root", "systemctl reload agent")
	frame := n.does("anna", `python3 -c 'import edge_agent; f = next(edge_agent.frames("front", "model")); print(f.sequence, f.data.shape)'`)
	took := time.Since(n.began)
	l.figure("%q after %.0f s", frame, took.Seconds())
	if !strings.HasSuffix(frame, ", 3)") || took > 5*time.Minute {
		l.Errorf("%q after %v", frame, took)
	}
	n.does("anna", "agent status")
	if said := n.does("anna", "journalctl -u agent"); !strings.Contains(said, "front: camera publishes") {
		l.Errorf("the journal says %q", said)
	}
}

func TestNewUser(t *testing.T) {
	l := newLab(t)
	l.apt("purge", "edge-agent")
	l.run("bash", "-c", "userdel edge-agent; ! getent group edge-agent")
	l.run("useradd", "--create-home", "--shell", "/bin/bash", "anna")
	l.scenario("README, from apt to the first frame in Python", firstFrame)
}
