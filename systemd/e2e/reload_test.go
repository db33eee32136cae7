//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// trio are three cameras of which none loses a frame unless it must.
const trio = `cameras:
  front: {device: {pattern: bars}, mode: {size: 320x180, rate: 100}, queue: {policy: block}, outputs: {model: {size: 320x180, ring: {slots: 32}}}}
  left: {device: {pattern: bars}, mode: {size: 320x180, rate: 100}, queue: {policy: block}, outputs: {model: {size: 320x180, ring: {slots: 32}}}}
  right: {device: {pattern: bars}, mode: {size: 320x180, rate: 100}, queue: {policy: block}, outputs: {model: {size: 320x180, ring: {slots: 32}}}}
`

// edit replaces a part of the config, without a word to the agent.
func (l *lab) edit(yaml *string, old, new string) {
	l.Helper()
	if !strings.Contains(*yaml, old) {
		l.Fatalf("the config has no %q", old)
	}
	*yaml = strings.Replace(*yaml, old, new, 1)
	l.must(os.WriteFile(filepath.Join(l.machine.Share, "agent.yaml"), []byte(*yaml), 0o644))
	l.run("cp", "/share/agent.yaml", "/etc/agent/agent.yaml")
}

// reload is systemctl's, by the manager and in the sandbox of the unit. It says how
// long the agent took.
func (l *lab) reload() (took string) {
	l.Helper()
	before := len(l.journal("EVENT=config reloaded"))
	l.run("systemctl", "reload", "agent")
	var told []map[string]string
	l.await("what the journal has of the reload", 10*time.Second, func() bool { // it need not be there at once
		told = l.journal("EVENT=config reloaded")[before:]
		return len(told) > 0
	})
	if len(told) != 1 {
		l.Fatalf("%d entries of one reload", len(told))
	}
	return told[0]["DURATION_US"]
}

// One camera of three is changed, added to and taken away while all are read.
func reloadOne(l *lab) {
	yaml := trio
	l.configure(yaml)
	l.publishes(10)
	pid := l.property("MainPID")
	left, right, front := l.read("left/model", 400), l.read("right/model", 1<<30, "-once"), l.read("front/model", 400)
	l.publishes(10)
	var took []string
	for _, step := range []struct{ old, new, told, keys string }{
		{"rate: 100}, queue: {policy: block}, outputs: {model:", "rate: 100}, queue: {policy: block}, quality: {blur-below: 2}, outputs: {model:", "front", "quality"},
		{"outputs: {model:", "outputs: {preview: {encode: jpeg}, model:", "front", "outputs.preview"},
		{"  front: {device: {pattern: bars}, mode: {size: 320x180, rate: 100}", "  front: {device: {pattern: bars}, mode: {size: 320x180, rate: 80}", "front", "mode"},
		{"  right:", "  rear:", "right", ""},
	} {
		l.edit(&yaml, step.old, step.new)
		took = append(took, l.reload())
		told := l.journal("EVENT=config changed", "CAMERA="+step.told)
		if last := told[len(told)-1]; !strings.Contains(last["KEYS"], step.keys) || last["MESSAGE_ID"] == "" {
			l.Errorf("%v", last)
		}
	}
	right.wait()
	for name, r := range map[string]*reading{"left": left, "front": front} {
		s := r.wait()
		s.sound(l)
		if s.Sessions != 1 {
			l.Errorf("%s: the consumer was hung up on %d times", name, s.Sessions-1)
		}
		if name == "left" && s.Lost != 0 {
			l.Errorf("a camera that did not change lost %d frames", s.Lost)
		}
		l.figure("%s: %d frames, %d lost, a gap of %.0f ms at the most", name, s.Frames, s.Lost, s.GapMS)
	}
	l.figure("the reloads took %s us", strings.Join(took, ", "))
	if now := l.property("MainPID"); now != pid {
		l.Errorf("process %s became %s", pid, now)
	}
	// The memory of each ring, and the consumers that are still there: none.
	l.await("as many descriptors as there are rings", 10*time.Second, func() bool { return l.property("NFileDescriptorStore") == "4" })
}

// A bad config fails the reload, with its faults where people look, and nothing else.
func reloadRefused(l *lab) {
	yaml := trio
	l.configure(yaml)
	pid := l.property("MainPID")
	reader := l.read("front/model", 200)
	l.publishes(5)
	l.edit(&yaml, "mode: {size: 320x180", "mode: {sise: 320x180")
	out := l.run("bash", "-c", "! systemctl reload agent 2>&1")
	const fault = `/etc/agent/agent.yaml:2:43: cameras.front.mode.sise: unknown key; did you mean size?`
	short, _, _ := strings.Cut(fault, ";")
	if !strings.Contains(out, "Job for agent.service failed") {
		l.Errorf("systemctl says %q", out)
	}
	for from, text := range map[string]string{
		"agent reload":     l.run("bash", "-c", "agent reload 2>&1; test $? = 78"),
		"the journal":      l.run("bash", "-c", "journalctl --sync; journalctl -u agent --no-pager -n 20"),
		"systemctl status": l.run("bash", "-c", "systemctl status agent --no-pager"),
	} {
		if !strings.Contains(text, short) {
			l.Errorf("%s does not have the fault: %s", from, text)
		}
	}
	l.status(short)
	told := l.journal("EVENT=new config refused, the one before stays in force")
	if len(told) != 2 || !strings.Contains(told[0]["ERROR"], short) || told[0]["MESSAGE_ID"] == "" || told[0]["PRIORITY"] != "3" {
		l.Errorf("told: %v", told)
	}
	if s := reader.wait(); s.Sessions != 1 || s.Lost != 0 {
		l.Errorf("the consumer saw %d agents, and %d frames were lost", s.Sessions, s.Lost)
	}
	if state, now := l.property("ActiveState"), l.property("MainPID"); state != "active" || now != pid {
		l.Errorf("the service is %s, process %s became %s", state, pid, now)
	}
	l.run("bash", "-c", "runuser -u nobody -g edge-agent -- agent reload 2>&1; test $? = 77")
	l.edit(&yaml, "sise", "size")
	l.reload()
	if text := l.property("StatusText"); strings.Contains(text, "refused") {
		l.Errorf("after a good one: %s", text)
	}
}

// What reload may, with the manager that asks for it. No cameras are needed.
func TestReload(t *testing.T) {
	l := newContainer(t)
	l.scenario("reload of one camera of three", reloadOne)
	l.scenario("reload refused", reloadRefused)
}

// What becomes of frames changes while a driver goes on streaming; another mode takes
// another opening, and consumers of a fixed size stay all the same.
func reloadVivid(l *lab) {
	yaml := vividCamera
	l.configure(yaml)
	l.publishes(5)
	r := l.read("front/model", 200)
	l.publishes(10)
	for _, step := range []struct{ old, new, kept string }{
		{"    outputs: {", "    quality: {blur-below: 2}\n    outputs: {preview: {encode: jpeg}, ", "source"},
		{"rate: 15", "rate: 10", "outputs.model"},
	} {
		l.edit(&yaml, step.old, step.new)
		took := l.reload()
		told := l.journal("EVENT=config changed", "CAMERA=front")
		if last := told[len(told)-1]; !strings.Contains(last["KEPT"], step.kept) {
			l.Errorf("%v", last)
		}
		l.figure("%s: %s us", step.new[strings.LastIndex(step.new, "\n")+1:], took)
		l.publishes(10)
	}
	s := r.wait()
	s.sound(l)
	if s.Sessions != 1 {
		l.Errorf("the consumer was hung up on %d times", s.Sessions-1)
	}
	l.figure("a consumer of %d frames: %d lost, a gap of %.0f ms at the most", s.Frames, s.Lost, s.GapMS)
	l.figure("%v", l.stop()["front"])
}

// With a driver of the kernel.
func TestReloadOfADriver(t *testing.T) {
	newLab(t).scenario("reload, vivid", reloadVivid)
}
