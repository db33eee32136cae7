package ring

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"

	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

const (
	// maxName keeps the description shorter than wire.MaxDescription.
	maxName = 255
	// maxData keeps the sizes of the shared memory from overflowing.
	maxData = 1 << 32
)

// Config says what a ring is for. Zero values are the defaults named here.
type Config struct {
	// Socket is the path that consumers connect to; its directory is made.
	Socket string
	// Slots is how many frames the ring holds, at least 2; 4 by default. A
	// reader may use a frame until Slots-1 newer ones were published.
	Slots int
	// Camera is the name in the description.
	Camera string
	// Lens is the camera's where images are undistorted; else it has no model.
	Lens lens.Lens
	Spec preproc.Spec
	// Width and Height are those of every image, in pixels; Spec's by default.
	Width, Height int
	// MaxBytes is the longest image; Spec.MaxBytes by default.
	MaxBytes int
	// MaxConsumers is how many may be connected at a time; 64 by default.
	MaxConsumers int
	// MaxPerProcess is how many of these one process may have, so that it cannot
	// keep all others out; 16 by default.
	MaxPerProcess int
	// Arrivals is the part of one CPU that may be spent on who comes, so that the
	// frames go on while someone connects without end; 0.02 by default.
	Arrivals float64
	// Mode is the socket's permissions; 0660 by default.
	Mode fs.FileMode
	// Group owns the socket, by number; 0 leaves it to the system.
	Group int
	// Store keeps the ring beyond the process; nil for none.
	Store Store
	// Origin says where frames come from: a ring that the store has of another
	// origin is not gone on with.
	Origin string
}

func (c Config) withDefaults() (Config, error) {
	c.Slots = cmp.Or(c.Slots, 4)
	c.MaxConsumers = cmp.Or(c.MaxConsumers, 64)
	c.MaxPerProcess = cmp.Or(c.MaxPerProcess, 16)
	c.Arrivals = cmp.Or(c.Arrivals, 0.02)
	c.Width = cmp.Or(c.Width, c.Spec.Width)
	c.Height = cmp.Or(c.Height, c.Spec.Height)
	c.Mode = cmp.Or(c.Mode, 0o660)
	if c.Width <= 0 || c.Height <= 0 {
		return c, fmt.Errorf("image of %dx%d: both sides must be known", c.Width, c.Height)
	}
	longest := c.Spec.MaxBytes(c.Width, c.Height)
	c.MaxBytes = cmp.Or(c.MaxBytes, longest)
	if c.Spec.Encode == preproc.Raw && c.MaxBytes < longest {
		return c, fmt.Errorf("slots of %d bytes: the tensor has %d", c.MaxBytes, longest)
	}
	if c.MaxBytes < 1 || c.MaxBytes > maxData {
		return c, fmt.Errorf("slots of %d bytes: 1 to %d are allowed", c.MaxBytes, maxData)
	}
	if len(c.Camera) > maxName || len(c.Spec.Name) > maxName {
		return c, fmt.Errorf("names of %d and %d bytes: %d are allowed", len(c.Camera), len(c.Spec.Name), maxName)
	}
	if c.Slots < 2 || c.Slots > 1024 {
		return c, fmt.Errorf("%d slots: 2 to 1024 are allowed", c.Slots)
	}
	return c, nil
}

func describe(c Config) wire.Description {
	d := wire.Description{
		Magic: wire.Magic, Version: wire.Version,
		PID: os.Getpid(), Camera: c.Camera, Output: c.Spec.Name,
		Slots: c.Slots, DataSize: c.MaxBytes, MessageSize: wire.MessageSize,
		Encode: c.Spec.Encode.String(), Color: c.Spec.Color.String(),
		Width: c.Width, Height: c.Height,
	}
	if c.Spec.Encode == preproc.Raw {
		d.DType, d.Layout = c.Spec.DType.String(), c.Spec.Layout.String()
		d.Shape = c.Spec.Shape(c.Width, c.Height)
		d.Scale, d.ZeroPoint = c.Spec.Scale, c.Spec.ZeroPoint
	}
	if c.Lens.Model != lens.None {
		d.Version, d.Lens = wire.LensVersion, &c.Lens
	}
	layOut(&d)
	return d
}
