package reader_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

var tensor = preproc.Spec{Name: "model", Width: 16, Height: 8, DType: preproc.Float32, Layout: preproc.CHW}

func newRing(t *testing.T, path string, spec preproc.Spec) *ring.Ring {
	t.Helper()
	r, err := ring.New(ring.Config{Socket: path, Camera: "front", Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func dial(t *testing.T, path string) *reader.Reader {
	t.Helper()
	r, err := reader.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// write publishes a tensor all of whose elements are v.
func write(t testing.TB, r *ring.Ring, spec *preproc.Spec, v float32, sequence uint64) *preproc.Image {
	t.Helper()
	img, err := put(r, spec, v, sequence)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func put(r *ring.Ring, spec *preproc.Spec, v float32, sequence uint64) (*preproc.Image, error) {
	data := r.Lend()
	for i := 0; i+4 <= len(data); i += 4 {
		binary.LittleEndian.PutUint32(data[i:], math.Float32bits(v))
	}
	img := &preproc.Image{
		Spec: spec, Data: data, Width: spec.Width, Height: spec.Height,
		Geometry: preproc.Geometry{XX: 2, X0: 3, YY: 4, Y0: 5},
		Sequence: sequence, Timestamp: capture.Monotonic() - time.Millisecond, Dequeued: capture.Monotonic(),
	}
	return img, r.Write(context.Background(), img)
}

// meanwhile writes beside the test, once the ring has a consumer.
func meanwhile(t *testing.T, r *ring.Ring, sequence uint64) {
	var done sync.WaitGroup
	t.Cleanup(done.Wait)
	done.Go(func() {
		for r.Stats().Consumers == 0 {
			runtime.Gosched()
		}
		if _, err := put(r, &tensor, 1, sequence); err != nil {
			t.Error(err)
		}
	})
}

func TestFrameIsWhatWasPublished(t *testing.T) {
	path := filepath.Join(t.TempDir(), "front", "model.sock")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	img := write(t, out, &tensor, 0.5, 42)
	f, err := in.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if f.Sequence != 42 || f.Timestamp != img.Timestamp || f.Dequeued != img.Dequeued || f.Published != img.Published {
		t.Errorf("frame %+v, published %+v", f, img)
	}
	if age := f.Age(); age < time.Millisecond || age > time.Minute {
		t.Errorf("age %v", age)
	}
	if x, y := f.ToCamera(10, 10); x != 23 || y != 45 {
		t.Errorf("(10, 10) maps to (%v, %v), want (23, 45)", x, y)
	}
	floats := f.Float32s()
	if len(floats) != 3*8*16 || floats[0] != 0.5 || floats[len(floats)-1] != 0.5 {
		t.Errorf("%d floats: %v", len(floats), floats)
	}
	d := f.Description
	if d.Camera != "front" || d.Output != "model" || d.DType != "float32" || d.Layout != "chw" ||
		len(d.Shape) != 3 || d.Shape[0] != 3 || d.Shape[1] != 8 || d.Shape[2] != 16 {
		t.Errorf("description %+v", d)
	}
	if !f.Valid() {
		t.Error("a frame that nothing overtook is not valid")
	}
}

func TestNewestWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	for i := range uint64(100) {
		write(t, out, &tensor, 1, i)
	}
	f, err := in.Next(t.Context())
	if err != nil || f.Sequence != 99 || f.Skipped != 99 {
		t.Fatalf("%+v, %v: want frame 99 and 99 skipped", f, err)
	}
	write(t, out, &tensor, 1, 100)
	if f, err = in.Next(t.Context()); err != nil || f.Sequence != 100 || f.Skipped != 0 {
		t.Fatalf("%+v, %v: want frame 100", f, err)
	}
}

// A consumer that comes late must not take an old picture for the present.
func TestFramesFromBeforeTheConnectionAreNotDelivered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	write(t, out, &tensor, 1, 1)
	in := dial(t, path)
	write(t, out, &tensor, 1, 2)
	if f, err := in.Next(t.Context()); err != nil || f.Sequence != 2 || f.Skipped != 0 {
		t.Fatalf("%+v, %v: want frame 2", f, err)
	}
}

func TestOvertakenFrameIsNotValid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	write(t, out, &tensor, 1, 1)
	f, err := in.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(3) {
		write(t, out, &tensor, 2, 2+i)
	}
	if !f.Valid() || f.Float32s()[0] != 1 {
		t.Fatal("of 4 slots, 3 newer frames must leave a frame alone")
	}
	out.Lend()
	dst := make([]byte, len(f.Data))
	if _, err := f.Copy(dst); f.Valid() || !errors.Is(err, reader.ErrOvertaken) {
		t.Fatalf("valid %v, copy: %v: the slot is being written", f.Valid(), err)
	}
}

func TestNextReturnsWhenItsContextEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { _, err := in.Next(ctx); ended <- err }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("Next: %v", err)
	}
	write(t, out, &tensor, 1, 7)
	if f, err := in.Next(t.Context()); err != nil || f.Sequence != 7 {
		t.Fatalf("after a cancelled call: %+v, %v", f, err)
	}
}

func TestReaderComesBackAfterTheAgent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	d := reader.Dialer{MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond}
	in, err := d.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	write(t, out, &tensor, 1, 1)
	if _, err := in.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	larger := tensor
	larger.Width = 32
	got := make(chan *reader.Frame)
	go func() { f, _ := in.Next(t.Context()); got <- f }()
	out = newRing(t, path, larger)
	var f *reader.Frame
	for f == nil { // the first frames may be published before the reader is back
		select {
		case f = <-got:
		default:
			write(t, out, &larger, 1, 2)
		}
	}
	if f.Width != 32 || f.Description.Shape[2] != 32 || len(f.Data) != 4*3*8*32 {
		t.Errorf("after a new ring of another size: %+v", f.Description)
	}
}

func TestHangUpIsAnErrorWithoutReconnect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in, err := (&reader.Dialer{NoReconnect: true}).Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	write(t, out, &tensor, 1, 1)
	out.Close()
	if f, err := in.Next(t.Context()); err != nil || f.Sequence != 1 {
		t.Fatalf("the frame before the hang-up: %+v, %v", f, err)
	}
	if _, err := in.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Fatalf("Next: %v, want EOF", err)
	}
}

func TestDialSaysWhatIsWrong(t *testing.T) {
	_, err := reader.Dial(filepath.Join(t.TempDir(), "nobody.sock"))
	if err == nil || !strings.Contains(err.Error(), "nobody.sock") || !strings.Contains(err.Error(), "no such file") {
		t.Fatalf("%v", err)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	out := newRing(t, path, tensor)
	in := dial(t, path)
	ctx := t.Context()
	img := &preproc.Image{Spec: &tensor, Width: 16, Height: 8}
	dst := make([]byte, 4*3*8*16)
	allocs := testing.AllocsPerRun(1000, func() {
		img.Data = out.Lend()
		if err := out.Write(ctx, img); err != nil {
			t.Fatal(err)
		}
		f, err := in.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Copy(dst); err != nil || f.Float32s() == nil || f.Age() == 0 {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations a frame", allocs)
	}
}
