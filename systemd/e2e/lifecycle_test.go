//go:build e2e

package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// repack makes the package under test again, as that of another version, and gives
// it to the guest. change, which may be nil, gets its files before they are packed.
func (l *lab) repack(version string, change func(root string)) string {
	l.Helper()
	root := l.TempDir()
	l.must(exec.Command("dpkg-deb", "-R", deb, root).Run())
	control := filepath.Join(root, "DEBIAN", "control")
	text, err := os.ReadFile(control)
	l.must(err)
	text = regexp.MustCompile(`(?m)^Version: .*$`).ReplaceAll(text, []byte("Version: "+version))
	l.must(os.WriteFile(control, text, 0o644))
	if change != nil {
		change(root)
	}
	name := "edge-agent_" + version + "_test.deb"
	l.must(exec.Command("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", root, filepath.Join(l.machine.Share, "bin", name)).Run())
	return "/share/bin/" + name
}

// apt is what unattended-upgrades runs: no questions, and no answers to them.
func (l *lab) apt(arguments ...string) string {
	l.Helper()
	return l.run(append([]string{"env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-o", "Dpkg::Use-Pty=0", "-y"}, arguments...)...)
}

func (l *lab) isVersion(want string) {
	l.Helper()
	if got := l.run("dpkg-query", "-W", "-f", "${Version} ${Status}", "edge-agent"); got != want+" install ok installed" {
		l.Errorf("installed is %s, want %s", got, want)
	}
}

// serving says that the agent runs, as another process than the one with that PID.
func (l *lab) serving(before string) {
	l.Helper()
	if state, pid := l.property("ActiveState"), l.property("MainPID"); state != "active" || pid == before {
		l.Errorf("the agent is %s, process %s (before: %s)", state, pid, before)
	}
	l.publishes(10)
}

// A life is the installed package over its versions: what each test begins with.
type life struct{ this, next, refusing string } // packages in the guest

const thisVersion, nextVersion = "1.1", "1.2"

// exchanged is what a consumer sees of one installation over another.
func (l *lab) exchanged(install func()) {
	l.Helper()
	reader := l.read("front/model", 400, "-within", "2m")
	l.publishes(20)
	pid := l.property("MainPID")
	start := time.Now()
	install()
	took := time.Since(start)
	l.serving(pid)
	s := reader.wait()
	s.sound(l)
	l.figure("%.1f s of apt; dark for %.0f ms, %.0f frames at 100 a second; %d connection", took.Seconds(), s.GapMS, s.GapMS/10-1, s.Sessions)
	if s.Sessions != 1 {
		l.Errorf("the consumer was hung up on %d times", s.Sessions-1)
	}
	if s.GapMS > 3000 {
		l.Errorf("no frame for %.0f ms", s.GapMS)
	}
}

func (v life) upgrade(l *lab) {
	l.configure(service)
	l.exchanged(func() { l.apt("install", v.next) })
	l.isVersion(nextVersion)
}

func (v life) downgrade(l *lab) {
	l.exchanged(func() { l.apt("install", "--allow-downgrades", v.this) })
	l.isVersion(thisVersion)
}

func (v life) reinstall(l *lab) {
	for range 2 {
		l.exchanged(func() { l.apt("install", "--reinstall", v.this) })
	}
	l.isVersion(thisVersion)
}

// A power cut, or somebody's Ctrl-C, between the files and the scripts of an upgrade.
func (v life) interrupted(l *lab) {
	pid := l.property("MainPID")
	l.run("dpkg", "--unpack", v.next)
	l.run("pkill", "-KILL", "-P", pid) // the program of the worker that comes is the old one
	l.publishes(20)
	if now := l.property("MainPID"); now != pid {
		l.Errorf("process %s, before %s", now, pid)
	}
	l.exchanged(func() { l.run("dpkg", "--configure", "-a") })
	l.isVersion(nextVersion)
}

// What an administrator wrote is theirs, and asked of nobody.
func (v life) edits(l *lab) {
	l.configure(service + "# mine\n")
	l.run("bash", "-c", "echo 'log: {level: debug}' >/etc/agent/agent.d/50-mine.yaml")
	l.dropIn("mine.conf", "[Service]\nCPUWeight=321\n")
	l.run("systemctl", "restart", "agent")
	sums := func() string {
		return l.run("bash", "-c", "md5sum /etc/agent/agent.yaml /etc/agent/agent.d/* /etc/systemd/system/agent.service.d/*")
	}
	before := sums()
	for _, deb := range []string{v.this, v.next} {
		l.exchanged(func() { l.apt("install", "--allow-downgrades", deb) })
	}
	if after := sums(); after != before || l.property("CPUWeight") != "321" {
		l.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if left := l.run("bash", "-c", "ls /etc/agent/*.dpkg* /etc/agent/agent.d/*.dpkg* 2>/dev/null || true"); left != "" {
		l.Errorf("left over: %s", left)
	}
	l.run("rm", "/etc/agent/agent.d/50-mine.yaml", "/etc/systemd/system/agent.service.d/mine.conf")
	l.run("systemctl", "daemon-reload")
}

// Disabled and masked is what somebody wanted; so is running all the same.
func (v life) disabled(l *lab) {
	for _, row := range []struct{ act, undo, enabled, active string }{
		{"systemctl disable --now agent", "systemctl enable --now agent", "disabled", "inactive"},
		{"systemctl stop agent; systemctl mask agent", "systemctl unmask agent; systemctl start agent", "masked", "inactive"},
	} {
		l.run("bash", "-c", row.act)
		for _, deb := range []string{v.this, v.next} {
			l.apt("install", "--allow-downgrades", deb)
			enabled, active := l.run("bash", "-c", "systemctl is-enabled agent || true"), l.property("ActiveState")
			if enabled != row.enabled || active != row.active {
				l.Errorf("%s: then %s and %s", row.act, enabled, active)
			}
		}
		l.run("bash", "-c", row.undo)
		l.publishes(5)
	}
}

const broken = "cameras: {front: {devise: x}}\n"

// A config that was broken by hand, and is met by an upgrade at night.
func (v life) badConfig(l *lab) {
	l.configure(service)
	l.publishes(5)
	l.run("bash", "-c", "echo '"+strings.TrimSpace(broken)+"' >/etc/agent/agent.yaml")
	l.exchanged(func() { l.apt("install", "--reinstall", v.next) })
	l.onOldConfig()
	l.exchanged(func() { l.run("systemctl", "restart", "agent") })
	l.onOldConfig()
	l.run("systemctl", "stop", "agent")
	l.run("systemctl", "start", "agent") // a reboot
	l.publishes(10)
	l.onOldConfig()
	l.configure(service)
	l.publishes(10)
	if status := l.property("StatusText"); strings.Contains(status, "refused") {
		l.Errorf("mended, and STATUS is %q", status)
	}
}

// onOldConfig says that everybody who asks is told.
func (l *lab) onOldConfig() {
	l.Helper()
	l.status("the config was refused, the one before is in force")
	pid := l.property("MainPID")
	if n := len(l.journal("_PID="+pid, "EVENT=running on the config that worked last", "PRIORITY=3")); n != 1 {
		l.Errorf("%d events", n)
	}
	if n := len(l.journal("_PID="+pid, "EVENT=config refused")); n != 2 { // the key, and what is missing without it
		l.Errorf("%d faults", n)
	}
	l.run("bash", "-c", "agent check; [ $? = 78 ]")
	l.run("agent", "check", "--last-good")
}

// A version that knows nothing of what is configured is not let in.
func (v life) refused(l *lab) {
	pid := l.property("MainPID")
	out := l.run("bash", "-c", "DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "+v.refusing+" 2>&1")
	if !strings.Contains(out, "What ran goes on as it was") || !strings.Contains(out, "not to my taste") {
		l.Errorf("apt says %q", out)
	}
	l.publishes(20)
	if now := l.property("MainPID"); now != pid {
		l.Errorf("process %s, before %s", now, pid)
	}
	l.exchanged(func() { l.apt("install", "--allow-downgrades", v.next) })
}

// What is left after each is what its manual says.
func (v life) removed(l *lab) {
	l.configure(service)
	l.publishes(5)
	reader := l.read("front/model", 1<<30, "-once", "-within", "1m")
	l.publishes(5)
	l.apt("remove", "edge-agent")
	reader.wait()
	l.left("test -e /etc/agent/agent.yaml && test -e /var/lib/agent/last-good.json && getent passwd edge-agent && ! test -e /run/agent && ! test -e /usr/bin/agent && ! pgrep -x agent && ! ls /dev/shm/edge-agent-*")
	l.apt("install", v.this)
	l.serving("")
	l.run("grep", "-q", "pattern: bars", "/etc/agent/agent.yaml")
	l.dropIn("mine.conf", "[Service]\nCPUWeight=321\n")
	l.run("bash", "-c", "echo >/etc/agent/agent.d/50-mine.yaml")
	l.apt("purge", "edge-agent")
	l.left("! test -e /etc/agent/agent.yaml && ! test -e /var/lib/agent && ! test -e /run/agent && ! systemctl cat agent 2>/dev/null && ! systemctl is-enabled agent 2>/dev/null")
	l.left("! test -e /usr/lib/systemd/catalog/agent.catalog && ! find / -xdev -name '*edge-agent*' -not -path '/share/*' -not -path '/var/log/*' -not -path '/proc/*' -not -path '/var/cache/*' | grep .")
	l.left("getent passwd edge-agent && test -e /etc/agent/agent.d/50-mine.yaml && test -e /etc/systemd/system/agent.service.d/mine.conf")
	if journalctl := l.run("bash", "-c", "journalctl -u agent | wc -l"); journalctl == "0" {
		l.Error("the journal is gone, too")
	}
	l.run("rm", "-r", "/etc/agent", "/etc/systemd/system/agent.service.d")
}

// left holds a command of claims.
func (l *lab) left(claims string) {
	l.Helper()
	if out, err := l.machine.Shell(l.Context(), claims); err != nil {
		l.Errorf("%v: %s", err, out)
	}
}

// Without a camera and without a config there is a picture all the same.
func (v life) fresh(l *lab) {
	start := time.Now()
	l.apt("install", v.this)
	installed := time.Since(start)
	socket := ""
	l.await("a socket", 20*time.Second, func() bool {
		socket = l.run("bash", "-c", "ls /run/agent/*/*.sock 2>/dev/null | head -n 1")
		return socket != ""
	})
	l.read(strings.TrimSuffix(strings.TrimPrefix(socket, "/run/agent/"), ".sock"), 10, "-within", "20s").wait()
	l.figure("%.1f s of apt, frames of %s %.1f s after it began", installed.Seconds(), socket, time.Since(start).Seconds())
	l.status("publishing")
}

// newLife is a machine without the package, and the versions of it.
func newLife(t *testing.T) (*lab, life) {
	t.Helper()
	l := newContainer(t)
	l.apt("purge", "edge-agent")
	v := life{this: l.repack(thisVersion, nil), next: l.repack(nextVersion, nil)}
	v.refusing = l.repack("1.3", func(root string) {
		script := "#!/bin/sh\necho not to my taste >&2\nexit 78\n"
		l.must(os.WriteFile(filepath.Join(root, "usr/bin/agent"), []byte(script), 0o755))
	})
	return l, v
}

// An age is a part of a life. Each stands on what the one before left.
type age struct {
	name  string
	claim func(l *lab)
}

func (l *lab) live(ages []age) {
	for _, a := range ages {
		if l.scenario("life: "+a.name, a.claim); l.Failed() {
			return
		}
	}
}

func TestLifecycle(t *testing.T) {
	l, v := newLife(t)
	l.live([]age{
		{"install, no camera", v.fresh},
		{"upgrade under load", v.upgrade},
		{"downgrade under load", v.downgrade},
		{"reinstall twice under load", v.reinstall},
		{"upgrade interrupted after unpacking", v.interrupted},
		{"edited config, drop-in: upgrade without questions", v.edits},
		{"disabled, masked: downgrade and upgrade", v.disabled},
		{"bad config: upgrade, restart, start", v.badConfig},
		{"version that refuses every config", v.refused},
		{"remove, install again, purge", v.removed},
		{"install after purge", v.fresh},
	})
}

// TestLifecycleShort is what is told first of a package that was broken.
func TestLifecycleShort(t *testing.T) {
	l, v := newLife(t)
	l.live([]age{
		{"install, no camera", v.fresh},
		{"upgrade under load", v.upgrade},
		{"bad config: upgrade, restart, start", v.badConfig},
		{"remove, install again, purge", v.removed},
	})
}
