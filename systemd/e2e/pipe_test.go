//go:build e2e

package e2e

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

const feeding = `cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 100}
    outputs:
      model: {size: 320x180}
      feed:
        size: 320x180
        pipe: {command: [sh, -c, "echo I am $(id -un) >&2; echo x > /etc/x; exec cat > feed.raw"], format: raw}
`

// The command of a pipe runs as the service does, in its sandbox: it writes to
// the state directory and to nothing else. It goes with the agent, however that ends.
func commandInSandbox(l *lab) {
	l.configure(feeding)
	l.publishes(100)
	const frame = 320 * 180 * 3
	size := func() int {
		n, err := strconv.Atoi(l.run("stat", "-c", "%s", "/var/lib/agent/feed.raw"))
		l.must(err)
		return n
	}
	fed := func() string { return l.run("bash", "-c", "pgrep -x cat || true") }
	l.await("a command", 20*time.Second, func() bool { return fed() != "" })
	l.await("images", 20*time.Second, func() bool { return size() > 100*frame })
	said := ""
	for _, e := range l.journal("EVENT=command says") {
		said += e["MESSAGE"] + "\n"
	}
	if !strings.Contains(said, "I am edge-agent") || !strings.Contains(said, "/etc/x: Read-only file system") {
		l.Errorf("the command said %q", said)
	}
	command := fed()
	if adj := l.run("cat", "/proc/"+command+"/oom_score_adj"); adj != "500" {
		l.Errorf("oom_score_adj is %s", adj)
	}
	pid := l.property("MainPID")
	l.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "agent")
	l.replaced(pid)
	l.await("another command", 20*time.Second, func() bool { now := fed(); return now != "" && now != command })
	if now := fed(); strings.Contains(now, command) || strings.Contains(now, "\n") {
		l.Errorf("after the agent was killed: commands %q, before %s", now, command)
	}
	l.await("images again", 20*time.Second, func() bool { return size() > 10*frame })
	began := time.Now()
	l.stop()
	took := time.Since(began)
	if left := fed(); left != "" {
		l.Errorf("after the stop: %s", left)
	}
	if n := size(); n%frame != 0 {
		l.Errorf("the last image was cut: %d bytes of %d each", n, frame)
	}
	l.figure("stopped in %.1f s, %d whole images", took.Seconds(), size()/frame)
}

func TestPipe(t *testing.T) {
	newContainer(t).scenario("command in the sandbox", commandInSandbox)
}
