package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// SocketPath is where the ring of an output is found below the runtime
// directory. With names that are valid and /run/agent it stays below the 107
// bytes that a socket's path may have.
func SocketPath(runtimeDir, camera, output string) string {
	return runtimeDir + "/" + camera + "/" + output + ".sock"
}

// GStreamerPath is where shmsrc finds an output, beside its ring.
func GStreamerPath(runtimeDir, camera, output string) string {
	return runtimeDir + "/" + camera + "/" + output + ".gst"
}

// Rate is how many images a second there are in a mode, 0 when that is the
// camera's choice.
func (o *Output) Rate(mode capture.Request) float64 {
	if o.Every > 0 {
		return float64(time.Second) / float64(o.Every)
	}
	return mode.Rate
}

// ValidName says whether a camera or an output may have this name.
func ValidName(name string) bool { return namePattern.MatchString(name) }

// Defaults is the config of an empty file: no camera is named.
func Defaults() *Config {
	c := root.filled()
	return &c
}

// NewCamera is a camera with this device and every default.
func NewCamera(name string, dev Device) Camera {
	c := camera.filled()
	c.Name, c.Device = name, dev
	complete(&c)
	return c
}

// Add gives the config one more camera with every default. Its name is made of
// label, what a person would call it, and differs from the others'.
func (c *Config) Add(label string, dev Device) *Camera {
	name := nameOf(label)
	for i := 2; c.Camera(name) != nil; i++ {
		suffix := fmt.Sprintf("-%d", i)
		base := nameOf(label)
		name = strings.TrimRight(base[:min(len(base), maxName-len(suffix))], "-") + suffix
	}
	c.Cameras = append(c.Cameras, NewCamera(name, dev))
	return &c.Cameras[len(c.Cameras)-1]
}

// AddPattern adds the built-in test pattern, named pattern.
func (c *Config) AddPattern() *Camera { return c.Add("pattern", Device{Pattern: "bars"}) }

// Camera is the camera of that name, or nil.
func (c *Config) Camera(name string) *Camera {
	for i := range c.Cameras {
		if c.Cameras[i].Name == name {
			return &c.Cameras[i]
		}
	}
	return nil
}

const maxName = 32

// nameOf turns a card's name such as "HD Pro Webcam C920" into a valid name.
func nameOf(label string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(label) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	name := b.String()
	name = strings.Trim(name[:min(len(name), maxName)], "-")
	if name == "" {
		return "camera"
	}
	return name
}

// Preview says that output i is for looking at: a JPEG for a ring alone, in a camera
// that has an output which is none. It is the first to go when the device is
// short of something.
func (c *Camera) Preview(i int) bool {
	looksLike := func(o Output) bool {
		return o.Spec.Encode == preproc.JPEG && o.Files == nil && o.Pipe == nil && o.GStreamer == nil && o.Video == nil
	}
	return looksLike(c.Outputs[i]) && slices.ContainsFunc(c.Outputs, func(o Output) bool { return !looksLike(o) })
}
