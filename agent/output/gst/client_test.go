package gst

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

var pixels = preproc.Spec{Name: "video", Width: 64, Height: 32}

// open makes a Sink on a new path; change may be nil.
func open(t testing.TB, change func(*Config)) *Sink {
	t.Helper()
	// Each client is a process of its own, as it were.
	cfg := Config{Socket: filepath.Join(t.TempDir(), "s"), Camera: "front", Spec: pixels, peer: func(int) int { return 0 }}
	if change != nil {
		change(&cfg)
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// frame is a picture of which every byte tells which one it is: two frames with
// less than 250 others between them have no equal byte in the same place.
func frame(n, size int) []byte {
	once.Do(func() {
		ramp = make([]byte, 2<<20)
		for i := range ramp {
			ramp[i] = byte(i%250) + 1
		}
	})
	return bytes.Clone(ramp[n%250:][:size])
}

var (
	ramp []byte
	once sync.Once
)

func write(t testing.TB, s *Sink, data []byte) {
	t.Helper()
	c := s.cfg
	img := &preproc.Image{Spec: &c.Spec, Data: data, Width: c.Width, Height: c.Height}
	if err := s.Write(context.Background(), img); err != nil {
		t.Fatal(err)
	}
}

// A client speaks the protocol as shmsrc does, from the other side.
type peer struct {
	t     testing.TB
	s     *Sink
	known *client // what the Sink has of it; nil if it was refused
	fd    int
	areas map[uint32][]byte
	last  uint32 // area that it heard of
	in    [commandSize]byte
	out   []byte
}

// connect waits until the Sink knows the client.
func connect(t testing.TB, s *Sink) *peer {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, s: s, fd: fd, areas: map[uint32][]byte{}}
	before := s.Stats()
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: s.cfg.Socket}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	eventually(t, "the client is in", func() bool {
		now := s.Stats()
		return now.Clients > before.Clients || now.Refused > before.Refused
	})
	if s.mu.Lock(); len(s.clients) > before.Clients {
		p.known = s.clients[before.Clients]
	}
	s.mu.Unlock()
	return p
}

func (p *peer) close() {
	if p.fd >= 0 {
		unix.Close(p.fd)
	}
	p.fd = -1
	for _, a := range p.areas {
		unix.Munmap(a)
	}
	clear(p.areas)
}

// receive gives the next buffer, where it lies, and what to acknowledge.
func (p *peer) receive() (data []byte, offset uint64, err error) {
	for {
		if err := p.read(p.in[:]); err != nil {
			return nil, 0, err
		}
		typ, id := native.Uint32(p.in[:]), native.Uint32(p.in[4:])
		first, second := native.Uint64(p.in[8:]), native.Uint64(p.in[16:])
		switch typ {
		case newArea:
			p.open(id, int(first), int(uint32(second)))
		case closeArea:
			if err := unix.Munmap(p.areas[id]); err != nil {
				p.t.Fatal(err)
			}
			delete(p.areas, id)
		case newBuffer:
			return p.areas[id][first:][:second], first, nil
		default:
			p.t.Fatalf("command %d", typ)
		}
	}
}

func (p *peer) open(id uint32, size, length int) {
	name := make([]byte, length)
	if err := p.read(name); err != nil {
		p.t.Fatal(err)
	}
	if name[0] != '/' || name[length-1] != 0 {
		p.t.Fatalf("name %q", name)
	}
	f, err := os.Open(directory + string(name[:length-1]))
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if p.areas[id], err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED); err != nil {
		p.t.Fatal(err)
	}
	p.last = id
}

func (p *peer) read(b []byte) error {
	for len(b) > 0 {
		switch n, err := unix.Read(p.fd, b); {
		case err == unix.EINTR:
		case err != nil:
			return err
		case n == 0:
			return io.EOF
		default:
			b = b[n:]
		}
	}
	return nil
}

func (p *peer) ack(offset uint64) {
	p.out = appendCommand(p.out[:0], ackBuffer, p.last, offset, 0)
	p.say(p.out)
}

func (p *peer) say(b []byte) {
	if err := unix.Send(p.fd, b, unix.MSG_NOSIGNAL); err != nil {
		p.t.Error(err)
	}
}

// must receives the next buffer, which has to be there.
func (p *peer) must() (data []byte, offset uint64) {
	p.t.Helper()
	data, offset, err := p.receive()
	if err != nil {
		p.t.Fatal(err)
	}
	return data, offset
}

// expect receives a buffer that has to be want, and gives it back, which the
// Sink has heard when it returns.
func (p *peer) expect(want []byte) {
	p.t.Helper()
	data, offset := p.must()
	if sha256.Sum256(data) != sha256.Sum256(want) {
		p.t.Fatalf("buffer of %d bytes that begins with %x, want %d that begin with %x", len(data), data[:4], len(want), want[:4])
	}
	p.giveBack(offset)
}

func (p *peer) giveBack(offset uint64) {
	p.t.Helper()
	p.ack(offset)
	eventually(p.t, "the buffer is back", func() bool {
		p.s.mu.Lock()
		defer p.s.mu.Unlock()
		return p.known.held&(1<<(offset/slotAlign)) == 0
	})
}

// expectEnd waits for the hang-up.
func (p *peer) expectEnd() {
	p.t.Helper()
	if _, _, err := p.receive(); err != io.EOF && err != unix.ECONNRESET {
		p.t.Fatalf("%v, want the end", err)
	}
}

// idle waits until nobody holds anything.
func idle(t testing.TB, s *Sink) {
	t.Helper()
	eventually(t, "no slot is held", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i := range s.slots {
			if s.slots[i].holders > 0 || s.slots[i].doomed {
				return false
			}
		}
		return true
	})
}

// eventually yields until cond holds: the Sink's own goroutine makes it true.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !cond(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("still not so after 20 s: %s", what)
		}
	}
}

// areas are the names in /dev/shm that belong to the Sink's socket.
func areas(t testing.TB, s *Sink) []string {
	t.Helper()
	list, err := filepath.Glob(filepath.Join(directory, s.names.prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return list
}
