package survey

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
)

// raspberry is the survey of the fixture, when the nodes of whose busy says so stream.
func raspberry(t *testing.T, m machine, busy ...string) *Survey {
	t.Helper()
	return m.survey([]v4l2.Device{
		m.node("video0", "HD Pro Webcam C920", v4l2.KindCamera, "MJPG", size(1280, 720, 30, 15), size(1920, 1080, 30)),
		m.node("video2", "4K\x1b[31m Camera", v4l2.KindCamera, "YUYV", size(640, 480, 30), size(3840, 2160, 1)),
		{Path: m.dev + "/video4", Name: "unicam", Driver: "unicam", Kind: v4l2.KindPipeline},
		{Path: m.dev + "/video10", Name: "bcm2835-codec-decode", Driver: "bcm2835-codec", Kind: v4l2.KindCodec},
		{Path: m.dev + "/video14", Name: "bcm2835-isp", Driver: "bcm2835-isp", Kind: v4l2.KindISP},
	}, func(path string) (bool, error) { return strings.Contains(strings.Join(busy, " "), base(path)), nil })
}

func TestARaspberryPiWithTwoCamerasOnOneBus(t *testing.T) {
	s := raspberry(t, tree(t, "raspberry-pi-4.txt"))
	if len(s.Cameras) != 2 || len(s.Others) != 3 {
		t.Fatalf("%d cameras, %d others", len(s.Cameras), len(s.Others))
	}
	webcam, fourK := s.Cameras[0], s.Cameras[1]
	u := webcam.USB
	if u == nil || u.Bus != 1 || u.Port != "1-1.2" || u.Mbit != 480 || u.Version != "2.00" || u.SuperSpeed || !u.Autosuspend || u.Hub != "USB2.0 Hub (1-1)" {
		t.Fatalf("USB %+v", u)
	}
	if len(u.Shares) != 2 || u.Shares[0] != (Peer{"1-1.3", "046d:c31c", 1.5, false}) || u.Shares[1] != (Peer{"1-1.4", "ACME 4K Camera", 480, true}) {
		t.Errorf("it shares the bus with %+v", u.Shares)
	}
	has(t, webcam.Problems, ProblemUSBShared, "USB bus 1", "1-1.4", "ENOSPC", "MJPG")
	hasNot(t, webcam.Problems, ProblemUSBSlow)
	has(t, fourK.Problems, ProblemUSBSlow, "a USB 3 camera", "480 Mbit/s", "blue")
	if fourK.USB.Autosuspend {
		t.Error("power/control of on is taken for auto")
	}
	if strings.Contains(fourK.Name, "\x1b") {
		t.Errorf("a camera writes to the terminal: %q", fourK.Name)
	}
	if got := webcam.Mode.String(); got != "MJPG 1280x720 30/s" {
		t.Errorf("begins with %s", got)
	}
	if got := fourK.Largest().String(); got != "YUYV 3840x2160 1/s" {
		t.Errorf("the largest is %s", got)
	}
	has(t, s.Problems, ProblemPipeline, "video4 (unicam)", "libcamera", "v4l2loopback")
	for i, want := range []string{"libcamera", "codec", "image signal processor"} {
		if !strings.Contains(s.Others[i].What, want) {
			t.Errorf("%s: %s, want %s", s.Others[i].Path, s.Others[i].What, want)
		}
	}
}

func TestWhoHoldsACameraIsNamed(t *testing.T) {
	m := tree(t, "raspberry-pi-4.txt")
	s := raspberry(t, m)
	if c := s.Cameras[0]; c.State != OK || len(c.Holders) != 1 || c.Holders[0] != (Holder{PID: 812, Command: "ffmpeg", User: "pi"}) {
		t.Errorf("open, not streaming: %s, %+v", c.State, c.Holders)
	}
	has(t, s.Cameras[0].Problems, ProblemOpen, "ffmpeg", "does not stream")

	s = raspberry(t, m, "video0", "video2")
	if c := s.Cameras[0]; c.State != Busy {
		t.Errorf("state %s", c.State)
	}
	has(t, s.Cameras[0].Problems, ProblemBusy, "ffmpeg (PID 812, user pi)", "kill 812")
	has(t, s.Cameras[1].Problems, ProblemBusy, "the agent (PID 900, user edge-agent)")

	s.Held(m.dev+"/video2", "front", "publishing YUYV 640x480 at 30/s")
	has(t, s.Cameras[1].Problems, ProblemBusy, "the agent (PID 900, user edge-agent) has it as front: publishing YUYV")
	if h := s.Cameras[1].Holders; len(h) != 1 || h[0].Camera != "front" {
		t.Errorf("holders %+v", h)
	}

	m.proc = t.TempDir() // as who is not root sees it
	m.users.uid = 1000
	s = raspberry(t, m, "video0")
	has(t, s.Cameras[0].Problems, ProblemBusy, "sudo agent devices")
	s.Held(m.dev+"/video0", "front", "publishing")
	has(t, s.Cameras[0].Problems, ProblemBusy, "the agent has it as front: publishing")
	s.Held(m.dev+"/video9", "back", "publishing") // somebody else's
	m.users.uid = 0
	has(t, raspberry(t, m, "video0").Cameras[0].Problems, ProblemBusy, "another container")
}

func TestAJetsonsSensorAndCamerasWithoutNode(t *testing.T) {
	m := tree(t, "jetson-orin-nano.txt")
	s := m.survey([]v4l2.Device{m.node("video0", "vi-output, imx219 10-0010", v4l2.KindCamera, "RG10", size(1920, 1080, 30))}, free)
	c := s.Cameras[0]
	if c.State != OK || c.USB != nil || c.Mode.String() != "RG10 1920x1080 30/s" {
		t.Errorf("%s, %+v, %v", c.State, c.USB, c.Mode)
	}
	has(t, c.Problems, ProblemRawOnly, "exposure", "v4l2loopback")
	has(t, s.Problems, ProblemNoNode, "video1", "imx219 9-0010", "--device")
	var texts []string
	for _, p := range s.Problems {
		if p.Kind == ProblemNoDriver {
			texts = append(texts, p.Text+" | "+p.Remedy)
		}
	}
	for i, want := range []string{"Cam without driver (1-2.1)", "usbfs", "0bda:5000"} {
		if len(texts) != 3 || !strings.Contains(texts[i], want) {
			t.Errorf("no-driver: %q, want %s", texts, want)
		}
	}
	if !strings.Contains(texts[0], "modprobe uvcvideo") {
		t.Errorf("%s", texts[0])
	}
}

func TestAMachineWithoutAnything(t *testing.T) {
	m := empty(t)
	s := m.survey(nil, free)
	has(t, s.Problems, ProblemNoCamera, "lsusb", "raspi-config")
	b, err := json.Marshal(s)
	if want := `{"cameras":[],"others":[],"problems":[{"kind":"no-camera","blocking":true,"text":`; err != nil || !strings.HasPrefix(string(b), want) {
		t.Errorf("%s, %v", b, err)
	}
	if _, err := Look(Roots{Dev: m.dev, Sys: m.sys, Proc: m.proc}, func(string) {}); err != nil {
		t.Error(err)
	}
}

func TestFormatsThatAreNoPicturesAreNamed(t *testing.T) {
	m := empty(t)
	d := m.node("video0", "IP Cam", v4l2.KindCamera, "H264", size(1280, 720, 30))
	d.Formats[0].Note = "cannot be preprocessed: a video stream, not pictures"
	none := m.node("video1", "No sensor", v4l2.KindCamera, "")
	s := m.survey([]v4l2.Device{d, none}, free)
	for i, words := range []string{"H264", "no sensor"} {
		if c := s.Cameras[i]; c.State != NoPictures || c.Mode != nil || c.Largest() != nil {
			t.Errorf("%s, %v", c.State, c.Mode)
		}
		has(t, s.Cameras[i].Problems, ProblemNoPictures, words)
	}
}

func TestACameraThatFailsSaysHow(t *testing.T) {
	m := empty(t)
	d := m.node("video0", "Cam", v4l2.KindCamera, "")
	d.Err = errors.New("query capability: input/output error")
	s := m.survey([]v4l2.Device{d}, free)
	if s.Cameras[0].State != Failing {
		t.Errorf("state %s", s.Cameras[0].State)
	}
	has(t, s.Cameras[0].Problems, ProblemFailing, "input/output error", "dmesg")
}

func TestWhyACameraMayNotBeOpened(t *testing.T) {
	video := func(o Owner) Owner { o.User, o.Group, o.gid = "root", "video", 44; return o }
	group, closed := video(Owner{perm: 0o660, Mode: "rw-rw----"}), Owner{perm: 0o600, Mode: "rw-------", User: "root", Group: "root"}
	for _, c := range []struct {
		name     string
		uid      int
		process  []int // groups
		login    []int
		owner    Owner
		want     string
		noRemedy bool
	}{
		{"not in the group", 1000, nil, []int{1000}, group, "usermod --append --groups video pi", false},
		{"since a moment", 1000, nil, []int{1000, 44}, group, "log out and in again", false},
		{"no udev", 1000, nil, nil, closed, "udevadm trigger --action=add", false},
		{"a container", 1000, []int{44}, nil, group, "--device", false},
		{"root in a cgroup", 0, nil, nil, group, "DeviceAllow=char-video4linux", false},
	} {
		m := machine{users: users{uid: c.uid, groups: c.process,
			name:     func(uid int) string { return map[int]string{0: "root", 1000: "pi"}[uid] },
			groupsOf: func(string) []int { return c.login }}}
		p := m.refused(&Camera{Device: v4l2.Device{Path: "/dev/video0", Err: capture.ErrPermission}, Owner: c.owner})
		if !strings.Contains(p.Remedy, c.want) || !p.Blocking || p.Kind != ProblemPermission {
			t.Errorf("%s: %+v, want %s", c.name, p, c.want)
		}
	}
}

func TestWhetherTheServiceMayOpenIt(t *testing.T) {
	service := func(groups ...int) machine {
		return machine{users: users{groupsOf: func(name string) []int {
			if name == "edge-agent" {
				return groups
			}
			return nil
		}}}
	}
	video := Owner{User: "root", Group: "video", Mode: "rw-rw----", gid: 44, perm: 0o660}
	plugdev := Owner{User: "root", Group: "plugdev", Mode: "rw-rw----", gid: 46, perm: 0o660}
	closed := Owner{User: "root", Group: "video", Mode: "rw-------", gid: 44, perm: 0o600}
	for _, c := range []struct {
		m    machine
		o    Owner
		want string
	}{
		{service(), plugdev, ""}, // not installed
		{service(995), video, ""},
		{service(995), plugdev, "SupplementaryGroups=video plugdev"},
		{service(995, 46), plugdev, ""},
		{service(995), closed, "udevadm"},
	} {
		p, ok := c.m.service(c.o)
		if ok != (c.want == "") || !strings.Contains(p.Remedy, c.want) {
			t.Errorf("%+v: %+v, want %q", c.o, p, c.want)
		}
	}
}

// A camera of this machine that is somebody's and nobody else's: the real /dev/null.
func TestTheOwnerOfANode(t *testing.T) {
	o := Roots{}.machine().owner(os.DevNull)
	if o.User != "root" || o.Group != "root" || o.Mode != "rw-rw-rw-" {
		t.Errorf("%+v", o)
	}
}

func FuzzBOS(f *testing.F) {
	f.Add([]byte{5, 15, 22, 0, 2, 7, 16, 2, 6, 0, 0, 0, 10, 16, 3, 0, 14, 0, 1, 10, 255, 7})
	f.Add([]byte{5, 15, 12, 0, 1, 7, 16, 2, 6, 0, 0, 0})
	f.Add([]byte{0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) { hasSuperSpeed(b) })
}

func TestOnlySuperSpeedIsTakenForIt(t *testing.T) {
	if hasSuperSpeed([]byte{5, 15, 12, 0, 1, 7, 16, 2, 6, 0, 0, 0}) {
		t.Error("link power management is taken for it")
	}
	if !hasSuperSpeed([]byte{5, 15, 15, 0, 1, 10, 16, 3, 0, 14, 0, 1, 10, 255, 7}) {
		t.Error("it is not found")
	}
}
