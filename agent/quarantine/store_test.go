package quarantine

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/capture"
)

// told is what a Store tells its owner.
type told struct {
	kept       []string
	suppressed uint64 // of the last one that was kept
	trouble    []string
}

func (o *told) config(dir string, keep int64) Config {
	return Config{
		Dir: dir, Keep: keep, FlightDir: filepath.Join(dir, ".in-flight"),
		Kept: func(e *Entry, path string, suppressed uint64) {
			if filepath.Join(dir, e.Name()) != path {
				panic("told of " + path + ", wrote " + e.Name())
			}
			o.kept, o.suppressed = append(o.kept, e.Name()), suppressed
		},
		Trouble: func(err error) { o.trouble = append(o.trouble, fmt.Sprint(err)) },
	}
}

func open(t *testing.T, c Config) *Store {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t *testing.T, s *Store) Stats {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return s.Stats()
}

// offer offers a frame of that many bytes, captured now, and waits until the
// writer is done with it. It is for bubbles of synctest.
func offer(s *Store, camera, reason string, sequence uint64, size int) {
	f := &capture.Frame{
		Format:   capture.Format{PixelFormat: capture.MJPG, Width: 64, Height: 48},
		Sequence: sequence, Timestamp: capture.Monotonic(),
	}
	f.Planes[0] = make([]byte, size)
	s.Offer(camera, f, Cause{reason, "as a test wants it"})
	clear(f.Planes[0][:size:size])
	synctest.Wait()
}

// entriesIn reads every entry of a directory, and leaves other files alone.
func entriesIn(t *testing.T, dir string) []*Entry {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var entries []*Entry
	for _, e := range list {
		if _, ours := own(e.Name()); !ours {
			continue
		}
		file, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		entry, err := Read(file)
		file.Close()
		if err != nil || entry.Name() != e.Name() {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		entries = append(entries, entry)
	}
	return entries
}

func TestOfferedFrameIsKeptAndOnlyBorrowed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "you")
	f := picture(t)
	f.Timestamp = capture.Monotonic() - time.Second
	f.Planes[0] = slices.Clone(f.Planes[0])
	want := slices.Clone(f.Planes[0])
	var o told
	s := open(t, o.config(dir, 1<<20))
	s.Offer("front", f, Cause{"corrupt", "bad"})
	clear(f.Planes[0]) // the driver has its buffer back
	if st := closed(t, s); st.Kept != 1 || st.Files != 1 || st.Dropped != (Dropped{}) || st.LastError != nil {
		t.Errorf("%+v", st)
	}
	entries := entriesIn(t, dir)
	if len(entries) != 1 || !slices.Equal(entries[0].Frame.Planes[0], want) || entries[0].Frame.Sequence != 42 {
		t.Fatalf("%+v", entries)
	}
	if age := time.Since(entries[0].Captured); age < time.Second || age > time.Minute {
		t.Errorf("captured a second ago, the entry says %v", age)
	}
	if len(o.kept) != 1 || len(o.trouble) != 0 {
		t.Errorf("told %+v", o)
	}
}

func TestNothingIsKeptByNone(t *testing.T) {
	var s *Store
	s.Offer("front", picture(t), Cause{"corrupt", ""})
	flight, err := s.Flight("front")
	if flight != nil || err != nil || s.Stats() != (Stats{}) || s.Close() != nil {
		t.Error("a nil Store keeps something")
	}
	flight.Begin(picture(t))
	flight.End()
	if err := flight.Close(); err != nil {
		t.Error(err)
	}
	if _, err := New(Config{Dir: t.TempDir()}); err == nil {
		t.Error("a bound of 0 bytes was taken")
	}
}

func TestOldestEntriesGiveWayAndForeignFilesStay(t *testing.T) {
	dir := t.TempDir()
	foreign := []string{
		"notes.txt", "front-20260101T000000.000000Z-00000001-corrupt.jpg", "core", ".tmp-mine",
		"Front-20260101T000000.000000Z-00000001-corrupt.frame", "front-corrupt.frame",
	}
	for _, name := range foreign {
		if err := os.WriteFile(filepath.Join(dir, name), make([]byte, 4000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		var o told
		s := open(t, o.config(dir, 6000))
		for i := range uint64(60) {
			time.Sleep(10 * time.Minute)
			offer(s, []string{"zoo", "attic"}[i%2], "corrupt", i, 1000)
			if st := s.Stats(); st.BytesKept > 6000 || st.Files > 5 {
				t.Fatalf("%+v", st)
			}
		}
		offer(s, "zoo", "corrupt", 60, 6001)
		if st := closed(t, s); st.Kept != 60 || st.Dropped != (Dropped{TooLarge: 1}) || st.Files < 3 {
			t.Errorf("%+v", st)
		}
	})
	var left []uint64
	for _, e := range entriesIn(t, dir) {
		left = append(left, e.Frame.Sequence)
	}
	if slices.Sort(left); len(left) < 3 || left[0] != uint64(60-len(left)) {
		t.Errorf("left are %v, want the newest of both cameras", left)
	}
	for _, name := range foreign {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() != 4000 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFloodOfOneReasonIsBoundedAndHidesNoOther(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var o told
		s := open(t, o.config(dir, 1<<20))
		for i := range uint64(1000) {
			offer(s, "front", "corrupt", i, 100)
			time.Sleep(time.Second)
		}
		offer(s, "front", "geometry", 1000, 100)
		offer(s, "rear", "corrupt", 1000, 100)
		if st := s.Stats(); st.Kept != PerHour+2 || st.Dropped != (Dropped{Suppressed: 1000 - PerHour}) {
			t.Errorf("%+v", st)
		}
		time.Sleep(time.Hour - 1000*time.Second - 1) // the first one was an hour ago, but for a nanosecond
		offer(s, "front", "corrupt", 1001, 100)
		time.Sleep(time.Nanosecond)
		offer(s, "front", "corrupt", 1002, 100)
		if st := closed(t, s); st.Kept != PerHour+3 || o.suppressed != 1000-PerHour+1 {
			t.Errorf("%+v, told %d", st, o.suppressed)
		}
	})
	if n := len(entriesIn(t, dir)); n != PerHour+3 {
		t.Errorf("%d entries", n)
	}
}

// A process that dies every second must not begin with an empty hour each time.
func TestHourGoesOnOverARestart(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		for i := range uint64(3 * PerHour) {
			var o told
			s := open(t, o.config(dir, 1<<20))
			synctest.Wait()
			offer(s, "front", "corrupt", i, 100)
			closed(t, s)
			time.Sleep(time.Second)
		}
	})
	if n := len(entriesIn(t, dir)); n != PerHour {
		t.Errorf("%d entries, want %d", n, PerHour)
	}
}

func TestSuppressedFrameCostsNoMemory(t *testing.T) {
	var o told
	s := open(t, o.config(t.TempDir(), 1<<20))
	defer s.Close()
	f := picture(t)
	for s.Stats().Kept < PerHour { // two may be kept between two looks
		s.Offer("front", f, Cause{"corrupt", ""})
	}
	if n := testing.AllocsPerRun(1000, func() { s.Offer("front", f, Cause{"corrupt", ""}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// hung is a Store whose disk never answers: nobody takes its work.
func hung() *Store {
	return &Store{
		cfg: Config{Keep: 1 << 20}, work: make(chan *Entry, maxPending), done: make(chan struct{}), windows: map[source]*window{},
	}
}

func TestHungDiskBlocksNeitherOfferNorClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hung()
		f := picture(t)
		for range 6 {
			s.Offer("front", f, Cause{"corrupt", ""})
		}
		if st := s.Stats(); st.Dropped != (Dropped{Busy: 6 - maxPending}) || len(s.work) != maxPending {
			t.Errorf("%+v", st)
		}
		if err := s.Close(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		s.Offer("front", f, Cause{"corrupt", ""})
		if err := s.Close(); err != nil {
			t.Errorf("closed again: %v", err)
		}
	})
}

func TestUnknownFormatIsAnErrorAndNoCrash(t *testing.T) {
	var o told
	s := open(t, o.config(t.TempDir(), 1<<20))
	f := picture(t)
	f.Format.PixelFormat = capture.FourCC('X', 'X', 'X', 'X')
	s.Offer("front", f, Cause{"unsupported", ""})
	s.Offer("front", picture(t), Cause{"Not A Name", ""})
	if st := closed(t, s); st.Dropped != (Dropped{Failed: 2}) {
		t.Errorf("%+v", st)
	}
	if got := strings.Join(o.trouble, "; "); !strings.Contains(got, "pixel format XXXX") {
		t.Errorf("told: %s", got)
	}
}
