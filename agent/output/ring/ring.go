// Package ring is the main way out of the agent: a ring of frames in shared
// memory, and a socket that tells local consumers of each new one.
//
// What enters: preprocessed images, best of all in the memory that Lend gave,
// which is the shared memory itself. What leaves: a read-only descriptor of
// that memory, a description and one small message a frame, to any number of
// processes, in the protocol of PROTOCOL.md. It never waits for a consumer,
// never trusts one and never logs.
//
// The image size of a ring is fixed. When a camera comes back in another mode
// and the output follows the camera's size, the owner closes the ring and makes
// a new one on the same path: consumers see the connection end, connect again
// and get the new description. A ring that changed under its consumers would
// need every one of them to re-read shapes in mid-flight.
package ring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// ErrClosed: the ring was closed before.
var ErrClosed = errors.New("ring closed")

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
	Spec   preproc.Spec
	// Width and Height are those of every image, in pixels; Spec's by default.
	Width, Height int
	// MaxBytes is the longest image; Spec.MaxBytes by default.
	MaxBytes int
	// MaxConsumers is how many may be connected at a time; 64 by default.
	MaxConsumers int
	// Mode is the socket's permissions; 0660 by default.
	Mode fs.FileMode
	// Group owns the socket, by number; 0 leaves it to the system.
	Group int
}

// Stats are counters since New, but Consumers, which is now.
type Stats struct {
	Consumers int
	// Published counts frames.
	Published uint64
	// Notified and Missed count messages: delivered to a consumer's socket, and
	// not, because it was full.
	Notified, Missed uint64
	// Refused counts consumers that came when MaxConsumers were connected.
	Refused uint64
}

// A Ring is an [output.Lender]. One goroutine calls Lend and Write; Stats and
// Close may be called from any, Close only when nothing writes to memory that
// Lend gave.
type Ring struct {
	cfg  Config
	desc wire.Description
	door *door
	wake int           // eventfd that ends serve
	done chan struct{} // closed when serve has ended

	notified, missed, refused atomic.Uint64

	mu        sync.Mutex // guards what follows, never held across anything that blocks
	closed    bool
	mem       *memory
	published uint64
	writing   bool // the next slot is marked as being written
	consumers []*consumer
	message   [wire.MessageSize]byte
}

var _ output.Sharer = (*Ring)(nil)

// New makes the ring and serves consumers until Close. It refuses to take a
// socket over that another process serves.
func New(cfg Config) (*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	r := &Ring{cfg: cfg, desc: describe(cfg), done: make(chan struct{})}
	if r.mem, err = newMemory(cfg.Camera+"/"+cfg.Spec.Name, &r.desc); err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	if r.door, err = openDoor(cfg.Socket, cfg.Mode, cfg.Group); err != nil {
		return nil, fmt.Errorf("ring: %w", errors.Join(err, r.mem.close()))
	}
	if err = r.startServing(); err != nil {
		return nil, fmt.Errorf("ring: %w", errors.Join(err, r.door.close(), r.mem.close()))
	}
	return r, nil
}

func (c Config) withDefaults() (Config, error) {
	c.Slots = cmp.Or(c.Slots, 4)
	c.MaxConsumers = cmp.Or(c.MaxConsumers, 64)
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
	}
	return d
}

// Lend gives the memory of the next frame, MaxBytes long, and takes the oldest
// one away from readers. It is valid until the next Write or Close. After Close
// it gives nil.
func (r *Ring) Lend() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	return r.beginWrite()
}

// Memory is what Lend lends from, and a descriptor of it, for a process of ours
// that writes the images. Both are the ring's, until Close.
func (r *Ring) Memory() (fd int, data []byte) { return r.mem.writable, r.mem.data }

// beginWrite marks the next slot, unless it is already, and gives its data.
func (r *Ring) beginWrite() []byte {
	slot := r.mem.slot(r.next())
	if !r.writing {
		r.writing = true
		wire.BeginWrite(slot, r.next())
	}
	return slot[wire.HeaderSize:][:r.cfg.MaxBytes:r.cfg.MaxBytes]
}

// next is the generation of the frame that is to be written.
func (r *Ring) next() uint64 { return wire.Generation(r.published + 1) }

// Write publishes img, sets img.Published and tells every consumer whose
// socket has room. Data is copied only if it is not what Lend gave. An image
// that does not fit the ring's description is refused.
func (r *Ring) Write(_ context.Context, img *preproc.Image) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	if err := r.check(img); err != nil {
		return err
	}
	if data := r.beginWrite(); unsafe.SliceData(data) != unsafe.SliceData(img.Data) {
		copy(data, img.Data)
	}
	r.publish(img)
	r.notify()
	return nil
}

func (r *Ring) check(img *preproc.Image) error {
	c := &r.cfg
	switch {
	case img.Width != c.Width || img.Height != c.Height:
		return fmt.Errorf("write to ring: image of %dx%d: this ring has %dx%d", img.Width, img.Height, c.Width, c.Height)
	case c.Spec.Encode == preproc.Raw && len(img.Data) != c.Spec.MaxBytes(c.Width, c.Height):
		return fmt.Errorf("write to ring: %d bytes: the tensor has %d", len(img.Data), c.Spec.MaxBytes(c.Width, c.Height))
	case len(img.Data) == 0 || len(img.Data) > c.MaxBytes:
		return fmt.Errorf("write to ring: %d bytes: 1 to %d fit into a slot", len(img.Data), c.MaxBytes)
	}
	return nil
}

// publish completes the slot that beginWrite marked, and makes the message.
func (r *Ring) publish(img *preproc.Image) {
	gen := r.next()
	img.Published = capture.Monotonic()
	rec := record(img)
	rec.Slot = uint32(wire.SlotOf(gen, r.cfg.Slots))
	slot := r.mem.slot(gen)
	rec.Put(slot)
	wire.EndWrite(slot, gen)
	wire.SetNewest(r.mem.data, gen)
	wire.PutMessage(r.message[:], gen, &rec)
	r.published++
	r.writing = false
}

func record(img *preproc.Image) wire.Record {
	g := img.Geometry
	return wire.Record{
		Sequence:  img.Sequence,
		Timestamp: int64(img.Timestamp),
		Dequeued:  int64(img.Dequeued),
		Published: int64(img.Published),
		Length:    uint64(len(img.Data)),
		Verdict:   uint32(img.Verdict),
		Width:     uint32(img.Width),
		Height:    uint32(img.Height),
		Geometry:  [6]float64{g.XX, g.XY, g.X0, g.YX, g.YY, g.Y0},
	}
}

// Stats may be called from any goroutine.
func (r *Ring) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Stats{
		Consumers: len(r.consumers), Published: r.published,
		Notified: r.notified.Load(), Missed: r.missed.Load(), Refused: r.refused.Load(),
	}
}

// Close hangs up on every consumer, removes the socket and gives the memory
// back; frames that consumers have mapped stay as they are.
func (r *Ring) Close() error {
	r.mu.Lock()
	already := r.closed
	r.closed = true
	r.mu.Unlock()
	if already {
		return nil
	}
	err := r.stopServing()
	return errors.Join(err, r.door.close(), r.mem.close())
}
