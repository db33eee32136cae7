// Package gst is the way out to GStreamer: a socket and shared memory that stock
// shmsrc reads, as if the agent were a shmsink.
//
// What enters: preprocessed images that GStreamer has caps for. What leaves:
// buffers, to any number of pipelines up to a limit, each in shared memory that
// they may read and not write. It never waits for a client, never trusts one and
// never logs. Nothing is made while nobody is connected.
//
// # Whose memory it is
//
// A client has each buffer until it says that it is done (ACK_BUFFER). Unlike
// shmsink, which waits or grows, a Sink has a fixed number of slots, each with
// memory of its own, reserved at the start:
//
//   - A frame is written to a slot that nobody holds, and sent to all clients.
//   - A client may hold fewer than half of the slots: 3 of 8. One that holds as
//     many gets no frame until it gives one back, which counts as missed for it
//     alone: a slow client gets fewer frames, none of them older than three. It
//     takes two to be sent anything at all, as most sinks keep the last buffer
//     until they have another one, and three with an element like videorate.
//   - What the clients of one process hold counts together, since one that is
//     hostile may connect as often as it likes, and again when it was hung up on:
//     a pipeline that is stuck costs those beside it in its own process.
//   - So one process that is stuck, or two, cost the others nothing. With more of
//     them there may be no slot left. Then whoever holds the frame that is held for
//     the longest is hung up on, if that is for more than a second; before, the
//     frame is missed by all.
//   - A client that was hung up on may go on to read. Its slots are not written
//     to: they get new memory, under a new name, which the others hear of before
//     the next buffer in it. The old memory is emptied: what it held is given
//     back to the system, and a client that wakes up from a long sleep sees black,
//     and then the end of the connection, but no frame that is half another one.
//   - Who leaves, dies or breaks the protocol holds nothing any more. (shmsrc
//     closes its connection after its last buffer was freed.)
//
// Who connects without end gets a fiftieth of a CPU, and waits beyond that.
//
// A client tells which buffer it is done with by the offset alone (see wire.go):
// each slot has its own, 64 bytes after the one before.
//
// The names of the memory can be seen in /dev/shm and end with 64 random bits,
// because everybody may make files there. Those that a killed agent left are
// deleted by the next one at the same socket.
package gst

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/door"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// ErrClosed: the output was closed before.
var ErrClosed = errors.New("gst-shm closed")

// Stats are counters since New, but Clients, which is now.
type Stats struct {
	Clients int
	// Sent and Missed count buffers, by client.
	Sent, Missed uint64
	// Refused counts clients that came when MaxClients were connected, or
	// MaxPerProcess of their process, HungUp those that held buffers too long,
	// Broken those that broke the protocol.
	Refused, HungUp, Broken uint64
	// Err is why slots that were taken from a client have no new memory.
	Err error
}

// A Sink is an [output.Lender]. One goroutine calls Lend and Write; Wanted,
// Stats, Report, Err and Close may be called from any, Close only when nothing
// writes to memory that Lend gave.
type Sink struct {
	cfg     Config
	picture picture
	names   names
	door    *door.Door
	loop    *door.Loop
	done    chan struct{} // closed when loop has ended
	now     func() time.Duration
	present atomic.Int32 // clients

	mu      sync.Mutex // guards what follows, never held across anything that blocks
	closed  bool
	slots   []slot
	lent    int    // the slot that Lend gave, or -1
	spare   []byte // what Lend gives when no slot will do
	clients []*client
	former  []*client // those that left
	nextID  uint32
	stats   Stats
	command []byte // what is sent, with room for the longest
}

var (
	_ output.Lender   = (*Sink)(nil)
	_ output.Lazy     = (*Sink)(nil)
	_ output.Ailing   = (*Sink)(nil)
	_ output.Reporter = (*Sink)(nil)
)

// New reserves the memory and serves clients until Close. It refuses to take a
// socket over that another process serves.
func New(cfg Config) (*Sink, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("gst-shm: %w", err)
	}
	s := &Sink{
		cfg: cfg, picture: pictureOf(&cfg.Spec, cfg.Width, cfg.Height),
		done: make(chan struct{}), now: capture.Monotonic, lent: -1,
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("gst-shm: %w", err)
	}
	return s, nil
}

func (s *Sink) open() (err error) {
	// First, for nothing of another process may be touched if one serves the socket.
	if s.door, err = door.Open(s.cfg.Socket, unix.SOCK_STREAM, s.cfg.Mode, s.cfg.Group); err != nil {
		return err
	}
	if s.names, err = namesOf(s.cfg.directory, s.cfg.Socket, s.cfg.Camera, s.cfg.Spec.Name); err == nil {
		err = errors.Join(s.names.clear(), s.reserve())
	}
	if err == nil {
		err = s.startServing()
	}
	if err != nil {
		return errors.Join(err, s.closeSlots(), s.door.Close())
	}
	return nil
}

// Wanted implements [output.Lazy]: somebody is connected.
func (s *Sink) Wanted() bool { return s.present.Load() > 0 }

// Lend gives memory for the next image, MaxBytes long. It is valid until the
// next Write, Lend or Close. After Close it gives nil.
func (s *Sink) Lend() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.lent = -1
	if !s.picture.padded() {
		s.lent = s.free()
	}
	if s.lent >= 0 {
		return s.slots[s.lent].buffer(s.cfg.MaxBytes)
	}
	if s.spare == nil {
		s.spare = make([]byte, s.cfg.MaxBytes)
	}
	return s.spare
}

// Write sends img to the clients that have room for it. Data is copied only if
// it is not what Lend gave. An image that does not fit the output is refused.
func (s *Sink) Write(_ context.Context, img *preproc.Image) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.check(img); err != nil {
		return err
	}
	if len(s.clients) == 0 {
		return nil
	}
	i := s.place(img)
	if i < 0 {
		s.stats.Missed += uint64(len(s.clients))
		s.makeRoom()
		return nil
	}
	s.send(i, s.picture.bytes(len(img.Data)))
	return nil
}

func (s *Sink) check(img *preproc.Image) error {
	c := &s.cfg
	switch {
	case img.Width != c.Width || img.Height != c.Height:
		return fmt.Errorf("write to gst-shm: image of %dx%d: this output has %dx%d", img.Width, img.Height, c.Width, c.Height)
	case c.Spec.Encode == preproc.Raw && len(img.Data) != c.MaxBytes:
		return fmt.Errorf("write to gst-shm: %d bytes: the image has %d", len(img.Data), c.MaxBytes)
	case len(img.Data) == 0 || len(img.Data) > c.MaxBytes:
		return fmt.Errorf("write to gst-shm: %d bytes: 1 to %d fit into a slot", len(img.Data), c.MaxBytes)
	}
	return nil
}

// place puts the image into a slot, where it may be already. It is -1 when no
// slot is free.
func (s *Sink) place(img *preproc.Image) int {
	i := s.lent
	s.lent = -1
	if i >= 0 && unsafe.SliceData(img.Data) == unsafe.SliceData(s.slots[i].buffer(1)) {
		return i
	}
	if i = s.free(); i >= 0 {
		s.picture.store(s.slots[i].data[s.slots[i].offset:], img.Data)
	}
	return i
}

// Stats may be called from any goroutine.
func (s *Sink) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Clients = len(s.clients)
	return stats
}

// Err is why there is no memory for slots that were taken from a client.
func (s *Sink) Err() error { return s.Stats().Err }

// Report implements [output.Reporter].
func (s *Sink) Report() output.Report {
	st := s.Stats()
	return output.Report{Kind: "gst-shm", Address: s.cfg.Socket, Consumers: st.Clients, Delivered: st.Sent, Missed: st.Missed, Err: st.Err}
}

// Close hangs up on every client, removes the socket and gives the memory back;
// what clients have mapped stays as it is.
func (s *Sink) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	s.loop.Wake()
	<-s.done
	return errors.Join(s.loop.Close(), s.door.Close(), s.closeSlots())
}
