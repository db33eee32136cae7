package survey

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// USB is where a camera sits. What is shared with others on the same bus is its
// bandwidth.
type USB struct {
	Bus int `json:"bus"`
	// Port is the device's name in sysfs: bus, port of the root hub, port of the next hub.
	Port string `json:"port"`
	// Mbit is the speed that camera and port agreed on, in Mbit/s: 12, 480, 5000, 10000.
	Mbit float64 `json:"mbit_per_second"`
	// Version is what the camera speaks there, such as 2.00.
	Version string `json:"version"`
	// SuperSpeed: it could be faster, as USB 3. Only kernels since 6.10 know.
	SuperSpeed bool `json:"super_speed"`
	// Hub is what stands between the camera and the root hub, empty for nothing.
	Hub string `json:"hub"`
	// Autosuspend: the kernel lets it sleep while nobody has it open.
	Autosuspend bool `json:"autosuspend"`
	// Shares are the other devices of the bus, hubs left out.
	Shares []Peer `json:"shares"`

	dir string
}

// A Peer is another device on the same bus.
type Peer struct {
	Port   string  `json:"port"`
	Name   string  `json:"name"`
	Mbit   float64 `json:"mbit_per_second"`
	Camera bool    `json:"camera"`
}

// Names and numbers of USB as sysfs has them.
const (
	classHub     = "09"
	classVideo   = "0e"
	videoControl = "01"
	highSpeed    = 480
	superSpeed   = 5000
)

// usbOf is the USB device whose interface the node belongs to, nil for none.
func (m machine) usbOf(node string) *USB {
	intf, err := filepath.EvalSymlinks(filepath.Join(m.sys, "class", "video4linux", base(node), "device"))
	if err != nil {
		return nil
	}
	dir := filepath.Dir(intf)
	bus, err := strconv.Atoi(attribute(dir, "busnum"))
	if err != nil {
		return nil
	}
	u := &USB{Bus: bus, Port: base(dir), Mbit: speed(dir), Version: attribute(dir, "version"), Hub: hubs(dir),
		Autosuspend: attribute(dir, "power", "control") == "auto", Shares: []Peer{}, dir: dir}
	bos, _ := os.ReadFile(filepath.Join(dir, "bos_descriptors")) // younger than most kernels
	u.SuperSpeed = u.Mbit >= superSpeed || hasSuperSpeed(bos)
	for _, d := range m.usbDevices() {
		if d != dir && attribute(d, "busnum") == strconv.Itoa(bus) && attribute(d, "bDeviceClass") != classHub {
			u.Shares = append(u.Shares, Peer{base(d), product(d), speed(d), len(videoInterfaces(d)) > 0})
		}
	}
	return u
}

// usbDevices are the directories of all USB devices, root hubs among them.
func (m machine) usbDevices() []string {
	links, _ := filepath.Glob(filepath.Join(m.sys, "bus", "usb", "devices", "*"))
	var dirs []string
	for _, l := range links {
		if strings.Contains(base(l), ":") {
			continue // an interface
		}
		if dir, err := filepath.EvalSymlinks(l); err == nil {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// videoInterfaces are the control interfaces of the video functions of a device.
func videoInterfaces(device string) []string {
	intfs, _ := filepath.Glob(filepath.Join(device, base(device)+":*"))
	return slices.DeleteFunc(intfs, func(dir string) bool {
		return attribute(dir, "bInterfaceClass") != classVideo || attribute(dir, "bInterfaceSubClass") != videoControl
	})
}

func speed(dir string) float64 {
	v, _ := strconv.ParseFloat(attribute(dir, "speed"), 64)
	return v
}

// product is what a device calls itself, or its numbers.
func product(dir string) string {
	if name := strings.TrimSpace(attribute(dir, "manufacturer") + " " + attribute(dir, "product")); name != "" {
		return Plain(name)
	}
	return attribute(dir, "idVendor") + ":" + attribute(dir, "idProduct")
}

// hubs names the hubs above a device, but for the root hub.
func hubs(dir string) string {
	var names []string
	for d := filepath.Dir(dir); attribute(d, "bDeviceClass") == classHub && !strings.HasPrefix(base(d), "usb"); d = filepath.Dir(d) {
		names = append(names, product(d)+" ("+base(d)+")")
	}
	return strings.Join(names, ", ")
}

// hasSuperSpeed looks for the capability SuperSpeed among the descriptors that a
// device has of itself beyond USB 2 (the BOS): USB 3.2, table 9-12 to 9-14.
func hasSuperSpeed(bos []byte) bool {
	const capability, speedUSB, speedUSBPlus = 0x10, 0x03, 0x0a
	for len(bos) >= 3 {
		length := int(bos[0])
		if bos[1] == capability && (bos[2] == speedUSB || bos[2] == speedUSBPlus) {
			return true
		}
		if length < 3 || length > len(bos) {
			return false
		}
		bos = bos[length:]
	}
	return false
}

// judgeBuses finds what cameras have to do with the bus and with each other on it.
func (m machine) judgeBuses(cameras []Camera) {
	for i := range cameras {
		c := &cameras[i]
		if c.USB == nil {
			continue
		}
		if p, ok := c.USB.slow(); ok {
			c.add(p)
		}
		var others []string
		for j := range cameras {
			if o := cameras[j].USB; j != i && o != nil && o.Bus == c.USB.Bus && o.dir != c.USB.dir {
				others = append(others, cameras[j].Name+" ("+o.Port+")")
			}
		}
		if len(others) > 0 && c.USB.Mbit <= highSpeed {
			c.add(Problem{ProblemUSBShared, false,
				fmt.Sprintf("USB bus %d (USB 2, %d Mbit/s for all) has %s as well: the last one to start may find no room (ENOSPC)", c.USB.Bus, highSpeed, strings.Join(others, ", ")),
				"if so: `format: MJPG`, a smaller size, a lower rate, or another bus (`lsusb --tree`)"})
		}
	}
}

// slow says whether a camera has got less than it could do, or than pictures need.
func (u *USB) slow() (Problem, bool) {
	p := Problem{Kind: ProblemUSBSlow}
	switch {
	case u.Mbit > 0 && u.Mbit < highSpeed:
		p.Text = fmt.Sprintf("it has %g Mbit/s, which is USB 1: small pictures at best", u.Mbit)
		p.Remedy = "another cable, another hub or none"
	case u.Mbit == highSpeed && u.SuperSpeed:
		p.Text = fmt.Sprintf("a USB 3 camera that has %d Mbit/s, which is USB 2", highSpeed)
		p.Remedy = "a USB 3 port (5 more contacts, often blue) and a USB 3 cable, without a USB 2 hub"
	default:
		return p, false
	}
	return p, true
}
