package ring_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unsafe"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
)

func connect(t *testing.T, path string) *reader.Reader {
	t.Helper()
	in, err := reader.Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return in
}

func next(t *testing.T, in *reader.Reader) *reader.Frame {
	t.Helper()
	f, err := in.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestOwnMemoryIsCopiedAndLentMemoryIsNot(t *testing.T) {
	r, path := open(t, nil)
	in := connect(t, path)
	img := &preproc.Image{Spec: &pixels, Width: 64, Height: 32, Data: r.Lend()}
	lent := img.Data
	if err := r.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	f := next(t, in)
	lent[0] = 99 // the writer's view of the very memory that the reader sees
	if f.Data[0] != 99 {
		t.Error("lent memory was copied")
	}
	img.Data = make([]byte, 64*32*3)
	img.Data[5] = 55
	if err := r.Write(t.Context(), img); err != nil {
		t.Fatal(err)
	}
	f = next(t, in)
	img.Data[5] = 0
	if f.Data[5] != 55 {
		t.Error("the frame changed with the caller's memory")
	}
}

func TestImageThatIsNeverWrittenCostsNothing(t *testing.T) {
	r, path := open(t, nil)
	in := connect(t, path)
	first := r.Lend()
	for range 10 {
		if again := r.Lend(); unsafe.SliceData(again) != unsafe.SliceData(first) {
			t.Fatal("a slot was given up")
		}
	}
	publish(t, r, &pixels, 3)
	if f := next(t, in); f.Sequence != 3 || f.Skipped != 0 || !f.Valid() {
		t.Fatalf("%+v", f)
	}
}

func TestImageThatBeliesTheDescriptionIsRefused(t *testing.T) {
	r, _ := open(t, nil)
	for name, img := range map[string]preproc.Image{
		"another size": {Width: 65, Height: 32, Data: make([]byte, 65*32*3)},
		"too short":    {Width: 64, Height: 32, Data: make([]byte, 64*32*3-1)},
		"too long":     {Width: 64, Height: 32, Data: make([]byte, 64*32*3+1)},
		"empty":        {Width: 64, Height: 32},
	} {
		if err := r.Write(context.Background(), &img); err == nil {
			t.Errorf("%s: published", name)
		}
	}
	if s := r.Stats(); s.Published != 0 {
		t.Errorf("%+v", s)
	}
}

func TestFilesVaryInLength(t *testing.T) {
	spec := preproc.Spec{Name: "preview", Width: 64, Height: 32, Encode: preproc.JPEG}
	r, path := open(t, func(c *ring.Config) { c.Spec, c.MaxBytes = spec, 1000 })
	in := connect(t, path)
	img := &preproc.Image{Width: 64, Height: 32}
	for _, n := range []int{1, 1000, 17} {
		img.Data = r.Lend()[:n]
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		if f := next(t, in); len(f.Data) != n || f.Description.Shape != nil || f.Description.Encode != "jpeg" {
			t.Fatalf("%d bytes, want %d; %+v", len(f.Data), n, f.Description)
		}
	}
	img.Data = make([]byte, 1001)
	if err := r.Write(t.Context(), img); err == nil || !strings.Contains(err.Error(), "1 to 1000 fit") {
		t.Fatalf("%v", err)
	}
}

func TestLentMemoryHoldsTheLongestImage(t *testing.T) {
	for _, spec := range []preproc.Spec{
		{Encode: preproc.JPEG, Quality: 100},
		{DType: preproc.Float16, Layout: preproc.CHW, Color: preproc.Gray},
	} {
		r, _ := open(t, func(c *ring.Config) { c.Spec, c.Width, c.Height = spec, 33, 17 })
		if lent, want := r.Lend(), spec.MaxBytes(33, 17); len(lent) != want || cap(lent) != want {
			t.Errorf("%v: %d of %d bytes lent, want %d", spec.Encode, len(lent), cap(lent), want)
		}
	}
}

func TestConfigFaultsAreNamed(t *testing.T) {
	for want, change := range map[string]func(*ring.Config){
		"image of 0x32":       func(c *ring.Config) { c.Spec.Width = 0 },
		"slots of 10 bytes":   func(c *ring.Config) { c.MaxBytes = 10 },
		"1 slots":             func(c *ring.Config) { c.Slots = 1 },
		"names of 5 and 256":  func(c *ring.Config) { c.Spec.Name = strings.Repeat("x", 256) },
		"slots of 4294967297": func(c *ring.Config) { c.MaxBytes = 1<<32 + 1 },
	} {
		cfg := ring.Config{Socket: t.TempDir() + "/s", Camera: "front", Spec: pixels}
		change(&cfg)
		if _, err := ring.New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestClosedRingTakesNothing(t *testing.T) {
	r, _ := open(t, nil)
	r.Close()
	if r.Lend() != nil {
		t.Error("memory lent")
	}
	img := &preproc.Image{Width: 64, Height: 32, Data: make([]byte, 64*32*3)}
	if err := r.Write(t.Context(), img); !errors.Is(err, ring.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
