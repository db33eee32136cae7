package v4l2

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-agent/agent/capture"
)

// A Port is the USB device that a camera is, as a directory of sysfs. It keeps
// its name for as long as the device is plugged in there.
type Port string

// FindPort finds the USB device that the selector names. Nothing is opened: the
// camera may hang. Not found, or not unique, is an error, and so is a camera
// that is not on USB.
func (s Selector) FindPort(r Roots) (Port, error) { return systemHost(r).findPort(s) }

func (h host) findPort(s Selector) (Port, error) {
	nodes, err := h.nodes()
	if err != nil {
		return "", err
	}
	var ports []Port
	for _, n := range nodes {
		if !n.named(s) {
			continue
		}
		p, err := h.portOf(n)
		if err != nil {
			return "", fmt.Errorf("%v: %w", s, err)
		}
		if !slices.Contains(ports, p) { // a camera may have several nodes
			ports = append(ports, p)
		}
	}
	switch len(ports) {
	case 0:
		return "", fmt.Errorf("%v: %w", s, capture.ErrNotFound)
	case 1:
		return ports[0], nil
	}
	return "", fmt.Errorf("%v is the name of %d USB devices", s, len(ports))
}

// named says whether a node has what the selector asks for, by what the file
// system shows.
func (n videoNode) named(s Selector) bool {
	switch {
	case s.ByID != "":
		return slices.Contains(n.byID, filepath.Base(s.ByID))
	case s.ByPath != "":
		return slices.Contains(n.byPath, filepath.Base(s.ByPath))
	case s.Serial != "":
		return n.hasSerial(s.Serial)
	case s.Name != "":
		return like(s.Name, n.name)
	}
	return n.path == s.Path
}

// portOf is the device of the interface that the node belongs to.
func (h host) portOf(n videoNode) (Port, error) {
	class := filepath.Join(h.sys, "class", "video4linux", filepath.Base(n.path))
	intf, err := filepath.EvalSymlinks(filepath.Join(class, "device"))
	if err != nil {
		return "", fmt.Errorf("find the device of %s: %w", n.path, err)
	}
	p := Port(filepath.Dir(intf))
	if attribute(string(p), "authorized") == "" {
		return "", fmt.Errorf("%s is not on USB", n.path)
	}
	return p, nil
}

// Forget makes the kernel let go of the device as if it had been unplugged,
// with all its interfaces, a microphone too. It blocks for as long as their
// drivers do.
func (p Port) Forget() error { return p.authorize("0") }

// Welcome makes the kernel find the device again as if it had been plugged in.
// It does nothing to one that was not forgotten.
func (p Port) Welcome() error { return p.authorize("1") }

func (p Port) authorize(value string) error {
	if err := os.WriteFile(filepath.Join(string(p), "authorized"), []byte(value), 0); err != nil {
		if errors.Is(err, os.ErrPermission) || strings.Contains(err.Error(), "read-only") {
			return fmt.Errorf("%w; see USB RESET in agent(8) for the permission it needs", err)
		}
		return err
	}
	return nil
}
