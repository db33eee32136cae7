package survey

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-agent/agent/capture/v4l2"
)

// missing finds cameras that ought to be there and are not.
func (m machine) missing(nodes []v4l2.Device, s *Survey) []Problem {
	problems := m.nodeless(nodes)
	problems = append(problems, m.driverless()...)
	problems = append(problems, needPipeline(s.Others)...)
	if len(s.Cameras) == 0 && len(problems) == 0 {
		problems = append(problems, Problem{ProblemNoCamera, true, "the kernel knows of no camera, neither as a video device nor on USB",
			"USB: plug it in, and see whether `lsusb` and `sudo dmesg` show it; CSI: the system's own set-up (raspi-config, jetson-io, a device tree overlay)"})
	}
	return problems
}

// nodeless finds video devices of the kernel that /dev does not have.
func (m machine) nodeless(nodes []v4l2.Device) []Problem {
	entries, _ := os.ReadDir(filepath.Join(m.sys, "class", "video4linux")) // none without a driver
	var list []Problem
	for _, e := range entries {
		path := filepath.Join(m.dev, e.Name())
		if !strings.HasPrefix(e.Name(), "video") || slices.ContainsFunc(nodes, func(d v4l2.Device) bool { return d.Path == path }) {
			continue
		}
		name := Plain(attribute(m.sys, "class", "video4linux", e.Name(), "name"))
		list = append(list, Problem{ProblemNoNode, true, fmt.Sprintf("the kernel has %s (%s), and %s does not exist", e.Name(), name, path),
			"in a container: run it with `--device " + path + " --group-add video`; else `sudo udevadm trigger --action=add --subsystem-match=video4linux`"})
	}
	return list
}

// driverless finds USB cameras that nobody drives, or that did not become a node.
func (m machine) driverless() []Problem {
	var list []Problem
	for _, dir := range m.usbDevices() {
		for _, intf := range videoInterfaces(dir) {
			p := Problem{Kind: ProblemNoDriver, Blocking: true}
			camera := fmt.Sprintf("USB camera %s (%s)", product(dir), base(dir))
			driver, err := os.Readlink(filepath.Join(intf, "driver"))
			switch {
			case err != nil:
				p.Text, p.Remedy = camera+": no driver has taken it", "`sudo modprobe uvcvideo`; a kernel without it needs the package of its extra modules"
			case base(driver) != "uvcvideo":
				p.Text, p.Remedy = camera+" is driven by "+base(driver)+", not by uvcvideo", "stop the program that took it (usbfs is one in user space), and plug the camera in again"
			case !exists(intf, "video4linux"):
				p.Text, p.Remedy = camera+": uvcvideo has taken it and made no video device of it", "`sudo dmesg` says why; plug it in again, at another port"
			default:
				continue
			}
			list = append(list, p)
		}
	}
	return list
}

func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

// needPipeline says once a driver what cameras on CSI need that V4L2 alone cannot do.
func needPipeline(others []Other) []Problem {
	var list []Problem
	var seen []string
	for _, o := range others {
		if o.Kind != v4l2.KindPipeline || slices.Contains(seen, o.Driver) {
			continue
		}
		seen = append(seen, o.Driver)
		list = append(list, Problem{ProblemPipeline, false,
			fmt.Sprintf("%s (%s) is the receiver of a CSI camera: its raw pictures come only when libcamera has set up sensor and receiver, which this agent does not do", o.Path, cmp.Or(o.Driver, o.Name)),
			"let a program of libcamera's, such as GStreamer's libcamerasrc, write to a v4l2loopback device, and name that in the config"})
	}
	return list
}
