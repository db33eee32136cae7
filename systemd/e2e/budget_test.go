//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"
)

// halting stops a worker for three quarters of the time until it is told to end.
const halting = `exec {never}<> <(:); trap 'kill -CONT $0; exit' TERM
while kill -STOP $0; do read -t 0.3 -u $never; kill -CONT $0; read -t 0.1 -u $never; done`

// slowInput makes a preprocessor too slow for its camera, and then lets it be.
// by is who makes fewer frames of it.
func slowInput(yaml, by string) func(l *lab) {
	return func(l *lab) {
		l.configure(strings.Replace(yaml, "    outputs:", "    queue: {policy: slow-input}\n    recovery: {process-deadline: 2s}\n    outputs:", 1))
		pid := l.property("MainPID")
		event := func(name string) func() bool {
			return func() bool { return len(l.journal("_PID="+pid, "EVENT="+name)) > 0 }
		}
		l.publishes(20)
		slow, err := l.machine.Start(io.Discard, io.Discard, "bash", "-c", halting, l.run("pgrep", "-P", pid, "-f", "agent worker front"))
		l.must(err)
		lowered := l.await("a rate that was lowered", 90*time.Second, event("fewer frames are taken"))
		e := l.journal("_PID="+pid, "EVENT=fewer frames are taken")[0]
		l.figure("1 of %s frames after %.0f s, by %s, at %s a second", e["ONE_OF"], lowered.Seconds(), e["BY"], e["RATE"])
		if e["BY"] != by {
			l.Errorf("fewer frames by %s, want %s", e["BY"], by)
		}
		if status := l.property("StatusText"); !strings.Contains(status, "(slow-input)") {
			l.Errorf("STATUS is %q", status)
		}
		l.publishes(5)
		l.must(slow.Signal(15))
		// It may have been lowered more than once.
		restored := l.await("the full rate", 5*time.Minute, func() bool { return l.property("StatusText") == "All is well; front: publishing" })
		l.figure("restored %.0f s later", restored.Seconds())
		l.publishes(20)
		a := l.stop()["front"]
		l.figure("%v", a)
		// Some are, of those that the driver had ready when it was asked.
		if few := a.dropped["skipped"] < a.captured/5; few != (by == "driver") {
			l.Errorf("by %s, and %d frames were skipped", by, a.dropped["skipped"])
		}
	}
}

func slowVivid(l *lab) { slowInput(vividCamera, "driver")(l) }

func slowUVC(l *lab) {
	c := l.plug("CAM1")
	defer c.pull()
	slowInput(fmt.Sprintf(uvcCamera, "MJPG"), "skipping")(l)
}

// What the agent counts as its memory is what its control group is charged for
// processes; and it knows the limits of its unit.
func countResources(l *lab) {
	l.configure("cameras: {front: {device: {pattern: bars}, mode: {size: 320x180, rate: 5}, recovery: {process-deadline: 2s}}}\n")
	pid := l.property("MainPID")
	l.publishes(10)
	l.await("a look at the resources", 30*time.Second, func() bool { return len(l.journal("_PID="+pid, "EVENT=resources")) > 0 })
	e := l.journal("_PID="+pid, "EVENT=resources")[0]
	number := func(text string) int {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		l.must(err)
		return n
	}
	got := number(e["PRIVATE"]) + number(e["SHARED"])
	want := number(l.run("awk", "/^(anon|shmem) / {sum += $2} END {print sum}", "/sys/fs/cgroup/system.slice/agent.service/memory.stat"))
	tasks := number(l.run("cat", "/sys/fs/cgroup/system.slice/agent.service/pids.current"))
	l.figure("%d KiB counted, %d KiB charged; %s of %d threads", got>>10, want>>10, e["THREADS"], tasks)
	if got < want*8/10 || got > want*12/10 {
		l.Errorf("%d KiB counted, %d KiB charged", got>>10, want>>10)
	}
	if threads := number(e["THREADS"]); threads < tasks-3 || threads > tasks+3 || !strings.HasSuffix(e["MEMORY"], " of 400 MiB") {
		l.Errorf("%v", e)
	}
	l.stop()
}

func TestBudget(t *testing.T) {
	l := newLab(t)
	l.scenario("memory and threads are counted", countResources)
	l.scenario("vivid, too fast for the processor", slowVivid)
	l.scenario("uvc, too fast for the processor", slowUVC)
}
