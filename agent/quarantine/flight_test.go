package quarantine

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/spool/spooltest"
	"github.com/edge-agent/agent/capture"
)

func fly(t testing.TB, s *Store, camera string) *Flight {
	t.Helper()
	f, err := s.Flight(camera)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// die makes a process of this binary die while it preprocesses a frame, and
// gives the frame's sequence number.
func die(t *testing.T, dir string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(untilKilled(t, "fly", dir, 20), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// flyForever preprocesses frames, which takes no time, until one takes for ever.
func flyForever(dir string) {
	var o told
	s, err := New(o.config(dir, 1<<20))
	if err != nil {
		panic(err)
	}
	flight, err := s.Flight("front")
	if err != nil {
		panic(err)
	}
	for sequence := uint64(0); ; sequence++ {
		flight.Begin(numbered(sequence))
		fmt.Println(sequence)
		if sequence == 19 {
			select {}
		}
		flight.End()
	}
}

// numbered is a frame whose every byte tells its number.
func numbered(sequence uint64) *capture.Frame {
	f := &capture.Frame{
		Format:   capture.Format{PixelFormat: capture.MJPG, Width: 640, Height: 480, Range: capture.Full},
		Sequence: sequence, Timestamp: capture.Monotonic(), Dequeued: capture.Monotonic(),
	}
	f.Planes[0] = bytes.Repeat([]byte{byte(sequence)}, 100_000+int(sequence%1000))
	return f
}

func TestFrameInFlightIsFoundAtTheNextStart(t *testing.T) {
	dir := t.TempDir()
	sequence := die(t, dir)
	for restart := range 3 { // the second and third one change nothing
		var o told
		st := closed(t, open(t, o.config(dir, 1<<20)))
		if kept := uint64(len(o.kept)); st.Files != 1 || st.Kept != kept || kept != uint64(max(0, 1-restart)) || len(o.trouble) != 0 {
			t.Errorf("restart %d: %+v, told %+v", restart, st, o)
		}
	}
	entries := entriesIn(t, dir)
	if len(entries) != 1 {
		t.Fatalf("%d entries", len(entries))
	}
	e, want := entries[0], numbered(sequence)
	if e.Camera != "front" || e.Reason != "crashed" || e.Detail == "" || e.Frame.Sequence != sequence || e.Frame.Format != want.Format {
		t.Errorf("%+v of %+v", e, e.Frame)
	}
	if !bytes.Equal(e.Frame.Planes[0], want.Planes[0]) {
		t.Error("its bitstream is another one")
	}
	if age := time.Since(e.Captured); age < 0 || age > time.Minute {
		t.Errorf("captured %v ago", age)
	}
	if list, err := os.ReadDir(filepath.Join(dir, ".in-flight")); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}

// dashForever preprocesses one frame after the other, and says once that it
// does.
func dashForever(dir string) {
	s, err := New(Config{Dir: dir, Keep: 1, FlightDir: filepath.Join(dir, ".in-flight")})
	if err != nil {
		panic(err)
	}
	flight, err := s.Flight("front")
	if err != nil {
		panic(err)
	}
	frames := make([]*capture.Frame, 50)
	for i := range frames {
		frames[i] = numbered(uint64(i))
	}
	for n := uint64(0); ; n++ {
		flight.Begin(frames[n%50])
		if n == 200 {
			fmt.Println("under way")
		}
		sha256.Sum256(frames[n%50].Planes[0])
		flight.End()
	}
}

// Whenever it is killed: the frame that is found is whole and is one.
func TestRecordIsNeverHalfAFrame(t *testing.T) {
	dir := t.TempDir()
	found := 0
	for range 30 {
		untilKilled(t, "dash", dir, 1)
		e, err := readEntry(filepath.Join(dir, ".in-flight", "front"), "front")
		if err != nil {
			continue // between two frames
		}
		found++
		if !bytes.Equal(e.Frame.Planes[0], numbered(e.Frame.Sequence).Planes[0]) {
			t.Error("the bytes of another frame")
		}
	}
	if found == 0 {
		t.Error("none was found in flight")
	}
}

func TestFrameThatLandedIsNoEvidence(t *testing.T) {
	dir := t.TempDir()
	var o told
	s := open(t, o.config(dir, 1<<20))
	flight := fly(t, s, "front")
	flight.Begin(numbered(1))
	flight.End()
	closed(t, s) // and the process dies, with the record as it is
	if st := closed(t, open(t, o.config(dir, 1<<20))); st.Kept != 0 {
		t.Errorf("%+v", st)
	}
	if err := flight.Close(); err == nil {
		t.Error("the next process took the record away, and nobody noticed")
	}
}

func TestClosedFlightLeavesNothingUnlessAFrameIsStuck(t *testing.T) {
	dir := t.TempDir()
	var o told
	s := open(t, o.config(dir, 1<<20))
	good, stuck := fly(t, s, "good"), fly(t, s, "stuck")
	good.Begin(numbered(1))
	good.End()
	stuck.Begin(numbered(2))
	for _, f := range []*Flight{good, stuck, good} {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
	stuck.End() // the call returned after all, into what is unmapped
	stuck.Begin(numbered(3))
	closed(t, s)
	closed(t, open(t, o.config(dir, 1<<20)))
	if entries := entriesIn(t, dir); len(entries) != 1 || entries[0].Camera != "stuck" || entries[0].Frame.Sequence != 2 {
		t.Errorf("%+v", entries)
	}
}

// No value of a pixel makes a conversion crash, and they are many.
func TestOfRawFramesOnlyTheFormatIsRecorded(t *testing.T) {
	dir := t.TempDir()
	var o told
	s := open(t, o.config(dir, 1<<20))
	raw := planar()
	raw.Fault = capture.FaultNone
	fly(t, s, "front").Begin(raw)
	long := numbered(7)
	long.Planes[0] = make([]byte, maxFlightBytes+1)
	fly(t, s, "rear").Begin(long)
	closed(t, s)
	closed(t, open(t, o.config(dir, 1<<20)))
	entries := entriesIn(t, dir)
	if len(entries) != 2 || entries[0].Frame.Format != raw.Format || entries[1].Frame.Format != long.Format {
		t.Fatalf("%+v", entries)
	}
	for _, e := range entries {
		if len(e.Frame.Planes[0]) != 0 || !strings.Contains(e.Detail, "not recorded") {
			t.Errorf("%+v", e)
		}
	}
}

func TestRecordingAllocatesNothing(t *testing.T) {
	var o told
	s := open(t, o.config(t.TempDir(), 1<<20))
	defer s.Close()
	flight := fly(t, s, "front")
	defer flight.Close()
	for _, f := range []*capture.Frame{numbered(1), planar()} {
		if n := testing.AllocsPerRun(100, func() { flight.Begin(f); flight.End() }); n != 0 {
			t.Errorf("%v allocations for a frame of %s", n, f.Format)
		}
	}
}

// A page that a full file system does not have is SIGBUS for who writes into
// it through a mapping.
func TestFullMemoryCostsTheRecordAndNotTheProcess(t *testing.T) {
	dir := spooltest.Small(t)
	c := Config{Dir: t.TempDir(), Keep: 1 << 20, FlightDir: dir}
	s := open(t, c)
	flight := fly(t, s, "front")
	spooltest.Fill(t, filepath.Join(dir, "hog.1"))
	flight.Begin(numbered(5))
	if _, err := s.Flight("rear"); err == nil {
		t.Error("a record was made on a full file system")
	}
	closed(t, s)
	if st := closed(t, open(t, c)); st.Kept != 1 {
		t.Errorf("%+v", st)
	}
	if entries := entriesIn(t, c.Dir); len(entries[0].Frame.Planes[0]) != 0 || entries[0].Frame.Sequence != 5 {
		t.Errorf("%+v", entries[0])
	}
}

// BenchmarkFlight is the cost of the record of one frame that is in the cache.
func BenchmarkFlight(b *testing.B) {
	var o told
	s, err := New(o.config(b.TempDir(), 1<<20))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	flight := fly(b, s, "front")
	defer flight.Close()
	frames := map[string]*capture.Frame{"NV12": planar()}
	for _, kilobytes := range []int{100, 400, 1000} {
		f := numbered(0)
		f.Planes[0] = make([]byte, kilobytes*1000)
		frames[fmt.Sprintf("MJPG-%dkB", kilobytes)] = f
	}
	for name, f := range frames {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(f.Planes[0])))
			b.ReportAllocs()
			for b.Loop() {
				flight.Begin(f)
				flight.End()
			}
		})
	}
}
