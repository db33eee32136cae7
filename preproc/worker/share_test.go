package worker

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// lent is a frame whose plane lies in memory that the child can map.
func lent(t *testing.T, sequence uint64) (*capture.Frame, []capture.Memory) {
	t.Helper()
	m, err := newArea(2 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.close() })
	f := grey(sequence)
	f.Planes[0] = m.data[100:][:copy(m.data[100:], f.Planes[0])]
	return f, []capture.Memory{{FD: m.fd, Data: m.data}}
}

// mapped is what a process has mapped of our shared memory, one line each.
func mapped(t *testing.T, pid int) (lines []string) {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "memfd:edge-agent") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// Frames in memory that the source shares are read where they are, and cannot
// be written; in other memory, and when it is no longer shared, they are copied.
func TestFramesAreReadInPlace(t *testing.T) {
	r := open(t, "good", nil)
	f, memories := lent(t, 7)
	r.ShareFrames(memories)
	process := func(f *capture.Frame, want byte, at place) {
		t.Helper()
		if _, err := r.Process(t.Context(), f, r.images); err != nil {
			t.Fatal(err)
		}
		if got := r.images[0].Data; !bytes.Equal(got, bytes.Repeat([]byte{want}, len(got))) {
			t.Errorf("%d, want %d", got[0], want)
		}
		if got := r.request.Planes[0]; got != at {
			t.Errorf("the frame was read from %+v, want %+v", got, at)
		}
	}
	there, copied := place{1, span{100, 64 * 48}}, place{0, span{0, 64 * 48}}
	process(f, 7, there)
	for i := range f.Planes[0] {
		f.Planes[0][i] = 9
	}
	process(f, 9, there)
	process(grey(3), 3, copied)
	process(f, 9, there)
	maps := mapped(t, r.child.pid)
	if len(maps) != 2 || strings.Contains(maps[0], " r--s ") == strings.Contains(maps[1], " r--s ") {
		t.Errorf("the child has mapped %q", maps)
	}
	pid := r.child.pid
	r.ForgetFrames()
	if r.child.pid == pid || len(mapped(t, r.child.pid)) != 0 {
		t.Error("a child has still mapped the frames")
	}
	process(f, 9, copied)
	if len(r.gone) != 0 {
		t.Errorf("replaced: %+v", r.gone)
	}
}

// Memory that frames lie in is none that images are written to.
func TestImagesAreNotWrittenIntoFrames(t *testing.T) {
	r := open(t, "good", nil)
	f, memories := lent(t, 7)
	r.ShareFrames(memories)
	r.images[0].Data = memories[0].Data[pageSize:][:0:pageSize]
	if _, err := r.Process(t.Context(), f, r.images); err != nil {
		t.Fatal(err)
	}
	if at := r.request.Images[0]; at.Memory != 0 || memories[0].Data[pageSize] != 7 {
		t.Errorf("written to %+v", at)
	}
}

// A child is told of memory before its first frame, and never after it: when
// there is other memory, another child is told.
func TestChildIsToldOfMemoryOnce(t *testing.T) {
	r := open(t, "good", nil)
	r.good(t, 1)
	first := r.child.pid
	other := grey(2)
	other.Format.Range = capture.Limited // another format, which fits
	if _, err := r.Process(t.Context(), other, r.images); err != nil {
		t.Fatal(err)
	}
	if r.child.pid != first {
		t.Error("another child for a format for which there is room")
	}
	if err := r.introduce(); err != nil { // as nobody does
		t.Fatal(err)
	}
	// It may be dead before the frame comes, which another child takes then.
	_, err := r.Process(t.Context(), grey(3), r.images)
	if len(r.gone) != 1 || !strings.Contains(r.gone[0].Cause+r.gone[0].Trace, "introduced twice") || err != nil && !r.gone[0].InFrame {
		t.Errorf("%v, replaced: %+v", err, r.gone)
	}
	r.good(t, 4)
	second := r.child.pid
	_, memories := lent(t, 5)
	r.Share(Memory{FD: memories[0].FD, Data: memories[0].Data})
	r.good(t, 5)
	if r.child.pid == second || len(r.gone) != 1 {
		t.Errorf("told again, or of a fault: %+v", r.gone)
	}
}

// More buffers than a message carries descriptors for are copied.
func TestTooManyBuffersAreCopied(t *testing.T) {
	r := open(t, "good", nil)
	f, memories := lent(t, 7)
	for len(memories) < maxMemories {
		memories = append(memories, memories[0])
	}
	r.ShareFrames(memories[:maxMemories-1])
	if _, err := r.Process(t.Context(), f, r.images); err != nil || r.request.Planes[0].Memory == 0 {
		t.Errorf("%v, %+v", err, r.request.Planes[0])
	}
	r.ForgetFrames()
	r.ShareFrames(memories)
	if _, err := r.Process(t.Context(), f, r.images); err != nil || r.request.Planes[0].Memory != 0 {
		t.Errorf("%v, %+v", err, r.request.Planes[0])
	}
}

// A child can write where images go, and to nothing between: no header, and
// nothing behind the last one.
func TestChildCannotWriteBesideImages(t *testing.T) {
	r := open(t, "vandal-3", nil)
	m, err := newArea(6 * pageSize)
	if err != nil {
		t.Fatal(err)
	}
	defer m.close()
	r.Share(Memory{FD: m.fd, Data: m.data, First: 2 * pageSize, Step: 2 * pageSize, Length: pageSize})
	for n := range uint64(6) {
		at := (2 + 2*(n%2)) * pageSize
		r.images[0].Data = m.data[at:][:0:pageSize]
		if n == 3 {
			r.bad(t, n, preproc.ReasonCrashed)
			continue
		}
		r.good(t, n)
		if r.request.Images[0] != (place{1, span{at, 32 * 24}}) || m.data[at] != byte(n) {
			t.Errorf("written to %+v", r.request.Images[0])
		}
	}
	for _, page := range []int{0, 1, 3, 5} {
		if !bytes.Equal(m.data[page*pageSize:][:pageSize], make([]byte, pageSize)) {
			t.Errorf("page %d was written", page)
		}
	}
}
