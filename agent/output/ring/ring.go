// Package ring is the main way out of the agent: a ring of frames in shared
// memory, and a socket that tells local consumers of each new one.
//
// What enters: preprocessed images, best of all in the memory that Lend gave,
// which is the shared memory itself. What leaves: a read-only descriptor of
// that memory, a description and one small message a frame, to any number of
// processes, in the protocol of PROTOCOL.md. It never waits for a consumer,
// never trusts one and never logs.
//
// With a [Store] the ring outlives its process: the memory and the connections
// are kept there, and the next process goes on with them after it has checked
// that they are its own. The socket in the file system is not kept: one that
// nobody serves must refuse, so that a second agent is told from a dead one.
//
// Who connects costs the agent 20 to 30 us, and 66 % of a CPU when a program does it
// in a loop: so arrivals have a fiftieth of one, and wait in the socket's queue
// beyond that. One process may not have all places, or a program that leaks its
// connections would shut out the others. Those that are connected feel neither.
//
// The image size of a ring is fixed. When a camera comes back in another mode
// and the output follows the camera's size, the owner closes the ring and makes
// a new one on the same path: consumers see the connection end, connect again
// and get the new description. A ring that changed under its consumers would
// need every one of them to re-read shapes in mid-flight.
package ring

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// ErrClosed: the ring was closed before.
var ErrClosed = errors.New("ring closed")

// Stats are counters since New, but Consumers, which is now.
type Stats struct {
	Consumers int
	// Published counts frames, those of earlier processes included.
	Published uint64
	// Notified and Missed count messages: delivered to a consumer's socket, and
	// not, because it was full.
	Notified, Missed uint64
	// Refused counts consumers that came when as many as may were connected.
	Refused uint64
}

// A Ring is an [output.Lender]. One goroutine calls Lend and Write; Stats and
// Close may be called from any, Close only when nothing writes to memory that
// Lend gave.
type Ring struct {
	cfg   Config
	store Store
	name  string // in the store
	desc  wire.Description
	print [wire.FingerprintSize]byte
	door  *door.Door
	loop  *door.Loop
	done  chan struct{} // closed when loop has ended

	keeping rate // of the goroutine that serves

	notified, missed, refused atomic.Uint64

	mu        sync.Mutex // guards what follows, never held across anything that blocks
	closed    bool
	leaving   bool // consumers are the store's
	mem       *memory
	published uint64
	writing   bool // the next slot is marked as being written
	consumers []*consumer
	message   [wire.MessageSize]byte
}

var (
	_ output.Sharer   = (*Ring)(nil)
	_ output.Reporter = (*Ring)(nil)
)

// New makes the ring, or takes over the one that the store has, and serves
// consumers until Close. It refuses to take a socket over that another process
// serves.
func New(cfg Config) (*Ring, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	r := &Ring{
		cfg: cfg, store: cfg.Store, name: storeName(&cfg), desc: describe(cfg), done: make(chan struct{}),
	}
	if r.store == nil || len(r.name) > maxStoreName {
		r.store = noStore{}
	}
	if err := r.open(); err != nil {
		return nil, fmt.Errorf("ring: %w", err)
	}
	return r, nil
}

func (r *Ring) open() (err error) {
	// First, for nothing of another process may be touched if one serves the socket.
	if r.door, err = door.Open(r.cfg.Socket, unix.SOCK_SEQPACKET, r.cfg.Mode, r.cfg.Group); err != nil {
		return err
	}
	r.print = fingerprint(r.desc, &r.cfg)
	if r.inherit(); r.mem == nil {
		if r.mem, err = newMemory(r.cfg.Camera+"/"+r.cfg.Spec.Name, &r.desc, r.print); err != nil {
			return errors.Join(err, r.door.Close())
		}
		r.store.Keep(r.name, r.mem.writable)
	}
	if err = r.startServing(); err != nil {
		r.dropAll()
		r.store.Drop(r.name)
		return errors.Join(err, r.door.Close(), r.mem.close())
	}
	return nil
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

// Memory is for a process of ours that writes the images, but no header. It is
// the ring's, until Close.
func (r *Ring) Memory() output.Memory {
	d := r.mem.desc
	return output.Memory{
		FD: r.mem.writable, Data: r.mem.data,
		First: d.FirstSlot + d.HeaderSize, Step: d.SlotSize, Length: d.SlotSize - d.HeaderSize,
	}
}

// beginWrite marks the next slot, unless it is already, and gives its data.
func (r *Ring) beginWrite() []byte {
	slot := r.mem.slot(r.next())
	if !r.writing {
		r.writing = true
		wire.BeginWrite(slot, r.next())
	}
	return slot[wire.DataOffset:][:r.cfg.MaxBytes:r.cfg.MaxBytes]
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

		CameraWidth: uint32(img.CameraWidth), CameraHeight: uint32(img.CameraHeight),
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

// Report implements [output.Reporter].
func (r *Ring) Report() output.Report {
	s := r.Stats()
	return output.Report{Kind: "ring", Address: r.cfg.Socket, Consumers: s.Consumers, Delivered: s.Notified, Missed: s.Missed}
}

// Close hangs up on every consumer, removes the socket and gives the memory
// back; frames that consumers have mapped stay as they are.
func (r *Ring) Close() error { return r.end(false) }

// Leave is Close at the end of the process: the consumers stay connected to what
// the store has, for the next process to go on with.
func (r *Ring) Leave() error { return r.end(true) }

func (r *Ring) end(leaving bool) error {
	r.mu.Lock()
	already := r.closed
	r.closed, r.leaving = true, leaving || r.leaving
	r.mu.Unlock()
	if already {
		return nil
	}
	err := r.stopServing()
	if !leaving {
		r.store.Drop(r.name)
	}
	return errors.Join(err, r.door.Close(), r.mem.close())
}
