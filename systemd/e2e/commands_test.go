//go:build e2e

package e2e

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const unshown = "http: off\n" + pattern

// Who asks. A member of the group edge-agent is somebody who has nothing else.
const (
	asRoot   = ""
	asMember = `setpriv --reuid=nobody --regid=nogroup --groups="$(getent group edge-agent | cut -d: -f3)" -- `
	asNobody = `setpriv --reuid=nobody --regid=nogroup --clear-groups -- `
)

// command runs a command as somebody, and checks what comes of it.
func (l *lab) command(who, command string, code int, says string) string {
	l.Helper()
	var out bytes.Buffer
	p, err := l.machine.Start(&out, &out, "bash", "-c", who+command)
	l.must(err)
	l.must(p.CloseInput())
	got, err := p.Wait(l.Context())
	l.must(err)
	if got != code || !strings.Contains(out.String(), says) {
		l.Errorf("%s%s: exit code %d, want %d; it says\n%s\nand not %q", who, command, got, code, out.String(), says)
	}
	return out.String()
}

// Who may ask the agent, and what they hear, while HTTP is off.
func commandsByUser(l *lab) {
	l.configure(unshown)
	l.status("All is well; front: publishing")
	if got, want := l.run("stat", "--format=%A %U %G", "/run/agent/control.sock"), "srw-rw---- edge-agent edge-agent"; got != want {
		l.Errorf("the socket is %s, want %s", got, want)
	}
	for _, who := range []string{asRoot, asMember} {
		l.command(who, "agent status", 0, "All is well\n1 camera, ")
		l.command(who, "agent status --json front", 0, `"state": "publishing"`)
		l.command(who, "agent snapshot front | od -An -tx1 -N3", 0, " ff d8 ff")
		l.command(who, "agent snapshot side", 1, `no camera is named "side"; there are: front`)
	}
	for _, command := range []string{"agent status", "agent snapshot front", "agent reload", "agent log-level debug"} {
		l.command(asNobody, command, 77, "members of the group edge-agent: sudo usermod -aG edge-agent $USER")
	}
	for _, command := range []string{"agent reload", "agent log-level debug"} {
		l.command(asMember, command, 77, "allowed are root and user ")
	}
	l.command(asRoot, "agent log-level debug --for 1h", 0, "debug until ")
	l.command(asMember, "agent log-level", 0, "debug until ")
	if n := len(l.journal("EVENT=log level is another one")); n != 1 {
		l.Errorf("the journal has %d changes of the level", n)
	}
	l.command(asRoot, "systemctl reload agent && agent log-level", 0, "info, as the config says")
}

// The exit code of agent status says how the agent is, and its first line what the
// unit's says.
func statusByState(l *lab) {
	l.configure(unshown + "  rear: {device: {serial: none-has-this}}\n")
	l.status("1 of 2 cameras has trouble since ")
	text := l.command(asMember, "agent status", 1, "1 of 2 cameras has trouble since ")
	first, _, _ := strings.Cut(text, " (")
	if unit := l.property("StatusText"); !strings.HasPrefix(unit, first+"; ") {
		l.Errorf("the unit says %q, the command %q", unit, first)
	}
	pid := l.property("MainPID")
	l.run("kill", "-STOP", pid)
	start := time.Now()
	l.command(asRoot, "agent status", 2, "the agent does not answer within 2s")
	l.figure("told of a stopped agent after %.1f s", time.Since(start).Seconds())
	l.run("kill", "-CONT", pid)
	l.command(asRoot, "agent status", 1, "1 of 2 cameras has trouble since ")
	l.run("systemctl", "kill", "--signal=KILL", "agent") // its socket stays
	l.await("another process", time.Minute, func() bool { now := l.property("MainPID"); return now != pid && now != "0" })
	l.status("1 of 2 cameras has trouble since ")
	l.command(asRoot, "agent status", 1, "1 of 2 cameras has trouble since ")
	l.run("systemctl", "stop", "agent")
	l.command(asRoot, "agent status", 2, "no agent is running: sudo systemctl start agent starts it")
	l.command(asMember, "agent status", 2, "no agent is running")
}

func TestCommands(t *testing.T) {
	l := newContainer(t)
	l.scenario("commands: who may ask", commandsByUser)
	l.scenario("commands: exit codes", statusByState)
}
