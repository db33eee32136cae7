package config

import (
	"reflect"
	"slices"
)

// A part is what stands below one key, of a camera or of a config: all that is
// made of it, the contents of files that it names included.
type part[T any] struct {
	key string
	of  func(*T) any
}

var parts = []part[Config]{
	{"isolation", func(c *Config) any { return c.Isolation }},
	{"http", func(c *Config) any { return c.HTTP }},
	{"quarantine", func(c *Config) any { return c.Quarantine }},
	{"limits", func(c *Config) any { return c.Limits }},
	{"log", func(c *Config) any { return c.Log }},
}

// sourceParts are those by which frames come.
var sourceParts = []part[Camera]{
	{"device", func(c *Camera) any { return c.Device }},
	{"mode", func(c *Camera) any { return c.Mode }},
	{"fallback", func(c *Camera) any { return c.Fallback }},
	{"controls", func(c *Camera) any { return c.Controls }},
	{"buffers", func(c *Camera) any { return c.Buffers }},
	{"recovery.stall-after", func(c *Camera) any { return c.StallAfter }},
	{"queue.policy", func(c *Camera) any { return c.Queue.Policy }},
}

// otherParts are those that say what becomes of them.
var otherParts = []part[Camera]{
	{"queue.capacity", func(c *Camera) any { return c.Queue.Capacity }},
	{"preprocess", func(c *Camera) any { return struct{ view, undistort any }{c.View, c.Undistort} }},
	{"quality", func(c *Camera) any { return c.Quality }},
	{"recovery.process-deadline", func(c *Camera) any { return c.ProcessDeadline }},
	{"recovery.usb-reset", func(c *Camera) any { return c.USBReset }},
}

// Diff are the keys in which two configs differ, in the order of the reference and
// without those of cameras.
func Diff(a, b *Config) []string { return differing(parts, a, b) }

// DiffCamera are the keys in which two cameras differ, as they stand below a
// camera's name. An output is one key, such as outputs.model, whichever of the two
// has it.
func DiffCamera(a, b *Camera) []string {
	keys := append(differing(sourceParts, a, b), differing(otherParts, a, b)...)
	for i := range a.Outputs {
		o := &a.Outputs[i]
		if other := b.Output(o.Spec.Name); other == nil || !reflect.DeepEqual(o, other) {
			keys = append(keys, "outputs."+o.Spec.Name)
		}
	}
	for i := range b.Outputs {
		if name := b.Outputs[i].Spec.Name; a.Output(name) == nil {
			keys = append(keys, "outputs."+name)
		}
	}
	if len(keys) == 0 && !slices.EqualFunc(a.Outputs, b.Outputs, func(a, b Output) bool { return a.Spec.Name == b.Spec.Name }) {
		return []string{"outputs"} // their order, which is that of a frame's way
	}
	return keys
}

// SameSource says that frames come from the same device in the same way, whatever
// becomes of them: a source that one of the two has opened does for the other.
func SameSource(a, b *Camera) bool { return len(differing(sourceParts, a, b)) == 0 }

// Output is the output of that name, or nil.
func (c *Camera) Output(name string) *Output {
	for i := range c.Outputs {
		if c.Outputs[i].Spec.Name == name {
			return &c.Outputs[i]
		}
	}
	return nil
}

func differing[T any](parts []part[T], a, b *T) (keys []string) {
	for _, p := range parts {
		if !reflect.DeepEqual(p.of(a), p.of(b)) {
			keys = append(keys, p.key)
		}
	}
	return keys
}
