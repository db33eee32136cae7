package reader_test

import (
	"errors"
	"io/fs"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// patience is for what must come: it never passes in a test that does not fail.
const patience = 20 * time.Second

func TestNewestIsAlsoAFrameFromBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	early := dial(t, path)
	if _, err := early.Newest(); !errors.Is(err, reader.ErrNone) {
		t.Fatalf("of an empty ring: %v", err)
	}
	write(t, out, &tensor, 1, 1)
	write(t, out, &tensor, 2, 2)
	in := dial(t, path)
	for range 3 {
		if f, err := in.Newest(); err != nil || f.Sequence != 2 || f.Skipped != 0 || f.Float32s()[0] != 2 || !f.Valid() {
			t.Fatalf("%+v, %v: want frame 2, again and again", f, err)
		}
	}
	write(t, out, &tensor, 3, 3)
	write(t, out, &tensor, 4, 4)
	if f, err := in.Newest(); err != nil || f.Sequence != 4 || f.Skipped != 1 {
		t.Fatalf("%+v, %v: want frame 4 after one that was skipped", f, err)
	}
	if _, err := in.NextWithin(0); !errors.Is(err, reader.ErrNone) {
		t.Fatalf("what Newest returned is not new to NextWithin: %v", err)
	}
	write(t, out, &tensor, 5, 5)
	if f, err := in.NextWithin(0); err != nil || f.Sequence != 5 {
		t.Fatalf("%+v, %v: want frame 5", f, err)
	}
}

func TestNextWithinWaitsAndGivesUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	if _, err := in.NextWithin(time.Millisecond); !errors.Is(err, reader.ErrNone) {
		t.Fatalf("without frames: %v", err)
	}
	for sequence := range uint64(100) {
		meanwhile(t, out, sequence)
		if f, err := in.NextWithin(patience); err != nil || f.Sequence != sequence {
			t.Fatalf("%+v, %v: want frame %d", f, err, sequence)
		}
	}
	// One way of waiting leaves nothing behind for the other.
	meanwhile(t, out, 100)
	if f, err := in.Next(t.Context()); err != nil || f.Sequence != 100 {
		t.Fatalf("%+v, %v: want frame 100", f, err)
	}
	if _, err := in.NextWithin(time.Millisecond); !errors.Is(err, reader.ErrNone) {
		t.Fatalf("after Next: %v", err)
	}
}

func TestAgentThatIsAwayIsSaidToBe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	d := reader.Dialer{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}
	in, err := d.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	write(t, out, &tensor, 1, 1)
	if f, err := in.Newest(); err != nil || f.Sequence != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	out.Close()
	if _, err := in.Newest(); !errors.Is(err, reader.ErrAway) {
		t.Fatalf("Newest: %v", err)
	}
	if _, err := in.NextWithin(10 * time.Millisecond); !errors.Is(err, reader.ErrAway) || !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("NextWithin: %v", err)
	}
	if in.Description() != nil {
		t.Error("the ring of an agent that is away is described")
	}
	out = newRing(t, path, tensor)
	write(t, out, &tensor, 1, 2)
	for { // until it has connected again, which Newest does not wait for
		f, err := in.Newest()
		if err == nil && f.Sequence == 2 {
			break
		}
		if !errors.Is(err, reader.ErrAway) {
			t.Fatalf("%+v, %v", f, err)
		}
	}
	out.Close()
	out = newRing(t, path, tensor)
	meanwhile(t, out, 3)
	if f, err := in.NextWithin(patience); err != nil || f.Sequence != 3 {
		t.Fatalf("%+v, %v: want frame 3 of another agent", f, err)
	}
}

// Something that listens at the path and says nothing is no reason to hang.
func TestSilentServerIsAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	silent, err := net.Listen("unixpacket", path)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	in, err := (&reader.Dialer{Later: true}).Dial(filepath.Join(t.TempDir(), "nobody"))
	if err != nil {
		t.Fatalf("Later: %v", err)
	}
	defer in.Close()
	if _, err := in.NextWithin(0); !errors.Is(err, reader.ErrAway) {
		t.Errorf("nobody: %v", err)
	}
	mute := reader.Reader{}
	mute.Aim(path)
	defer mute.Close()
	if _, err := mute.Newest(); !errors.Is(err, reader.ErrAway) {
		t.Errorf("Newest of a server without a word: %v", err)
	}
	if _, err := mute.NextWithin(time.Millisecond); !errors.Is(err, reader.ErrAway) {
		t.Errorf("NextWithin of a server without a word: %v", err)
	}
}

func TestOutputIsFoundByItsName(t *testing.T) {
	run := t.TempDir()
	t.Setenv(reader.RunVariable, run)
	out := newRing(t, filepath.Join(run, "front", "model.sock"), tensor)
	in, err := reader.DialOutput("front", "model")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	write(t, out, &tensor, 1, 1)
	if f, err := in.Newest(); err != nil || f.Sequence != 1 {
		t.Fatalf("%+v, %v", f, err)
	}
	t.Setenv(reader.RunVariable, "")
	if path := reader.Path("front", "model"); path != "/run/agent/front/model.sock" {
		t.Errorf("%s", path)
	}
}

func TestLookingAllocatesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	img := write(t, out, &tensor, 1, 1)
	allocs := testing.AllocsPerRun(1000, func() {
		img.Data = out.Lend()
		if err := out.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if _, err := in.NextWithin(time.Second); err != nil {
			t.Fatal(err)
		}
		if _, err := in.Newest(); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}
