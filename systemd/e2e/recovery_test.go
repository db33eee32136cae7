//go:build e2e

package e2e

import (
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rungs are the remedies that the journal of the process tells of.
func (l *lab) rungs(pid string) []string {
	l.Helper()
	var list []string
	for _, e := range l.journal("_PID="+pid, "EVENT=camera failed, next remedy") {
		list = append(list, e["RUNG"])
	}
	return list
}

// nodeOf is the device that the agent has open.
func (l *lab) nodeOf(pid string) string {
	l.Helper()
	return l.run("bash", "-c", "readlink /proc/"+pid+"/fd/* | grep ^/dev/video | sort -u")
}

// The driver gives up the stream: it begins anew on the open device.
func breakVivid(l *lab) {
	l.configure(vividCamera)
	pid := l.property("MainPID")
	reader := l.read("front/model", 60, "-within", "2m")
	l.publishes(10)
	l.run("v4l2-ctl", "-d", "/dev/video0", "-c", "inject_fatal_streaming_error=1")
	reader.wait().sound(l)
	if got := l.rungs(pid); len(got) != 1 || got[0] != "restart-stream" {
		l.Errorf("remedies %q, want the stream begun anew", got)
	}
	l.figure("%v", l.stop()["front"])
}

// Nothing but damaged frames arrives: the stream is begun anew, until they end.
func spoilUVC(l *lab) {
	l.nodrop(true)
	c := l.plug("CAM1")
	defer c.pull()
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	pid := l.property("MainPID")
	l.publishes(10)
	c.say("err 150")
	l.figure("told after %.1f s", l.status("nothing but damaged frames").Seconds())
	l.figure("publishing %.1f s later", l.status("front: publishing").Seconds())
	l.publishes(20)
	if got := l.rungs(pid); len(got) != 1 || got[0] != "restart-stream" {
		l.Errorf("remedies %q, want the stream begun anew", got)
	}
	l.figure("%v", l.stop()["front"])
}

// The camera answers nothing any more, until it is configured anew: the agent
// tries all else first, and then resets its port.
func wedgeUVC(l *lab) {
	const udev, unit = "/etc/udev/rules.d/", "/etc/systemd/system/agent.service.d/"
	l.put("../usb-reset.conf")
	l.put("../60-edge-agent-usb-reset.rules")
	l.run("bash", "-c", "mkdir -p "+unit+" && cp /share/bin/usb-reset.conf "+unit+" && cp /share/bin/*.rules "+udev+
		" && systemctl daemon-reload && udevadm control --reload")
	c := l.plug("CAM1")
	defer c.pull()
	l.configure(fmt.Sprintf(uvcCamera, "MJPG") + "    recovery: {usb-reset: true}\n")
	pid := l.property("MainPID")
	l.publishes(10)
	c.say("wedge")
	l.figure("waiting after %.1f s", l.status("front: waiting").Seconds())
	l.figure("publishing %.1f s later", l.await("a camera that publishes", time.Minute, func() bool {
		return l.property("StatusText") == "All is well; front: publishing"
	}).Seconds())
	l.publishes(20)
	resets := l.journal("_PID="+pid, "EVENT=USB port of the camera was reset")
	if got := l.rungs(pid); len(resets) != 1 || strings.Join(got, " ") != "restart-stream reopen" {
		l.Errorf("%d resets after %q: %v", len(resets), got, l.journal("_PID="+pid, "PRIORITY=3"))
	}
	if n := l.property("NRestarts"); n != "0" {
		l.Errorf("the agent was restarted %s times", n)
	}
	l.figure("%v", l.stop()["front"])
	l.run("rm", unit+"usb-reset.conf", udev+"60-edge-agent-usb-reset.rules")
	l.run("systemctl", "daemon-reload")
}

// The camera's other end stops in the middle of everything: the kernel waits for
// it without end in STREAMOFF. Its own pipeline tells so; the other camera loses
// nothing; when the kernel's wait is over, it goes on.
func hangUVC(l *lab) {
	c := l.plug("CAM1")
	defer c.pull()
	// What is slow here is the machine.
	l.configure(fmt.Sprintf(uvcCamera, "MJPG") + `    recovery: {process-deadline: 2s}
  back:
    recovery: {process-deadline: 2s}
    device: {path: /dev/video0}
    mode: {format: YUYV, size: 320x180, rate: 10}
    controls: {timestamp_source: 1}
    outputs: {model: {size: 320x180}}
`)
	pid := l.property("MainPID")
	l.status("front: publishing")
	l.status("back: publishing")
	back := l.read("back/model", 200, "-within", "2m")
	l.must(c.process.Signal(syscall.SIGSTOP))
	l.figure("told %.1f s after it stopped", l.status("the driver does not return").Seconds())
	l.Log(l.run("ps", "-L", "-o", "stat,wchan:32,comm", "-p", pid))
	l.must(c.process.Signal(syscall.SIGCONT))
	l.figure("publishing %.1f s after it went on", l.status("front: publishing").Seconds())
	s := back.wait()
	s.sound(l)
	if n := l.property("NRestarts"); n != "0" {
		l.Errorf("the agent was restarted %s times", n)
	}
	accounts := l.stop()
	l.figure("front %v, back %v", accounts["front"], accounts["back"])
	if s.Lost > uint64(accounts["back"].dropped["evicted"]+accounts["back"].lost) {
		l.Errorf("the other camera lost %d frames", s.Lost)
	}
}

// Unplugged, another camera takes its number; it comes back under the next one.
func renumberUVC(l *lab) {
	c1 := l.plug("CAM1")
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	pid := l.property("MainPID")
	l.publishes(10)
	before := l.nodeOf(pid)
	c1.pull()
	l.status("front: waiting")
	c2 := l.plug("CAM2")
	defer c2.pull()
	c1 = l.plug("CAM1")
	defer c1.pull()
	l.figure("publishing %.1f s after the plug", l.status("front: publishing").Seconds())
	l.publishes(20)
	if now := l.nodeOf(pid); now == before || now == "" {
		l.Errorf("the camera was %s and is %s", before, now)
	} else {
		l.figure("%s became %s", before, now)
	}
	l.figure("%v", l.stop()["front"])
}

// Another program streams from the camera, and lets go of it.
func busyUVC(l *lab) {
	c := l.plug("CAM1")
	defer c.pull()
	other, err := l.machine.Start(io.Discard, io.Discard, "bash", "-c", "until ls /dev/v4l/by-id/*_CAM1-video-index0; do udevadm settle; done; exec v4l2-ctl -d /dev/v4l/by-id/*_CAM1-video-index0 --stream-mmap --stream-count=0")
	l.must(err)
	l.await("a camera in use", 30*time.Second, func() bool {
		// Only looked at: who tries may be the one that has it.
		return strings.Contains(l.run("bash", "-c", "ls -l /proc/[0-9]*/fd 2>/dev/null || true"), " -> /dev/video")
	})
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	pid := l.property("MainPID")
	l.status("device busy")
	l.must(other.Signal(syscall.SIGKILL))
	l.figure("publishing %.1f s after it was free", l.status("front: publishing").Seconds())
	l.publishes(20)
	if got := l.rungs(pid); len(got) > 0 {
		l.Errorf("a camera in use is treated with %q", got)
	}
	l.figure("%v", l.stop()["front"])
}

// Two cameras that nothing tells apart but their sockets: after they were
// swapped, each pipeline has the one that is in its socket now.
func swapTwins(l *lab) {
	socket := func(port int) string {
		return l.run("bash", "-c", fmt.Sprintf("until ls /dev/v4l/by-path | grep -m1 'usb-0:%d:1.0-video-index0'; do udevadm settle; done", port+1))
	}
	a, b := l.attach("TWIN", "-port", "0"), l.attach("TWIN", "-port", "1")
	const yaml = `  %s:
    device: {by-path: "%s"}
    mode: {format: MJPG, size: 320x180, rate: 5}
    outputs: {model: {size: 320x180}}
    quality: {stale-after: off} # what is slow here is the machine
    recovery: {process-deadline: 2s}
`
	l.configure("cameras:\n" + fmt.Sprintf(yaml, "left", socket(0)) + fmt.Sprintf(yaml, "right", socket(1)))
	l.status("left: publishing")
	l.status("right: publishing")
	a.say("freeze") // the one that is known by its picture
	l.status("left: publishing, frozen")
	l.must(a.process.Signal(syscall.SIGKILL))
	l.must(b.process.Signal(syscall.SIGKILL))
	l.status("right: waiting")
	a, b = l.attach("TWIN", "-port", "1"), l.attach("TWIN", "-port", "0")
	a.say("freeze")
	l.figure("frozen picture on the right %.1f s after the swap", l.status("right: publishing, frozen").Seconds())
	l.await("a good picture on the left", 30*time.Second, func() bool {
		return strings.Contains(l.property("StatusText"), "; left: publishing; ")
	})
	accounts := l.stop()
	l.figure("left %v, right %v", accounts["left"], accounts["right"])
	l.must(a.process.Signal(syscall.SIGKILL))
	l.must(b.process.Signal(syscall.SIGKILL))
}

func TestRecovery(t *testing.T) {
	l := newLab(t)
	l.scenario("vivid gives up the stream", breakVivid)
	l.scenario("uvc sends damaged frames only", spoilUVC)
	l.scenario("uvc wedged, port reset", wedgeUVC)
	l.scenario("uvc hangs in the kernel", hangUVC)
	l.scenario("uvc comes back under another number", renumberUVC)
	l.scenario("uvc held by another program", busyUVC)
	l.scenario("uvc twins swapped", swapTwins)
}
