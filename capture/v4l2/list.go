package v4l2

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A Device is what [List] knows of a camera, or [Nodes] of a video node.
type Device struct {
	// Path is the device file.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Name, Driver and Bus are what the driver says of itself.
	Name   string `json:"name"`
	Driver string `json:"driver"`
	Bus    string `json:"bus"`
	// Serial is the USB serial number, empty when there is none.
	Serial string `json:"serial,omitempty"`
	// ByID and ByPath are names of links in /dev/v4l; one node may have two.
	ByID   []string `json:"by_id,omitempty"`
	ByPath []string `json:"by_path,omitempty"`
	// Identity is the selector that names this camera the most lastingly.
	Identity Selector      `json:"identity"`
	Formats  []FormatInfo  `json:"formats"`
	Controls []ControlInfo `json:"controls"`
	// Err is why the rest is missing, nil when it is not.
	Err error `json:"-"`
}

// A FormatInfo is a pixel format that a camera offers.
type FormatInfo struct {
	// Code is the four-character code of V4L2.
	Code        string     `json:"code"`
	Description string     `json:"description"`
	Sizes       []SizeInfo `json:"sizes"`
	// Note says why the format is of no use here, empty when it is.
	Note string `json:"note,omitempty"`
}

// A SizeInfo is a frame size with its rates in frames per second, none when
// the driver does not list them. Of a range, common values are listed.
type SizeInfo struct {
	Width  int       `json:"width"`
	Height int       `json:"height"`
	Rates  []float64 `json:"rates"`
}

// List describes the cameras of this machine, by number. Nodes of another kind
// are left out; a camera that is in use is listed as any other.
func List() ([]Device, error) { return systemHost(Roots{}).list() }

func (h host) list() ([]Device, error) {
	all, err := h.describeAll(func(string) {})
	return slices.DeleteFunc(all, func(d Device) bool { return d.Kind != KindCamera }), err
}

// Nodes describes all video nodes of a machine, by number, cameras or not. Before each
// one asking is told its path: a driver may let who asks wait for ever.
func Nodes(r Roots, asking func(path string)) ([]Device, error) {
	return systemHost(r).describeAll(asking)
}

func (h host) describeAll(asking func(path string)) ([]Device, error) {
	nodes, err := h.nodes()
	if err != nil {
		return nil, err
	}
	var list []Device
	for _, n := range nodes {
		d := Device{Path: n.path, Name: n.name, Serial: n.serial, ByID: n.byID, ByPath: n.byPath}
		asking(n.path)
		if d.Err = h.describe(&d); errors.Is(d.Err, capture.ErrNotFound) {
			continue // it is just going
		}
		list = append(list, d)
	}
	cameras := slices.DeleteFunc(slices.Clone(list), func(d Device) bool { return d.Kind != KindCamera })
	for i := range list {
		list[i].Identity = identity(list[i], cameras)
	}
	return list, nil
}

// Fingerprint changes when a video device or a link to one comes or goes, or has
// other permissions than before. It opens none, as [List] does, which disturbs a
// camera that streams and waits for one that hangs.
func Fingerprint() (string, error) { return systemHost(Roots{}).fingerprint() }

func (h host) fingerprint() (string, error) {
	nodes, err := h.nodes()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, n := range nodes {
		var st unix.Stat_t
		if err := unix.Stat(n.path, &st); err != nil {
			continue // it is just going
		}
		fmt.Fprintln(&b, n.path, st.Ino, st.Mode, st.Uid, st.Gid, st.Ctim, n.byID, n.byPath)
	}
	return b.String(), nil
}

// describe opens the node and fills d in. One that cannot be asked is of the kind
// that its name and its place among the nodes of its device suggest.
func (h host) describe(d *Device) (err error) {
	d.Kind = kindByName(d.Name, h.index(d.Path))
	dev, err := h.openDevice(d.Path)
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, dev.close()) }()
	c, err := queryCapability(dev)
	if err != nil {
		return fmt.Errorf("query capability: %w", err)
	}
	d.Kind = c.kind()
	d.Name, d.Driver, d.Bus = text(c.card[:]), text(c.driver[:]), text(c.busInfo[:])
	if c.bufType() == 0 {
		return nil
	}
	var faults [2]error
	d.Formats, faults[0] = describeFormats(dev, c.bufType())
	d.Controls, faults[1] = enumControls(dev)
	return errors.Join(faults[:]...)
}

// Busy says whether another program has the camera's buffers and thus streams, or is
// about to: who asks for no buffers gets them unless they are somebody else's.
func Busy(path string) (bool, error) { return systemHost(Roots{}).busy(path) }

func (h host) busy(path string) (busy bool, err error) {
	dev, err := h.openDevice(path)
	if err != nil {
		return errors.Is(err, capture.ErrBusy), err
	}
	defer func() { err = errors.Join(err, dev.close()) }()
	c, err := queryCapability(dev)
	if err != nil {
		return false, err
	}
	_, err = (&buffers{device: dev, typ: c.bufType()}).request(0)
	if errors.Is(err, capture.ErrBusy) {
		return true, nil
	}
	return false, err
}

func describeFormats(dev device, bufType uint32) ([]FormatInfo, error) {
	formats, err := enumFormats(dev, bufType)
	if err != nil {
		return nil, err
	}
	var list []FormatInfo
	for _, f := range formats {
		info := FormatInfo{Code: capture.PixelFormat(f.pixelformat).String(), Description: text(f.description[:])}
		if p := logical(f.pixelformat); p.Layout() == nil {
			info.Note = "cannot be preprocessed: " + p.Unreadable()
		}
		modes, err := offers(dev, f.pixelformat, capture.Request{})
		if err != nil {
			return list, err
		}
		for _, m := range modes {
			info.add(m)
		}
		list = append(list, info)
	}
	return list, nil
}

// add appends a mode; those of one size come one after the other.
func (f *FormatInfo) add(m offer) {
	if n := len(f.Sizes); n == 0 || f.Sizes[n-1].Width != m.Width || f.Sizes[n-1].Height != m.Height {
		f.Sizes = append(f.Sizes, SizeInfo{Width: m.Width, Height: m.Height})
	}
	if s := &f.Sizes[len(f.Sizes)-1]; m.Rate > 0 {
		s.Rates = append(s.Rates, m.Rate)
	}
}

// identity is the most lasting selector: by-id, unless another camera has the
// same model and serial number, because then they share the link and udev
// gives it to one of them; else the socket, else the name, else the file.
func identity(d Device, all []Device) Selector {
	twins := func(same func(o Device) bool) bool {
		return slices.ContainsFunc(all, func(o Device) bool { return o.Path != d.Path && same(o) })
	}
	switch {
	case len(d.ByID) > 0 && !twins(func(o Device) bool {
		return o.Name == d.Name && o.Serial == d.Serial && o.Bus != d.Bus || slices.Contains(o.ByID, d.ByID[0])
	}):
		return Selector{ByID: d.ByID[0]}
	case len(d.ByPath) > 0:
		return Selector{ByPath: d.ByPath[0]}
	case d.Name != "" && !strings.ContainsAny(d.Name, `*?[\`) && !twins(func(o Device) bool { return o.Name == d.Name }):
		return Selector{Name: d.Name}
	}
	return Selector{Path: d.Path}
}

// A videoNode is a video device as the file system shows it.
type videoNode struct {
	path         string
	name, serial string
	byID, byPath []string
}

// nodes lists the video devices that are in /sys and in /dev, by number.
func (h host) nodes() ([]videoNode, error) {
	class := filepath.Join(h.sys, "class", "video4linux")
	entries, err := os.ReadDir(class)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil // the driver core is not loaded: no camera yet
	}
	if err != nil {
		return nil, fmt.Errorf("list video devices: %w", err)
	}
	byID, byPath := h.links("by-id"), h.links("by-path")
	var list []videoNode
	for _, e := range entries {
		node := filepath.Join(h.dev, e.Name())
		if _, err := os.Stat(node); err != nil || !strings.HasPrefix(e.Name(), "video") {
			continue
		}
		list = append(list, videoNode{
			path: node, name: attribute(class, e.Name(), "name"), serial: serial(filepath.Join(class, e.Name())),
			byID: byID[e.Name()], byPath: byPath[e.Name()],
		})
	}
	slices.SortFunc(list, func(a, b videoNode) int { return number(a.path) - number(b.path) })
	return list, nil
}

// links lists the links of a directory in /dev/v4l by what they point to.
func (h host) links(dir string) map[string][]string {
	m := map[string][]string{}
	entries, _ := os.ReadDir(filepath.Join(h.dev, "v4l", dir)) // made with the first link
	for _, e := range entries {
		if target, err := os.Readlink(filepath.Join(h.dev, "v4l", dir, e.Name())); err == nil {
			m[filepath.Base(target)] = append(m[filepath.Base(target)], e.Name())
		}
	}
	return m
}

// serial is that of the USB device to which the node's interface belongs.
func serial(class string) string {
	device, err := filepath.EvalSymlinks(filepath.Join(class, "device"))
	if err != nil {
		return ""
	}
	return attribute(filepath.Dir(device), "serial")
}

// attribute reads a file of sysfs, empty if there is none.
func attribute(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// index is the number of a node among those of its device.
func (h host) index(node string) int {
	i, _ := strconv.Atoi(attribute(h.sys, "class", "video4linux", filepath.Base(node), "index"))
	return i
}

func number(node string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(filepath.Base(node), "video"))
	return n
}
