package v4l2

import (
	"testing"
	"unsafe"

	"github.com/edge-agent/agent/capture"
)

// The buffers of a driver that exports them have descriptors, which live as
// long as the memory does.
func TestBuffersAreExported(t *testing.T) {
	before := descriptors(t)
	k := newKernel(t, capture.GREY)
	own := descriptors(t) - before
	k.exports = 100
	s := k.mustOpen(Config{Buffers: 3})
	memories := capture.MemoriesOf(s)
	if len(memories) != 3 {
		t.Fatalf("%d memories of 3 buffers", len(memories))
	}
	k.emit(picture64)
	f := mustRead(t, s)
	if m := memories[0]; unsafe.SliceData(f.Planes[0]) != unsafe.SliceData(m.Data) || len(m.Data) < len(f.Planes[0]) {
		t.Error("the first frame does not lie in the first memory")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if now := descriptors(t) - before - own; now != 1 {
		t.Errorf("%d descriptors while a frame is on loan", now)
	}
	f.Release()
	if now := descriptors(t) - before - own; now != 0 {
		t.Errorf("%d descriptors leaked", now)
	}
}

// A driver that does not export, or not all, streams all the same.
func TestDriverThatDoesNotExport(t *testing.T) {
	for exports := range 3 {
		before := descriptors(t)
		k := newKernel(t, capture.GREY)
		own := descriptors(t) - before
		k.exports = exports
		s := k.mustOpen(Config{Buffers: 3})
		if m := capture.MemoriesOf(s); m != nil {
			t.Errorf("%d exported: %v", exports, m)
		}
		k.emit(picture64)
		mustRead(t, s).Release()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if now := descriptors(t) - before - own; now != 0 {
			t.Errorf("%d exported: %d descriptors leaked", exports, now)
		}
	}
}
