package wire

import (
	"fmt"

	"github.com/edge-agent/agent/preproc/lens"
)

// Magic is the value of [Description].Magic.
const Magic = "edge-agent-ring"

// MaxDescription is the most bytes of the first message.
const MaxDescription = 4096

// A Description is the first message that a consumer gets, as JSON; the
// descriptor of the shared memory comes with it. It is true for as long as the
// connection stands.
type Description struct {
	Magic   string `json:"magic"`
	Version int    `json:"version"`
	// Error is why the agent refused; then nothing else is set.
	Error string `json:"error,omitempty"`

	PID    int    `json:"pid"`
	Camera string `json:"camera"`
	Output string `json:"output"`

	// The map of the shared memory, in bytes: Size in all, the first of Slots
	// at FirstSlot, each SlotSize from the one before, its data HeaderSize
	// after its start and at most DataSize long.
	Size        int `json:"size"`
	Slots       int `json:"slots"`
	FirstSlot   int `json:"first_slot"`
	SlotSize    int `json:"slot_size"`
	HeaderSize  int `json:"header_size"`
	DataSize    int `json:"data_size"`
	MessageSize int `json:"message_size"`

	// Encode is "raw" for a tensor, "jpeg" for a file.
	Encode string `json:"encode"`
	// Shape is the tensor's, in the order of Layout ("hwc" or "chw"), always
	// with three axes; nil for a file.
	Shape  []int  `json:"shape,omitempty"`
	DType  string `json:"dtype,omitempty"`  // "uint8", "int8", "float16" or "float32", little-endian
	Layout string `json:"layout,omitempty"` // "hwc" or "chw"
	// Scale is that of a quantised tensor, whose element q stands for
	// Scale * (q - ZeroPoint); 0 for others.
	Scale     float32 `json:"scale,omitempty"`
	ZeroPoint int     `json:"zero_point,omitempty"`
	Color     string  `json:"color"` // "rgb", "bgr" or "gray"
	Width     int     `json:"width"`
	Height    int     `json:"height"`

	// Lens is that of the camera, in pictures of the calibration's size, where
	// frames are undistorted; Version is LensVersion then.
	Lens *lens.Lens `json:"lens,omitempty"`

	// Newest is the generation of the newest frame when the consumer came, 0 if
	// there was none: it gets a message for every one after it.
	Newest uint64 `json:"newest"`
}

// Check says whether a reader of this version can use the ring, whose shared
// memory is size bytes long: nothing in it may point outside.
func (d *Description) Check(size int64) error {
	switch {
	case d.Magic != Magic:
		return fmt.Errorf("magic %q: not an edge-agent ring", d.Magic)
	case d.Version < Version || d.Version > LensVersion:
		return fmt.Errorf("version %d: this reader knows versions %d to %d", d.Version, Version, LensVersion)
	case d.Error != "":
		return fmt.Errorf("refused by the agent: %s", d.Error)
	case d.MessageSize < leastMessage || d.MessageSize > MaxDescription:
		return fmt.Errorf("message_size %d: want %d to %d", d.MessageSize, leastMessage, MaxDescription)
	case d.Lens != nil && d.Lens.Model != lens.Pinhole && d.Lens.Model != lens.Fisheye:
		return fmt.Errorf("lens %q: this reader knows %q and %q", d.Lens.Model, lens.Pinhole, lens.Fisheye)
	}
	return d.checkMap(size)
}

func (d *Description) checkMap(size int64) error {
	const most = 1 << 40 // keeps the products below from overflowing
	for _, n := range []int{d.Size, d.Slots, d.FirstSlot, d.SlotSize, d.HeaderSize, d.DataSize} {
		if n <= 0 || n > most {
			return fmt.Errorf("shared memory: %+v: sizes must be positive", *d)
		}
	}
	switch {
	case d.HeaderSize < leastHeader || d.FirstSlot < leastHeader || d.FirstSlot%8 != 0 || d.SlotSize%8 != 0 || d.HeaderSize%8 != 0:
		return fmt.Errorf("shared memory: header of %d bytes, slots of %d at %d: not aligned",
			d.HeaderSize, d.SlotSize, d.FirstSlot)
	case d.DataSize > d.SlotSize-d.HeaderSize, d.Slots > (d.Size-d.FirstSlot)/d.SlotSize, int64(d.Size) > size:
		return fmt.Errorf("shared memory: %d slots of %d bytes do not fit into %d", d.Slots, d.SlotSize, size)
	}
	return nil
}
