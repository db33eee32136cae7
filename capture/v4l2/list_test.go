package v4l2

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A fakeNode is a node of a fixture tree.
type fakeNode struct {
	name, index, usb, serial string // usb is the device in sysfs: 1-1
	byID, byPath             []string
	open                     func() (device, error)
}

// machine makes /dev and /sys of video nodes, and what opening them gives.
func machine(t *testing.T, nodes map[string]fakeNode) host {
	t.Helper()
	root := t.TempDir()
	h := host{dev: filepath.Join(root, "dev"), sys: filepath.Join(root, "sys")}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	put := func(text string, elem ...string) {
		p := filepath.Join(elem...)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		must(os.WriteFile(p, []byte(text), 0o644))
	}
	link := func(target string, elem ...string) {
		p := filepath.Join(elem...)
		must(os.MkdirAll(filepath.Dir(p), 0o755))
		must(os.Symlink(target, p))
	}
	put("", h.sys, "class", "video4linux", "v4l-subdev0", "name")
	for node, n := range nodes {
		class := filepath.Join(h.sys, "class", "video4linux", node)
		put("", h.dev, node)
		put(n.name+"\n", class, "name")
		put(n.index+"\n", class, "index")
		if n.usb != "" {
			usb := filepath.Join(h.sys, "devices", n.usb)
			put("", usb, n.usb+":1.0", "uevent")
			link(filepath.Join(usb, n.usb+":1.0"), class, "device")
			if n.serial != "" {
				put(n.serial+"\n", usb, "serial")
			}
		}
		for _, l := range n.byID {
			link("../../"+node, h.dev, "v4l", "by-id", l)
		}
		for _, l := range n.byPath {
			link("../../"+node, h.dev, "v4l", "by-path", l)
		}
	}
	h.openNode = func(path string) (device, error) { return nodes[filepath.Base(path)].open() }
	return h
}

// fresh opens a new fake camera each time.
func fresh(t *testing.T, change func(*kernel)) func() (device, error) {
	return func() (device, error) {
		k := newKernel(t, capture.YUYV, h264)
		k.controls = webcamControls()
		change(k)
		return k, nil
	}
}

func camera1(*kernel)    {}
func metadata(k *kernel) { k.caps = 0x00800000 | capStreaming }
func refused(e unix.Errno) func() (device, error) {
	return func() (device, error) { return nil, e }
}

func twoWebcams(t *testing.T) host {
	return machine(t, map[string]fakeNode{
		"video0": {"HD Cam: HD Cam", "0", "1-1", "SN1", []string{"usb-ACME_HD_Cam_SN1-video-index0"}, []string{"pci-usb-0:1:1.0-video-index0", "pci-usbv2-0:1:1.0-video-index0"}, fresh(t, camera1)},
		"video1": {"HD Cam: HD Cam", "1", "1-1", "SN1", []string{"usb-ACME_HD_Cam_SN1-video-index1"}, nil, fresh(t, metadata)},
		"video2": {"Other/Cam", "0", "1-2", "", nil, []string{"pci-usb-0:2:1.0-video-index0"}, fresh(t, func(k *kernel) {
			k.always[vidiocSFmt] = unix.EBUSY // somebody streams from it
		})},
		"video10": {"Locked", "0", "", "", nil, nil, refused(unix.EACCES)},
		"video11": {"Locked", "1", "", "", nil, nil, refused(unix.EACCES)},
	})
}

func TestListDescribesCamerasOnly(t *testing.T) {
	h := twoWebcams(t)
	list, err := h.list()
	if err != nil || len(list) != 3 {
		t.Fatalf("%d cameras, %v", len(list), err)
	}
	d := list[0]
	if d.Name != "Fake Camera" || d.Driver != "fake" || d.Bus != "usb-1" || d.Serial != "SN1" || len(d.ByID) != 1 || len(d.ByPath) != 2 || d.Err != nil {
		t.Errorf("%+v", d)
	}
	if len(d.Formats) != 2 || d.Formats[0].Code != "YUYV" || d.Formats[0].Note != "" || !strings.HasSuffix(d.Formats[1].Note, "a video stream, not pictures") {
		t.Errorf("formats %+v", d.Formats)
	}
	if s := d.Formats[0].Sizes; len(s) != 1 || s[0].Width != 64 || s[0].Height != 48 || len(s[0].Rates) != 1 || s[0].Rates[0] != 30 {
		t.Errorf("sizes %+v", s)
	}
	if len(d.Controls) != 6 || d.Controls[0].Name != "auto_exposure" || len(d.Controls[0].Menu) != 2 || d.Controls[0].Value != 3 || !d.Controls[1].Inactive {
		t.Errorf("controls %+v", d.Controls)
	}
	if list[1].Path != filepath.Join(h.dev, "video2") || list[1].Err != nil {
		t.Errorf("a busy camera: %+v", list[1])
	}
	if list[2].Path != filepath.Join(h.dev, "video10") || !errors.Is(list[2].Err, capture.ErrPermission) {
		t.Errorf("a camera that is not permitted: %+v", list[2])
	}
	for i, want := range []Selector{
		{ByID: "usb-ACME_HD_Cam_SN1-video-index0"}, {ByPath: "pci-usb-0:2:1.0-video-index0"}, {Name: "Locked"},
	} {
		if list[i].Identity != want {
			t.Errorf("identity of %s is %v, want %v", list[i].Path, list[i].Identity, want)
		}
	}
	b, err := json.Marshal(d.Controls[0])
	if want := `{"name":"auto_exposure","type":"menu","min":0,"max":3,"step":1,"default":0,"value":3,"menu":[{"index":1,"name":"Manual Mode"},{"index":3,"name":"Aperture Priority Mode"}]}`; err != nil || string(b) != want {
		t.Errorf("JSON %s, %v", b, err)
	}
}

func TestTwinsAreToldApartByTheirSockets(t *testing.T) {
	a := Device{Path: "/dev/video0", Name: "Cam", Bus: "usb-1", ByID: []string{"usb-Cam-video-index0"}, ByPath: []string{"port1"}}
	b := Device{Path: "/dev/video2", Name: "Cam", Bus: "usb-2", ByPath: []string{"port2"}}
	all := []Device{a, b}
	if got := identity(a, all); got != (Selector{ByPath: "port1"}) {
		t.Errorf("got %v: udev gives the link to either", got)
	}
	a.ByPath, b.ByPath = nil, nil
	if got := identity(a, []Device{a, b}); got != (Selector{Path: "/dev/video0"}) {
		t.Errorf("got %v for twins without sockets", got)
	}
}

func TestSelectorsFindTheirCamera(t *testing.T) {
	h := twoWebcams(t)
	for want, list := range map[string][]Selector{
		"video0": {
			{ByID: "usb-ACME_HD_Cam_SN1-video-index0"}, {ByID: "/dev/v4l/by-id/usb-ACME_HD_Cam_SN1-video-index0"},
			{ByPath: "pci-usbv2-0:1:1.0-video-index0"}, {Serial: "SN1"}, {Name: "HD Cam*"}, {Path: filepath.Join(h.dev, "video0")},
		},
		"video2": {{Name: "Other/Cam"}, {Name: "Other*"}, {Name: "*/C?m"}},
	} {
		for _, s := range list {
			got, err := h.resolve(s)
			if err != nil || filepath.Base(got) != want {
				t.Errorf("%v leads to %s (%v), want %s", s, got, err, want)
			}
		}
	}
}

func TestSelectorsThatFindNoneOrSeveralSaySo(t *testing.T) {
	h := twoWebcams(t)
	for _, s := range []Selector{{ByID: "x"}, {ByPath: "x"}, {Serial: "x"}, {Name: "x*"}, {Path: "/nonexistent/video9"}} {
		_, err := h.resolve(s)
		if !errors.Is(err, capture.ErrNotFound) || !strings.Contains(err.Error(), "video0 (HD Cam: HD Cam)") || strings.Contains(err.Error(), "video1 ") {
			t.Errorf("%v: %v", s, err)
		}
	}
	_, err := h.resolve(Selector{Name: "*"})
	if err == nil || errors.Is(err, capture.ErrNotFound) || !strings.Contains(err.Error(), "video0, ") || !strings.Contains(err.Error(), "video2") {
		t.Errorf("several: %v", err)
	}
	empty := host{dev: t.TempDir(), sys: t.TempDir()}
	if _, err := empty.resolve(Selector{Serial: "x"}); !errors.Is(err, capture.ErrNotFound) || !strings.Contains(err.Error(), "none at all") {
		t.Errorf("no camera at all: %v", err)
	}
	for _, s := range []Selector{{}, {Serial: "a", Path: "b"}, {Name: "["}} {
		if err := s.Check(); err == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

func TestASerialNumberOfOnlyTheLinkIsFound(t *testing.T) {
	h := machine(t, map[string]fakeNode{
		"video4": {"Cam", "0", "", "", []string{"usb-ACME_Cam_A_7-video-index0"}, nil, fresh(t, camera1)},
	})
	if got, err := h.resolve(Selector{Serial: "A_7"}); err != nil || filepath.Base(got) != "video4" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestOpenOfAPathThatIsNoDevice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), Config{Device: Selector{Path: path}})
	if err == nil || !strings.HasPrefix(err.Error(), "open "+path+": ") || !strings.Contains(err.Error(), "not a character device") {
		t.Errorf("got %v", err)
	}
	// A device, but no camera.
	if _, err = Open(t.Context(), Config{Device: Selector{Path: "/dev/null"}}); err == nil || !strings.Contains(err.Error(), "query capability") {
		t.Errorf("got %v", err)
	}
	if _, err = Open(t.Context(), Config{Buffers: 1}); err == nil {
		t.Error("one buffer is taken")
	}
}
