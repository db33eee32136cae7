package ring_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

func TestFullSocketDropsMessagesAndCountsThem(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	receive(t, fd)
	const frames = 1000
	for i := range uint64(frames) {
		publish(t, r, &pixels, i)
	}
	s := r.Stats()
	if s.Published != frames || s.Missed == 0 || s.Notified+s.Missed != frames {
		t.Fatalf("%+v: every message must be delivered or counted", s)
	}
	if s.Notified > 64 {
		t.Errorf("%d messages queued: a consumer that sleeps costs the kernel too much", s.Notified)
	}
	buf := make([]byte, 4096)
	for range s.Notified {
		if n, err := unix.Read(fd, buf); n != 136 || err != nil {
			t.Fatalf("message of %d bytes, %v", n, err)
		}
	}
	publish(t, r, &pixels, frames)
	if n, err := unix.Read(fd, buf); n != 136 || err != nil {
		t.Fatalf("message of %d bytes, %v", n, err)
	}
	if missed := binary.LittleEndian.Uint64(buf[72:]); missed != s.Missed {
		t.Errorf("the first message after the gap says %d missed, want %d", missed, s.Missed)
	}
}

func TestConsumerBeyondTheLimitIsToldWhy(t *testing.T) {
	r, path := open(t, func(c *ring.Config) { c.MaxConsumers = 2 })
	for range 2 {
		in, err := reader.Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
	}
	_, err := reader.Dial(path)
	if err == nil || !strings.Contains(err.Error(), "too many consumers: 2 are allowed") {
		t.Fatalf("%v", err)
	}
	if s := r.Stats(); s.Consumers != 2 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

// One program cannot keep the others out.
func TestProcessWithTooManyConsumersIsToldWhy(t *testing.T) {
	r, path := open(t, func(c *ring.Config) { c.MaxPerProcess = 2 })
	for range 2 {
		connect(t, path)
	}
	_, err := reader.Dial(path)
	want := fmt.Sprintf("too many consumers in process %d: 2 are allowed", os.Getpid())
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("%v, want %s", err, want)
	}
	p := start(t, "echo", path)
	publish(t, r, &pixels, 1)
	p.expect(t, "frame 1")
	if s := r.Stats(); s.Consumers != 3 || s.Refused != 1 {
		t.Errorf("%+v", s)
	}
}

func TestTenReadersGetEveryFrame(t *testing.T) {
	r, path := open(t, nil)
	var readers [10]*reader.Reader
	for i := range readers {
		in, err := reader.Dial(path)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		readers[i] = in
	}
	for seq := range uint64(200) {
		publish(t, r, &pixels, seq)
		for i, in := range readers {
			f, err := in.Next(t.Context())
			if err != nil || f.Sequence != seq || f.Data[0] != byte(seq) || f.Skipped != 0 {
				t.Fatalf("reader %d, frame %d: %+v, %v", i, seq, f, err)
			}
		}
	}
	if s := r.Stats(); s.Missed != 0 || s.Notified != 2000 {
		t.Errorf("%+v", s)
	}
}

func TestGarbageIsRefusedAtItsSource(t *testing.T) {
	r, path := open(t, nil)
	fd := knock(t, path)
	defer unix.Close(fd)
	receive(t, fd)
	garbage := bytes.Repeat([]byte("GET / HTTP/1.1\r\n"), 256)
	if err := unix.Send(fd, garbage, unix.MSG_NOSIGNAL); err != unix.EPIPE {
		t.Fatalf("send: %v, want EPIPE", err)
	}
	publish(t, r, &pixels, 1)
	buf := make([]byte, 4096)
	if n, err := unix.Read(fd, buf); n != 136 || err != nil {
		t.Fatalf("message of %d bytes, %v", n, err)
	}
}

// Some read their description, some leave at once, some talk before they listen.
func TestTenThousandConsumersComeAndGo(t *testing.T) {
	r, path := open(t, func(c *ring.Config) { c.Arrivals = 1 })
	visit := func(i int) {
		fd := knock(t, path)
		defer unix.Close(fd)
		switch i % 3 {
		case 0:
			_, memfd := receive(t, fd)
			unix.Close(memfd)
		case 1:
			_ = unix.Send(fd, []byte("garbage"), unix.MSG_NOSIGNAL|unix.MSG_DONTWAIT)
		}
		if i%100 == 0 {
			publish(t, r, &pixels, uint64(i))
		}
	}
	measure := func() (goroutines, descriptors int, rss int64) {
		consumersAre(t, r, 0)
		debug.FreeOSMemory()
		return runtime.NumGoroutine(), openDescriptors(t), residentBytes(t)
	}
	for i := range 1000 {
		visit(i)
	}
	goroutines, descriptors, rss := measure()
	for i := range 10_000 {
		visit(i)
	}
	g, d, m := measure()
	if g != goroutines || d != descriptors {
		t.Errorf("%d goroutines and %d descriptors, %d and %d before", g, d, goroutines, descriptors)
	}
	if m-rss > 8<<20 { // less than a KiB each
		t.Errorf("resident memory grew by %d KiB", (m-rss)>>10)
	}
	t.Logf("%d goroutines, %d descriptors, resident memory %+d KiB", g, d, (m-rss)>>10)
}

// Neither the frames nor another consumer feel a flood.
func TestFloodOfConnectionsCostsOthersNothing(t *testing.T) {
	r, path := open(t, func(c *ring.Config) { c.MaxConsumers = 8 })
	in := connect(t, path)
	var flood sync.WaitGroup
	for range 4 {
		flood.Go(func() {
			for range 1000 {
				unix.Close(knock(t, path))
			}
		})
	}
	for seq := range uint64(1000) {
		publish(t, r, &pixels, seq)
		if f := next(t, in); f.Sequence != seq || f.Skipped != 0 {
			t.Fatalf("frame %d: %+v", seq, f)
		}
	}
	flood.Wait()
	consumersAre(t, r, 1)
	if s := r.Stats(); s.Published != 1000 {
		t.Errorf("%+v", s)
	}
}

func residentBytes(t testing.TB) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	var pages int64
	for _, c := range strings.Fields(string(text))[1] {
		pages = 10*pages + int64(c-'0')
	}
	return pages * int64(os.Getpagesize())
}

func TestCloseLeavesNothingBehind(t *testing.T) {
	r, path := open(t, nil) // what the runtime opens once is open after this
	r.Close()
	goroutines, descriptors := runtime.NumGoroutine(), openDescriptors(t)
	for range 20 {
		r, err := ring.New(ring.Config{Socket: path, Spec: pixels})
		if err != nil {
			t.Fatal(err)
		}
		fd := knock(t, path)
		publish(t, r, &pixels, 1)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
	}
	if d := openDescriptors(t); d != descriptors {
		t.Errorf("%d descriptors, %d before", d, descriptors)
	}
	eventually(t, "no goroutine more than before", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestWriteAllocatesNothing(t *testing.T) {
	r, path := open(t, nil)
	asleep := knock(t, path) // its socket fills up
	defer unix.Close(asleep)
	awake := knock(t, path)
	defer unix.Close(awake)
	receive(t, asleep)
	receive(t, awake)
	img := &preproc.Image{Spec: &pixels, Width: pixels.Width, Height: pixels.Height}
	own := make([]byte, 64*32*3)
	buf := make([]byte, 136)
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		for _, img.Data = range [][]byte{r.Lend(), own} {
			if err := r.Write(ctx, img); err != nil {
				t.Fatal(err)
			}
			if n, err := unix.Read(awake, buf); n != 136 || err != nil {
				t.Fatal(n, err)
			}
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations in two writes", allocs)
	}
	if r.Stats().Missed == 0 {
		t.Error("the sleeper's socket was never full: this tested less than it says")
	}
}
