//go:build e2e

package e2e

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const service = `cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 100}
    outputs: {model: {size: 320x180}}
`

// replaced waits until the process with this PID is no longer the service's, and
// another one has said READY.
func (l *lab) replaced(pid string) {
	l.Helper()
	l.await("another process", 40*time.Second, func() bool {
		return l.property("MainPID") != pid && l.property("ActiveState") == "active" && l.property("SubState") == "running"
	})
}

// resumed is the time from systemd's start of the process that runs now to its
// first published frame.
func (l *lab) resumed() time.Duration {
	l.Helper()
	pid := l.property("MainPID")
	started, err := strconv.ParseInt(l.property("ExecMainStartTimestampMonotonic"), 10, 64)
	l.must(err)
	var entries []map[string]string
	l.await("the first frame", 20*time.Second, func() bool {
		entries = l.journal("_PID="+pid, "EVENT=camera publishes")
		return len(entries) > 0
	})
	published, err := strconv.ParseInt(entries[0]["_SOURCE_MONOTONIC_TIMESTAMP"], 10, 64)
	if err != nil {
		published, err = strconv.ParseInt(entries[0]["__MONOTONIC_TIMESTAMP"], 10, 64)
	}
	l.must(err)
	return time.Duration(published-started) * time.Microsecond
}

// kill -9, in quick succession: a consumer sees gaps, and nothing else.
func killAgent(l *lab) {
	l.configure(service)
	l.publishes(10)
	reader := l.read("front/model", 2500, "-within", "2m")
	var took []time.Duration
	for range 10 {
		pid := l.property("MainPID")
		l.publishes(20)
		l.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "agent")
		l.replaced(pid)
		took = append(took, l.resumed())
	}
	s := reader.wait()
	s.sound(l)
	slices.Sort(took)
	l.figure("kill -9 x %d: first frame %v after systemd's start at the median, %v at the most; a consumer of %d frames saw %d connection, gaps of %.0f ms at the most",
		len(took), took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond), s.Frames, s.Sessions, s.GapMS)
	if s.Sessions != 1 {
		l.Errorf("the consumer was hung up on %d times", s.Sessions-1)
	}
	if most := took[len(took)*9/10-1]; most > time.Second { // of one in ten the machine may have made more
		l.Errorf("frames %v after systemd's restart", most)
	}
}

// What the manager keeps is gone when the service is stopped, and when a bad
// config ends it for good.
func endsAreEnds(l *lab) {
	l.configure(service)
	for name, end := range map[string]func(){
		"stop": func() { l.run("systemctl", "stop", "agent") },
		"bad config": func() {
			l.run("bash", "-c", "rm -f /var/lib/agent/last-good.json; echo 'cameras: {front: {devise: x}}' >/etc/agent/agent.yaml; ! systemctl restart agent")
		},
	} {
		reader := l.read("front/model", 1<<30, "-once", "-within", "1m")
		l.publishes(5)
		end()
		if s := reader.wait(); s.Sessions != 1 {
			l.Errorf("%s: the consumer saw %d agents", name, s.Sessions)
		}
		if n := l.property("NFileDescriptorStore"); n != "0" {
			l.Errorf("%s: %s descriptors are kept", name, n)
		}
		l.run("systemctl", "reset-failed", "agent")
		l.configure(service)
	}
	l.run("systemctl", "start", "agent") // it runs
	l.publishes(5)
	l.run("bash", "-c", "! runuser -u edge-agent -- agent run 2>/tmp/second && grep -q 'another agent, process '$(systemctl show -P MainPID agent) /tmp/second")
	l.publishes(5)
	l.run("systemctl", "stop", "agent")
	l.run("systemctl", "stop", "agent")
	if left := l.run("bash", "-c", "ls -A /run/agent 2>&1 || true"); !strings.Contains(left, "No such file") {
		l.Errorf("left in /run/agent: %s", left)
	}
}

// An output that the config has no more ends for those who read it, and only for
// them.
func removeOutput(l *lab) {
	l.configure(strings.Replace(service, "model:", "view: {size: 32x32}, model:", 1))
	gone := l.read("front/view", 1<<30, "-once", "-within", "1m")
	stays := l.read("front/model", 1500, "-within", "1m")
	l.publishes(5)
	start := time.Now()
	l.configure(service)
	gone.wait()
	l.figure("hung up on %.0f s after the restart was asked for", time.Since(start).Seconds())
	if s := stays.wait(); s.Sessions != 1 {
		l.Errorf("the other output's consumer was hung up on %d times", s.Sessions-1)
	}
	if n := l.property("NFileDescriptorStore"); n != "1" {
		l.Errorf("%s descriptors are kept, want the memory", n)
	}
	l.stop()
}

// An agent without a camera is healthy for as long as it lasts.
func noCamera(l *lab) {
	l.configure("cameras:\n  front:\n    device: {path: /dev/video99}\n    outputs: {model: {size: 320x180}}\n")
	pid := l.property("MainPID")
	l.status("front: waiting")
	l.run("sleep", "25") // WatchdogSec=10s
	if l.property("MainPID") != pid || l.property("NRestarts") != "0" {
		l.Error("the agent was restarted")
	}
	l.figure("STATUS %q after 25 s", l.property("StatusText"))
	l.stop()
}

// A journald that does not read holds up neither frames nor pings.
func freezeJournal(l *lab) {
	l.configure(service + "log: {level: debug}\n")
	pid := l.property("MainPID")
	l.publishes(10)
	reader := l.read("front/model", 1500, "-within", "1m")
	l.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "systemd-journald")
	start := time.Now()
	kills := 0
	for ; time.Since(start) < 14*time.Second; kills++ { // each is told, with a trace
		l.run("bash", "-c", "pkill -KILL -P "+pid+"; sleep 0.2")
	}
	l.run("systemctl", "kill", "--signal=CONT", "--kill-whom=main", "systemd-journald")
	s := reader.wait()
	s.sound(l)
	l.figure("journald frozen for %.0f s, %d workers killed: %d frames, %d lost, gaps of %.0f ms at the most",
		time.Since(start).Seconds(), kills, s.Frames, s.Lost, s.GapMS)
	if l.property("MainPID") != pid || s.Sessions != 1 {
		l.Error("the agent was restarted")
	}
	l.stop()
}

// A process that is stopped is ended by systemd's watchdog, as is one that hangs.
func freezeAgent(l *lab) {
	l.configure(service)
	l.publishes(10)
	reader := l.read("front/model", 500, "-within", "1m")
	pid := l.property("MainPID")
	start := time.Now()
	l.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "agent")
	l.replaced(pid)
	l.figure("SIGSTOP: another process after %.1f s", time.Since(start).Seconds())
	s := reader.wait()
	s.sound(l)
	if s.Sessions != 1 {
		l.Errorf("the consumer was hung up on %d times", s.Sessions-1)
	}
	if n := len(l.journal("_PID="+pid, "MESSAGE=SIGABRT: abort")); n == 0 {
		l.Error("no stacks of the process that was stopped in the journal")
	}
	l.stop()
}

// Restarts need no camera, so that they are proved at full speed.
func TestRestart(t *testing.T) {
	l := newContainer(t)
	l.scenario("kill -9 of the agent", killAgent)
	l.scenario("stop, bad config, second agent", endsAreEnds)
	l.scenario("output removed", removeOutput)
	l.scenario("no camera", noCamera)
	l.scenario("journald frozen", freezeJournal)
	l.scenario("agent frozen", freezeAgent)
}
