package gst

import (
	"cmp"
	"fmt"
	"io/fs"

	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/preproc"
)

// Config says what a Sink is for. Zero values are the defaults named here.
type Config struct {
	// Socket is the path that clients connect to; its directory is made.
	Socket string
	// Slots is how many images there is memory for, 5 to 64; 8 by default. A
	// client may hold fewer than half of them.
	Slots int
	// Camera and Spec.Name are part of the names in /dev/shm.
	Camera string
	Spec   preproc.Spec
	// Width and Height are those of every image, in pixels; Spec's by default.
	Width, Height int
	// MaxBytes is the longest image; Spec.MaxBytes by default.
	MaxBytes int
	// MaxClients is how many may be connected at a time, MaxPerProcess how many
	// from one process; 16 and 4 by default.
	MaxClients, MaxPerProcess int
	// Mode is the socket's permissions; 0660 by default.
	Mode fs.FileMode
	// Group owns the socket and the memory, by number; 0 leaves it to the system.
	Group int

	directory string  // of the memory; tests have another one
	arrivals  float64 // the part of one CPU for who comes; likewise
	peer      func(fd int) int
}

// arrivals is what the ring allows as well: a program that connects in a loop took
// 40 % of a CPU on a busy machine.
const arrivals = 0.02

// maxBytes keeps the size of a slot from overflowing.
const maxBytes = 1 << 32

func (c Config) withDefaults() (Config, error) {
	c.Slots = cmp.Or(c.Slots, 8)
	c.MaxClients, c.MaxPerProcess = cmp.Or(c.MaxClients, 16), cmp.Or(c.MaxPerProcess, 4)
	c.Width = cmp.Or(c.Width, c.Spec.Width)
	c.Height = cmp.Or(c.Height, c.Spec.Height)
	c.Mode = cmp.Or(c.Mode, 0o660)
	c.directory = cmp.Or(c.directory, directory)
	c.arrivals = cmp.Or(c.arrivals, arrivals)
	if c.peer == nil {
		c.peer = door.Peer
	}
	if c.Width <= 0 || c.Height <= 0 {
		return c, fmt.Errorf("image of %dx%d: both sides must be known", c.Width, c.Height)
	}
	c.MaxBytes = cmp.Or(c.MaxBytes, c.Spec.MaxBytes(c.Width, c.Height))
	if c.MaxBytes < 1 || c.MaxBytes > maxBytes {
		return c, fmt.Errorf("slots of %d bytes: 1 to %d are allowed", c.MaxBytes, maxBytes)
	}
	if c.Slots < 5 || c.Slots > 64 {
		return c, fmt.Errorf("%d slots: 5 to 64 are allowed", c.Slots)
	}
	return c, Check(&c.Spec)
}

// hold is how many slots a process may have at a time. Two that are stuck leave
// one to write to, at the least.
func (c *Config) hold() int { return (c.Slots - 1) / 2 }
