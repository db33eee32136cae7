//go:build e2e

package e2e

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Every frame is processed, so that the one to hang on is.
const pattern = `cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 10}
    queue: {policy: block}
    outputs: {model: {size: 320x180}}
`

// READY, STATUS, restart, and a stop that takes no time.
func serviceLife(l *lab) {
	l.configure(pattern)
	if state := l.property("ActiveState"); state != "active" {
		l.Fatalf("after READY the service is %s", state)
	}
	l.status("front: publishing")
	l.figure("STATUS %q", l.property("StatusText"))
	reader := l.read("front/model", 80, "-within", "2m")
	l.publishes(10)
	start := time.Now()
	l.run("systemctl", "restart", "agent")
	l.figure("restart %.1f s", time.Since(start).Seconds())
	s := reader.wait()
	s.sound(l)
	if s.Sessions != 1 {
		l.Errorf("a consumer saw %d agents over a restart", s.Sessions)
	}
	l.stop()
	l.run("systemctl", "start", "agent")
	l.status("front: publishing")
	start = time.Now()
	l.run("systemctl", "stop", "agent")
	took := time.Since(start)
	if l.figure("stop %.1f s", took.Seconds()); took > 5*time.Second { // 2 s on a device
		l.Errorf("stopping took %v", took)
	}
}

// The journal's fields.
func journalFields(l *lab) {
	l.configure(pattern)
	l.status("front: publishing")
	l.stop()
	all := l.journal("CAMERA=front")
	entries := l.journal("CAMERA=front", "EVENT=camera publishes")
	if len(entries) == 0 {
		l.Fatalf("none of %d entries with CAMERA=front says that it publishes", len(all))
	}
	for _, field := range []string{"MESSAGE", "MESSAGE_ID", "PRIORITY", "SYSLOG_IDENTIFIER", "CAMERA", "_SYSTEMD_UNIT"} {
		if entries[0][field] == "" {
			l.Errorf("the entry %q has no field %s", entries[0]["MESSAGE"], field)
		}
	}
	if id := entries[0]["SYSLOG_IDENTIFIER"]; id != "agent" {
		l.Errorf("SYSLOG_IDENTIFIER is %q", id)
	}
	explained := l.run("journalctl", "-u", "agent", "-x", "--no-pager", "CAMERA=front")
	l.figure("%d entries, %d bytes with the catalog's", len(all), len(explained))
}

// A bad config is told and not retried.
func badConfig(l *lab) {
	l.run("bash", "-c", "rm -f /var/lib/agent/last-good.json; echo 'cameras: {front: {devise: x}}' >/etc/agent/agent.yaml; ! systemctl restart agent")
	if code := l.property("ExecMainStatus"); code != "78" {
		l.Errorf("exit code %s, want 78", code)
	}
	if n := l.property("NRestarts"); n != "0" {
		l.Errorf("restarted %s times", n)
	}
	l.run("systemctl", "reset-failed", "agent")
}

const dropIn = "/etc/systemd/system/agent.service.d/hooks.conf"

// misbehave makes C++ go wrong as the variables say, see native/hooks.h.
func (l *lab) misbehave(variables string) {
	l.Helper()
	l.put(hooks)
	l.run("cp", "/share/bin/"+filepath.Base(hooks), "/usr/bin/agent")
	l.run("bash", "-c", "mkdir -p ${0%/*} && printf '[Service]\nEnvironment=%s\n' \"$1\" >$0 && systemctl daemon-reload", dropIn, variables)
}

func (l *lab) behave() {
	l.Helper()
	l.run("rm", dropIn)
	l.run("systemctl", "daemon-reload")
}

// Frames that crash C++, that block in it, and that come while somebody kills
// the worker: each costs itself, and a consumer stays connected.
func replaceWorkers(l *lab) {
	l.misbehave("AGENT_TEST_CRASH_SEQUENCE=40 AGENT_TEST_HANG_SEQUENCE=60")
	// The machine is slow: what is no hang must not look like one.
	l.configure(pattern + "    recovery: {process-deadline: 2s}\n")
	pid := l.property("MainPID")
	reader := l.read("front/model", 90, "-within", "2m")
	l.publishes(5)
	l.run("pkill", "-KILL", "-P", pid)
	s := reader.wait()
	s.sound(l)
	if s.Sessions != 1 || strconv.Itoa(s.PID) != pid {
		l.Errorf("a consumer saw %d agents, the last with PID %d (before: %s)", s.Sessions, s.PID, pid)
	}
	a := l.stop()["front"]
	l.figure("%v", a)
	if a.dropped["crashed"] < 1 || a.dropped["crashed"] > 2 || a.dropped["timed-out"] != 1 {
		l.Errorf("a crash, a hang and a kill: %v", a)
	}
	if n := len(l.journal("_PID="+pid, "EVENT=worker replaced")); n != 3 {
		l.Errorf("3 workers gone, %d events", n)
	}
	l.behave()
}

// Without workers, a frame that blocks in C++ for ever: systemd's watchdog ends
// the process, and the next one publishes.
func hang(l *lab) {
	l.misbehave("AGENT_TEST_HANG_SEQUENCE=60")
	l.configure("isolation: none\n" + pattern)
	pid := l.property("MainPID")
	s := l.read("front/model", 70, "-within", "2m").wait()
	if s.Sessions != 1 || l.property("MainPID") == pid {
		l.Errorf("a consumer saw %d agents, and the one that hung is there: %v", s.Sessions, l.property("MainPID") == pid)
	}
	s.sound(l)
	if status := l.property("StatusText"); !strings.Contains(status, "the process before was stuck") || !strings.Contains(status, "front process: no progress") {
		l.Errorf("status %q does not name what hung", status)
	}
	silence := l.silence(pid)
	l.figure("killed %.1f s after the frame that hung, NRestarts %s", silence.Seconds(), l.property("NRestarts"))
	if silence > 15*time.Second {
		l.Errorf("the watchdog took %v", silence)
	}
	if n := len(l.journal("_PID="+pid, "MESSAGE=SIGABRT: abort")); n == 0 {
		l.Error("no stack of the process that hung in the journal")
	}
	kept := l.journal("_PID="+l.property("MainPID"), "EVENT=frame quarantined") // by the one that came after
	if len(kept) != 1 || hookNumber(kept[0]["FRAME_SEQ"]) != 60 || kept[0]["DROP_REASON"] != "crashed" {
		l.Errorf("quarantined: %v, want the frame that hung", kept)
	} else {
		l.run("agent", "process", "--out", "/tmp", kept[0]["FILE"])
	}
	l.behave()
	l.run("systemctl", "restart", "agent")
	l.publishes(80)
	l.stop()
}

// hookNumber is what the hooks call the frame of a sequence number, -1 for none.
func hookNumber(sequence string) int {
	n, err := strconv.Atoi(sequence)
	if err != nil {
		return -1
	}
	return n % 1024
}

// silence is the time from the frame that the process with this PID hung on to
// its end, by the journal.
func (l *lab) silence(pid string) time.Duration {
	l.Helper()
	stamp := func(match ...string) time.Duration {
		entries := l.journal(match...)
		if len(entries) == 0 {
			l.Fatalf("no entry with %v", match)
		}
		us, err := strconv.ParseInt(entries[0]["__MONOTONIC_TIMESTAMP"], 10, 64)
		l.must(err)
		return time.Duration(us) * time.Microsecond
	}
	published := stamp("_PID="+pid, "EVENT=camera publishes")
	// 60 frames at 10 a second.
	return stamp("_PID="+pid, "MESSAGE=SIGABRT: abort") - published - 6*time.Second
}

// The time of day is nobody's measure of progress.
func stepClock(l *lab) {
	l.configure(pattern)
	pid := l.property("MainPID")
	reader := l.read("front/model", 60, "-within", "2m")
	l.publishes(5)
	for _, step := range []string{"+1 hour", "-2 hours", "+1 hour"} {
		l.run("date", "--set="+step)
		l.publishes(15)
	}
	s := reader.wait()
	s.sound(l)
	if s.Sessions != 1 || l.property("MainPID") != pid {
		l.Errorf("the agent was restarted: a consumer saw %d", s.Sessions)
	}
	l.figure("%d frames, %d lost", s.Frames, s.Lost)
	l.stop()
}

func TestService(t *testing.T) {
	l := newLab(t)
	l.scenario("READY, STATUS, restart, stop", serviceLife)
	l.scenario("journal fields", journalFields)
	l.scenario("bad config", badConfig)
	l.scenario("crash, hang and kill of a worker", replaceWorkers)
	l.scenario("hang in C++, watchdog", hang)
	l.scenario("clock steps", stepClock)
}
