package v4l2

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// authorizable gives the USB devices of a fixture the attribute that real ones have.
func authorizable(t *testing.T, h host, devices ...string) {
	t.Helper()
	for _, d := range devices {
		if err := os.WriteFile(filepath.Join(h.sys, "devices", d, "authorized"), []byte("1\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// No node is opened, whatever the selector: opening one may hang.
func TestPortIsThatOfTheNamedCamera(t *testing.T) {
	h := twoWebcams(t)
	authorizable(t, h, "1-1", "1-2")
	h.openNode = func(path string) (device, error) {
		t.Errorf("%s was opened", path)
		return nil, unix.EIO
	}
	for _, test := range []struct {
		selector Selector
		want     string
	}{
		{Selector{ByID: "usb-ACME_HD_Cam_SN1-video-index0"}, "1-1"},
		{Selector{ByPath: "pci-usb-0:2:1.0-video-index0"}, "1-2"},
		{Selector{Serial: "SN1"}, "1-1"}, // of two nodes of one camera
		{Selector{Name: "Other*"}, "1-2"},
		{Selector{Path: filepath.Join(h.dev, "video2")}, "1-2"},
	} {
		p, err := h.findPort(test.selector)
		if err != nil || filepath.Base(string(p)) != test.want {
			t.Errorf("%v is at %s (%v), want %s", test.selector, p, err, test.want)
		}
	}
	for text, s := range map[string]Selector{
		"is the name of 2 USB devices": {Name: "*Cam*"}, "no such camera": {Serial: "SN2"}, "find the device of": {Name: "Locked"},
	} {
		if _, err := h.findPort(s); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v: %v, want %s", s, err, text)
		}
	}
	if _, err := h.findPort(Selector{ByID: "x"}); !errors.Is(err, capture.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestPortOfACameraThatIsNotOnUSB(t *testing.T) {
	if _, err := twoWebcams(t).findPort(Selector{Serial: "SN1"}); err == nil || !strings.Contains(err.Error(), "is not on USB") {
		t.Errorf("got %v", err)
	}
}

func TestPortIsForgottenAndWelcome(t *testing.T) {
	h := twoWebcams(t)
	authorizable(t, h, "1-1")
	p, err := h.findPort(Selector{Serial: "SN1"})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		do   func() error
		want string
	}{{p.Forget, "0"}, {p.Welcome, "1"}, {p.Welcome, "1"}} {
		if err := step.do(); err != nil || attribute(string(p), "authorized") != step.want {
			t.Errorf("authorized is %s, want %s: %v", attribute(string(p), "authorized"), step.want, err)
		}
	}
	if err := Port(filepath.Join(h.sys, "devices", "9-9")).Forget(); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
