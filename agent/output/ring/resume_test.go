package ring_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"golang.org/x/sys/unix"
)

// cellar is a store in this process.
type cellar map[string][]int

func (c cellar) Take(name string) []int {
	var fds []int
	for _, fd := range c[name] {
		fds = append(fds, duplicate(fd))
	}
	return fds
}

func (c cellar) Keep(name string, fd int) { c[name] = append(c[name], duplicate(fd)) }

func (c cellar) Drop(name string) {
	for _, fd := range c[name] {
		unix.Close(fd)
	}
	delete(c, name)
}

func duplicate(fd int) int {
	again, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	return again
}

const kept = "front/model" // in a cellar, by the rings of these tests

// a restart is a ring with one consumer, whose process ends and begins again.
type restart struct {
	*testing.T
	cellar cellar
	path   string
	ring   *ring.Ring
	in     *reader.Reader
}

func newRestart(t *testing.T) *restart {
	r := &restart{T: t, cellar: cellar{}, path: filepath.Join(t.TempDir(), "s")}
	t.Cleanup(func() { r.cellar.Drop(kept) })
	r.begin(nil)
	in, err := (&reader.Dialer{NoReconnect: true}).Dial(r.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	r.in = in
	eventually(t, "the consumer is kept", func() bool { return r.ring.Stats().Consumers == 1 })
	return r
}

func (r *restart) begin(change func(*ring.Config)) {
	r.Helper()
	cfg := ring.Config{Socket: r.path, Camera: "front", Spec: pixels, Store: r.cellar}
	if change != nil {
		change(&cfg)
	}
	var err error
	if r.ring, err = ring.New(cfg); err != nil {
		r.Fatal(err)
	}
	r.Cleanup(func() { r.ring.Close() })
}

func (r *restart) leave() {
	r.Helper()
	if err := r.ring.Leave(); err != nil {
		r.Fatal(err)
	}
}

// read publishes a frame and reads it.
func (r *restart) read(sequence uint64) {
	r.Helper()
	publish(r, r.ring, &pixels, sequence)
	f, err := r.in.Next(r.Context())
	if err != nil || f.Sequence != sequence || f.Data[0] != byte(sequence) || f.Skipped != 0 || !f.Valid() {
		r.Fatalf("frame %d: %+v, %v", sequence, f, err)
	}
}

// memory is the descriptor that the cellar has of the ring's.
func (r *restart) memory() int { return r.cellar[kept][0] }

func TestConsumerReadsOnWhenTheProcessIsAnother(t *testing.T) {
	r := newRestart(t)
	for sequence := range uint64(20) {
		for range sequence % 3 {
			r.ring.Lend()[0] = 99 // half written
		}
		r.read(sequence)
		if sequence%2 == 0 {
			r.ring.Lend()[0] = 77
		}
		r.leave()
		r.begin(nil)
	}
	if n := len(r.cellar[kept]); n != 2 {
		t.Errorf("%d descriptors kept", n)
	}
	if err := r.ring.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.in.Next(t.Context()); !errors.Is(err, io.EOF) || len(r.cellar) != 0 {
		t.Errorf("after Close: %v, %v", err, r.cellar)
	}
}

// Killed between the end of a frame and the word that there is one: another
// frame comes in its place, which nobody can have read.
func TestFrameThatWasNotAnnouncedIsWrittenAgain(t *testing.T) {
	r := newRestart(t)
	r.read(1)
	r.leave()
	poke(t, r.memory(), 4096+4096, 4) // the slot of the second frame
	r.begin(nil)
	r.read(2)
}

func poke(t testing.TB, fd int, offset int64, value uint64) {
	t.Helper()
	if _, err := unix.Pwrite(fd, binary.LittleEndian.AppendUint64(nil, value), offset); err != nil {
		t.Fatal(err)
	}
}

// replace puts another file in the place of the memory.
func (r *restart) replace(make func(like int) int) {
	was := r.memory()
	r.cellar[kept][0] = make(was)
	unix.Close(was)
}

// memfd makes a copy of a ring's memory with other rights.
func memfd(t testing.TB, like int, mode uint32, seals int) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Fstat(like, &st); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, st.Size)
	if _, err := unix.Pread(like, data, 0); err != nil {
		t.Fatal(err)
	}
	_, err = unix.Write(fd, data)
	_, serr := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals)
	if err := errors.Join(err, serr, unix.Fchmod(fd, mode)); err != nil {
		t.Fatal(err)
	}
	return fd
}

const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// That the tests below spoil what would do.
func TestMemoryThatIsInEveryRespectTheRingsIsTaken(t *testing.T) {
	r := newRestart(t)
	r.read(1)
	r.leave()
	r.replace(func(was int) int { return memfd(t, was, 0o444, seals) })
	r.begin(nil)
	if s := r.ring.Stats(); s.Published != 1 || s.Consumers != 1 {
		t.Errorf("%+v", s)
	}
}

func TestMemoryThatIsNotInEveryRespectTheRingsIsDropped(t *testing.T) {
	for name, spoil := range map[string]func(*restart){
		"newest is odd":            func(r *restart) { poke(t, r.memory(), 8, 3) },
		"newest is ahead":          func(r *restart) { poke(t, r.memory(), 8, 8) },
		"newest is out of bounds":  func(r *restart) { poke(t, r.memory(), 8, 1<<63) },
		"a slot is ahead":          func(r *restart) { poke(t, r.memory(), 4096, 12) },
		"a slot was never written": func(r *restart) { poke(t, r.memory(), 4096, 0) },
		"a slot is being written":  func(r *restart) { poke(t, r.memory(), 4096, 1) },
		"another magic":            func(r *restart) { poke(t, r.memory(), 0, 1) },
		"another fingerprint":      func(r *restart) { poke(t, r.memory(), 56, 1) },
		"a file that is none": func(r *restart) {
			r.replace(func(int) int {
				fd, err := unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
				if err != nil {
					t.Fatal(err)
				}
				return fd
			})
		},
		"no seals":      func(r *restart) { r.replace(func(was int) int { return memfd(t, was, 0o444, 0) }) },
		"writable mode": func(r *restart) { r.replace(func(was int) int { return memfd(t, was, 0o644, seals) }) },
		"two memories":  func(r *restart) { r.cellar.Keep(kept, r.memory()) },
		"no memory": func(r *restart) {
			unix.Close(r.memory())
			r.cellar[kept] = r.cellar[kept][1:]
		},
		"too many consumers": func(r *restart) {
			for range 64 {
				r.cellar.Keep(kept, r.cellar[kept][1])
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRestart(t)
			r.read(1)
			r.leave()
			spoil(r)
			r.begin(nil)
			r.startsAnew()
		})
	}
}

// startsAnew: the consumer was hung up on, and there is a new ring.
func (r *restart) startsAnew() {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if f, err := r.in.Next(ctx); !errors.Is(err, io.EOF) {
		r.Fatalf("%+v, %v: want the end", f, err)
	}
	again, err := reader.Dial(r.path)
	if err != nil {
		r.Fatal(err)
	}
	defer again.Close()
	if n := again.Description().Newest; n != 0 {
		r.Errorf("generation %d in a new ring", n)
	}
	eventually(r, "the consumer is kept", func() bool { return r.ring.Stats().Consumers == 1 })
}

func TestRingOfAnotherShapeOrMeaningStartsAnew(t *testing.T) {
	for name, change := range map[string]func(*ring.Config){
		"size":          func(c *ring.Config) { c.Spec.Width = 128 },
		"slots":         func(c *ring.Config) { c.Slots = 5 },
		"order":         func(c *ring.Config) { c.Spec.Color++ },
		"normalisation": func(c *ring.Config) { c.Spec.Mean[0] = 0.5 },
		"origin":        func(c *ring.Config) { c.Origin = "another camera" },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRestart(t)
			r.read(1)
			r.leave()
			r.begin(change)
			r.startsAnew()
		})
	}
}

// What a store has under a ring's name may be the connection of another socket.
func TestConnectionOfAnotherSocketIsNoConsumer(t *testing.T) {
	r := newRestart(t)
	r.leave()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[1])
	r.cellar.Keep(kept, pair[0])
	unix.Close(pair[0])
	r.begin(nil)
	r.startsAnew()
}

func TestConsumerThatLeftMeanwhileIsForgotten(t *testing.T) {
	r := newRestart(t)
	r.read(1)
	r.leave()
	r.in.Close()
	r.begin(nil)
	eventually(t, "nobody is there", func() bool { return r.ring.Stats().Consumers == 0 })
	publish(t, r.ring, &pixels, 2)
}

// Who comes and goes all the time is not kept each time.
func TestStoreIsNotAskedWithoutBound(t *testing.T) {
	r := newRestart(t)
	for range 200 {
		in, err := reader.Dial(r.path)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
	}
	eventually(t, "all but one have gone", func() bool { return r.ring.Stats().Consumers == 1 })
	// 200 connections took less than a few seconds.
	if n := len(r.cellar[kept]); n > 100 {
		t.Errorf("%d descriptors were kept", n)
	}
	r.leave()
}
