//go:build e2e

package e2e

import (
	"strings"
	"testing"
	"time"
)

// An ending is a way in which the agent's process ends, and what the journal says
// of it then.
type ending struct {
	name    string
	config  string
	end     func(l *lab)
	result  string // SERVICE_RESULT
	status  string // EXIT_STATUS
	says    string // in MESSAGE
	remains bool   // the service is not started again
}

func signalled(signal string) func(l *lab) {
	return func(l *lab) { l.run("systemctl", "kill", "--signal="+signal, "--kill-whom=main", "agent") }
}

var endings = []ending{
	{"stop", service, func(l *lab) { l.run("systemctl", "stop", "agent") }, "success", "0", "agent ended (service_result=success", true},
	{"restart", service, func(l *lab) { l.run("systemctl", "restart", "agent") }, "success", "0", "agent ended (service_result=success", false},
	{"SIGKILL", service, signalled("KILL"), "signal", "KILL", "SIGKILL ended it", false},
	{"SIGSEGV", service, signalled("SEGV"), "exit-code", "2", "the stacks are in the entries", false}, // Go writes them, and exits
	{"watchdog", service, signalled("STOP"), "watchdog", "2", "systemd's watchdog ended it", false},
	{"bad config", service, func(l *lab) {
		l.run("bash", "-c", "rm -f /var/lib/agent/last-good.json; echo 'cameras: {front: {devise: x}}' >/etc/agent/agent.yaml; ! systemctl restart agent")
	}, "exit-code", "78", "the config was refused", true},
}

// Of the kernel's own doing: these need control groups and dumps of its own.
var kernelEndings = []ending{
	{"out of memory", "isolation: none\n" + pattern, exhaust, "signal", "KILL", "the kernel killed 1 of", false},
	{"core dump", pattern, dumpCore, "core-dump", "ABRT", "coredumpctl", false},
}

// exhaust leaves the unit less memory than the agent has, and enough for what tells
// of it, until the agent is gone.
func exhaust(l *lab) {
	pid := l.property("MainPID")
	l.run("systemctl", "set-property", "--runtime", "agent", "MemoryMax=12M")
	l.await("the kernel to kill the agent", 20*time.Second, func() bool { return l.property("MainPID") != pid })
	l.run("systemctl", "set-property", "--runtime", "agent", "MemoryMax=512M")
}

// dumpCore has the agent leave a core dump, which Go does not do by itself: by
// SIGABRT, whatever the signal was.
func dumpCore(l *lab) {
	l.run("sysctl", "-w", "kernel.core_pattern=/var/lib/agent/core")
	l.dropIn("core.conf", "[Service]\nEnvironment=GOTRACEBACK=crash\nLimitCORE=infinity\n")
	l.configure(pattern)
	l.publishes(3)
	signalled("SEGV")(l)
	l.run("rm", "/etc/systemd/system/agent.service.d/core.conf")
	l.run("systemctl", "daemon-reload")
}

// dropIn gives the unit further settings, by the administrator's own hand.
func (l *lab) dropIn(name, text string) {
	l.Helper()
	l.run("bash", "-c", `mkdir -p /etc/systemd/system/agent.service.d && printf %s "$1" >/etc/systemd/system/agent.service.d/$0 && systemctl daemon-reload`, name, text)
}

// try ends the agent, and compares what is told of it: one event, with its cause.
func (e ending) try(l *lab) {
	l.configure(e.config)
	l.publishes(5)
	start, before := time.Now(), len(l.journal("EVENT=agent ended"))
	e.end(l)
	var told []map[string]string
	l.await("an event", 40*time.Second, func() bool {
		told = l.journal("EVENT=agent ended")[before:]
		return len(told) > 0 && told[len(told)-1]["SERVICE_RESULT"] == e.result
	})
	l.figure("%s", told[len(told)-1]["MESSAGE"])
	if !e.remains {
		l.publishes(5)
		l.figure("frames again %.1f s later", time.Since(start).Seconds())
	}
	one := told[len(told)-1]
	if one["EXIT_STATUS"] != e.status || !strings.Contains(one["MESSAGE"], e.says) || one["MESSAGE_ID"] == "" {
		l.Errorf("%v", one)
	}
	if quiet := one["PRIORITY"] == "6"; quiet != (e.result == "success") {
		l.Errorf("priority %s", one["PRIORITY"])
	}
}

// However the agent ends, one event says how.
func TestEndings(t *testing.T) {
	tryAll(newContainer(t), endings)
}

func TestEndingsByTheKernel(t *testing.T) {
	tryAll(newLab(t), kernelEndings)
}

func tryAll(l *lab, endings []ending) {
	for _, e := range endings {
		l.scenario("ending: "+e.name, e.try)
		l.run("systemctl", "reset-failed", "agent")
	}
}
