//go:build e2e

package e2e

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A listing is what the tests ask of agent devices --json.
type listing struct {
	Cameras []struct {
		Camera, Path, State, Config string
		Mode                        *struct{ Format string }
		USB                         *struct {
			Port string
			Mbit float64 `json:"mbit_per_second"`
		}
		Problems []struct{ Kind, Text, Remedy string }
	}
	Others   []struct{ Path, Kind, What string }
	Problems []struct{ Kind, Text, Remedy string }
}

// devices is the listing as a user sees it.
func (l *lab) devices(user string) listing {
	l.Helper()
	var list listing
	l.must(json.Unmarshal([]byte(l.run("runuser", "-u", user, "--", "agent", "devices", "--json")), &list))
	return list
}

// problem is the text and remedy of a camera's problem of that kind, empty for none.
func (l listing) problem(path, kind string) string {
	for _, c := range l.Cameras {
		for _, p := range c.Problems {
			if c.Path == path && p.Kind == kind {
				return p.Text + " -> " + p.Remedy
			}
		}
	}
	return ""
}

// node is the camera's node.
func (c *camera) node() string {
	c.l.Helper()
	return c.l.run("bash", "-c", "readlink -f /dev/v4l/by-id/*_"+c.serial+"-video-index0")
}

// What cameras there are, in a page, and what to paste: it is good, and works.
func overview(l *lab) {
	usb := l.plug("SN1")
	text := l.run("agent", "devices")
	if lines := strings.Count(text, "\n"); lines > 30 || !strings.Contains(text, usb.node()) {
		l.Errorf("%d lines are no overview:\n%s", lines, text)
	}
	l.figure("overview %d lines, details %d", strings.Count(text, "\n"), strings.Count(l.run("agent", "devices", "-v"), "\n"))
	list := l.devices("root")
	kinds := map[string]int{}
	for _, o := range list.Others {
		kinds[o.Kind]++
	}
	if kinds["metadata"] != 1 { // UVC's
		l.Errorf("kinds of other nodes: %v", kinds)
	}
	for _, c := range list.Cameras {
		if c.State != "ok" || c.Mode == nil || (c.USB != nil) != (c.Path == usb.node()) {
			l.Errorf("%+v", c)
		}
	}
	l.must(os.WriteFile(filepath.Join(l.machine.Share, "devices.txt"), []byte(text), 0o644))
	l.run("bash", "-c", "sed -n '/^cameras:/,$p' /share/devices.txt >/tmp/pasted.yaml")
	out := l.run("agent", "check", "--devices", "--config", "/tmp/pasted.yaml")
	if n := strings.Count(out, "frames arrive"); n != len(list.Cameras) {
		l.Errorf("%d of %d cameras deliver in their pasted modes:\n%s", n, len(list.Cameras), out)
	}
	l.Logf("%s\n%s", text, out)
	usb.pull()
}

// A camera that somebody has, and one that the agent has.
func heldCameras(l *lab) {
	usb := l.plug("SN2")
	node := usb.node()
	l.configure("cameras: {front: {device: {serial: SN2}, mode: {size: 640x480}}}\n")
	l.status("front: publishing")
	if p := l.devices("root").problem(node, "busy"); !strings.Contains(p, "the agent (PID "+l.property("MainPID")+", user edge-agent) has it as front: publishing") {
		l.Errorf("held by the agent: %q", p)
	}
	l.stop()
	if p := l.devices("root").problem(node, "busy"); p != "" {
		l.Errorf("held by nobody: %q", p)
	}
	other, err := l.machine.Start(io.Discard, io.Discard, "v4l2-ctl", "-d", node, "--stream-mmap", "--stream-count=100000")
	l.must(err)
	var p string
	l.await("a camera that another program has", 30*time.Second, func() bool { p = l.devices("root").problem(node, "busy"); return p != "" })
	if !strings.Contains(p, "v4l2-ctl (PID ") || !strings.Contains(p, "user root") {
		l.Errorf("held by v4l2-ctl: %q", p)
	}
	l.run("usermod", "--append", "--groups", "video", "nobody")
	if p := l.devices("nobody").problem(node, "busy"); !strings.Contains(p, "sudo agent devices") {
		l.Errorf("as another user sees it: %q", p)
	}
	l.run("gpasswd", "--delete", "nobody", "video")
	l.must(other.Signal(syscall.SIGKILL))
	usb.pull()
}

// Cameras of one USB 2 bus know of each other.
func sharedBus(l *lab) {
	one, other := l.plug("SN5"), l.plug("SN6")
	list := l.devices("root")
	for _, node := range []string{one.node(), other.node()} {
		if p := list.problem(node, "usb-shared"); !strings.Contains(p, "480 Mbit/s") || !strings.Contains(p, "Simulated Camera") || !strings.Contains(p, "MJPG") {
			l.Errorf("%s: %q", node, p)
		}
	}
	one.pull()
	if p := l.devices("root").problem(other.node(), "usb-shared"); p != "" {
		l.Errorf("alone on the bus: %q", p)
	}
	other.pull()
}

// Who may not open a camera is told why, and what mends it does.
func refusedCameras(l *lab) {
	usb := l.plug("SN3")
	node := usb.node()
	p := l.devices("nobody").problem(node, "no-permission")
	if !strings.Contains(p, "sudo usermod --append --groups video nobody") {
		l.Errorf("%q", p)
	}
	l.run("usermod", "--append", "--groups", "video", "nobody")
	if p := l.devices("nobody").problem(node, "no-permission"); p != "" {
		l.Errorf("in the group: %q", p)
	}
	l.run("gpasswd", "--delete", "nobody", "video")
	l.run("chmod", "0600", node)
	if p := l.devices("root").problem(node, "service-permission"); !strings.Contains(p, "udevadm trigger --action=add") {
		l.Errorf("closed to the service: %q", p)
	}
	l.run("udevadm", "trigger", "--action=add", "--settle", "--subsystem-match=video4linux")
	if p := l.devices("root").problem(node, "service-permission"); p != "" {
		l.Errorf("after the remedy: %q", p)
	}
	usb.pull()
}

// A USB camera without a driver is found on the bus, and the remedy works.
func driverlessCamera(l *lab) {
	l.run("modprobe", "-r", "uvcvideo")
	module := l.run("modinfo", "--field", "filename", "uvcvideo")
	l.run("mv", module, "/tmp/uvcvideo.ko") // or udev would load it again
	usb := l.attach("SN4")
	var list listing
	l.await("a camera without a driver", 30*time.Second, func() bool {
		list = l.devices("root")
		return len(list.Problems) == 1 && list.Problems[0].Kind == "no-driver"
	})
	if p := list.Problems[0]; !strings.Contains(p.Remedy, "modprobe uvcvideo") {
		l.Errorf("%+v", p)
	}
	l.run("mv", "/tmp/uvcvideo.ko", module)
	l.run("modprobe", "uvcvideo")
	l.link("SN4", "until")
	if list := l.devices("root"); len(list.Problems) != 0 {
		l.Errorf("after the remedy: %+v", list.Problems)
	}
	usb.pull()
}

func TestDevices(t *testing.T) {
	l := newLab(t)
	l.scenario("devices: overview, and a config to paste", overview)
	l.scenario("devices: busy, and by whom", heldCameras)
	l.scenario("devices: no permission, and the remedy", refusedCameras)
	l.scenario("devices: two on one bus", sharedBus)
	l.scenario("devices: no driver, and the remedy", driverlessCamera)
}
