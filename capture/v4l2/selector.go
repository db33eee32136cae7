package v4l2

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/capture"
)

// A Selector names a camera. Exactly one of its fields is set.
type Selector struct {
	// ByID and ByPath are names of links in /dev/v4l/by-id and by-path. The
	// first names the camera wherever it is plugged in, the second the socket.
	ByID   string `json:"by_id,omitempty"`
	ByPath string `json:"by_path,omitempty"`
	// Serial is the USB serial number.
	Serial string `json:"serial,omitempty"`
	// Name is a pattern for the name of the camera, with * and ?.
	Name string `json:"name,omitempty"`
	// Path is a device file, /dev/video0. The number is given in the order of
	// discovery, so it may name another camera tomorrow.
	Path string `json:"path,omitempty"`
}

// kinds are the fields with their keys in the config file.
func (s Selector) kinds() []struct{ key, value string } {
	return []struct{ key, value string }{
		{"by-id", s.ByID}, {"by-path", s.ByPath}, {"serial", s.Serial}, {"name", s.Name}, {"path", s.Path},
	}
}

func (s Selector) String() string {
	var parts []string
	for _, k := range s.kinds() {
		if k.value != "" {
			parts = append(parts, k.key+" "+k.value)
		}
	}
	return strings.Join(parts, ", ")
}

// Check says what is wrong with a selector, without looking for the camera.
func (s Selector) Check() error {
	n := 0
	for _, k := range s.kinds() {
		if k.value != "" {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("a camera is named by exactly one of by-id, by-path, serial, name and path, not %d of them", n)
	}
	if _, err := path.Match(s.Name, ""); err != nil {
		return fmt.Errorf("name %q is not a pattern: %w", s.Name, err)
	}
	return nil
}

// Roots are where the system's directories are, /dev and /sys if empty.
type Roots struct{ Dev, Sys string }

// A host is a machine with cameras.
type host struct {
	dev, sys string
	openNode func(path string) (device, error)
	now      func() time.Duration
}

func systemHost(r Roots) host {
	return host{cmp.Or(r.Dev, "/dev"), cmp.Or(r.Sys, "/sys"), openNode, capture.Monotonic}
}

// openDevice opens a node, with errors that say what they mean.
func (h host) openDevice(path string) (device, error) {
	d, err := h.openNode(path)
	return d, explain(err)
}

// Resolve finds the device file that a selector names. No match is
// [capture.ErrNotFound], several are an error that names all.
func (s Selector) Resolve(r Roots) (string, error) { return systemHost(r).resolve(s) }

func (h host) resolve(s Selector) (string, error) {
	if err := s.Check(); err != nil {
		return "", err
	}
	switch {
	case s.ByID != "":
		return h.follow(s, "by-id", s.ByID)
	case s.ByPath != "":
		return h.follow(s, "by-path", s.ByPath)
	case s.Path != "":
		if _, err := os.Stat(s.Path); err != nil {
			return "", h.notFound(s)
		}
		return s.Path, nil
	}
	nodes, err := h.nodes()
	if err != nil {
		return "", err
	}
	var found []string
	for _, n := range nodes {
		if h.answers(n, s) {
			found = append(found, n.path)
		}
	}
	switch len(found) {
	case 0:
		return "", h.notFound(s)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%v matches %s; name one of them by-id or by-path", s, strings.Join(found, ", "))
}

// follow finds the node behind a link; the link may be given with its path.
func (h host) follow(s Selector, dir, link string) (string, error) {
	target, err := filepath.EvalSymlinks(filepath.Join(h.dev, "v4l", dir, filepath.Base(link)))
	if errors.Is(err, os.ErrNotExist) {
		return "", h.notFound(s)
	}
	return target, err
}

// notFound names what there is instead. It opens nothing: the look-up of a camera
// that is absent must not hang because another one does.
func (h host) notFound(s Selector) error {
	nodes, err := h.nodes()
	if err != nil {
		return fmt.Errorf("%v: %w", s, err)
	}
	var names []string
	for _, n := range nodes {
		if h.index(n.path) == 0 { // UVC's metadata node is its second
			names = append(names, fmt.Sprintf("%s (%s)", n.path, n.name))
		}
	}
	if names == nil {
		names = []string{"none at all"}
	}
	return fmt.Errorf("%v: %w; there are %s", s, capture.ErrNotFound, strings.Join(names, ", "))
}

// answers says whether a node is the capture node of a camera with the serial
// number or name that s has. Only a node that may be it is opened.
func (h host) answers(n videoNode, s Selector) bool {
	if s.Serial != "" && !n.hasSerial(s.Serial) {
		return false
	}
	if s.Name != "" && !like(s.Name, n.name) {
		return false
	}
	return h.captures(n)
}

func (n videoNode) hasSerial(serial string) bool {
	return n.serial == serial || slices.ContainsFunc(n.byID, func(link string) bool {
		return strings.Contains(link, "_"+serial+"-video-index")
	})
}

// captures says whether a node is a camera, as far as it lets itself be asked:
// one that is busy or not permitted says so when it is opened again.
func (h host) captures(n videoNode) bool {
	d, err := h.openDevice(n.path)
	if err != nil {
		return h.index(n.path) == 0
	}
	c, err := queryCapability(d)
	return errors.Join(err, d.close()) == nil && c.bufType() != 0
}

// like matches a name with a pattern. path.Match would stop at slashes, which
// names of cameras may have.
func like(pattern, name string) bool {
	noSlash := strings.NewReplacer("/", "\x01")
	ok, err := path.Match(noSlash.Replace(pattern), noSlash.Replace(name))
	return err == nil && ok
}
