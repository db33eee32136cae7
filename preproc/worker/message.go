package worker

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// What a request asks for.
const (
	askFrame  = iota + 1
	askMemory // the next message is a [setup] with descriptors
	askKnown  // as askFrame, by a processor made for it
)

// A span is a part of a shared memory, in bytes.
type span struct{ Offset, Length uint64 }

// A place is where a plane lies, or an image goes; the span is its room.
type place struct {
	Memory int64 // index in the setup; notDue for an image that is not made
	span
}

const notDue = -1

// A request is one frame. It has fixed-width fields and no pointer: its memory
// is the message.
type request struct {
	Ask    uint64
	Serial uint64 // which the answer repeats

	Sequence      uint64
	PixelFormat   uint32
	Matrix, Range uint16
	Width, Height int64
	Stride        [capture.MaxPlanes]int64
	Planes        [capture.MaxPlanes]place
	Images        [preproc.MaxOutputs]place
	Bordered      uint64 // bit i: image i has the border that this child drew
}

// An answer is what a child says of a frame. Nothing of it is true until check
// has passed.
type answer struct {
	Serial  uint64
	Status  uint32 // done, or refused + preproc.Reason
	_       uint32
	Measure preproc.Measure
	Lengths [preproc.MaxOutputs]uint64
	Detail  [200]byte // of a refusal; ends at a zero
}

const (
	done    = 0
	refused = 1
)

// ready is the serial of the first answer, which says that the child has
// passed its self-test and is sandboxed. Its first length is the number of the
// thread that does the work.
const ready = 0

// A setup is sent as JSON, with one descriptor for each memory.
type setup struct {
	View     preproc.View
	Specs    []preproc.Spec
	Memories []told
}

// told is what a child is told of a memory.
type told struct {
	Size     int // in bytes
	ReadOnly bool
	Windows  windows
}

// maxMemories is how many a child is told of: the descriptors go in one
// message, and it may have 64 of them.
const maxMemories = 48

const maxSetup = 64 << 10

// memoryOf is the message that m is.
func memoryOf[T request | answer](m *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(m)), unsafe.Sizeof(*m))
}

// check finds what an answer that came in n bytes cannot be: the images that
// were asked for have exactly the bytes of a tensor, or some of the room of a
// file, and a refusal has a reason that a child may give.
func (a *answer) check(n int, r *request, shapes []shape) error {
	switch {
	case n != len(memoryOf(a)):
		return fmt.Errorf("an answer of %d bytes", n)
	case a.Serial != r.Serial:
		return fmt.Errorf("an answer to frame %d of this child when asked for %d", a.Serial, r.Serial)
	case a.Status > refused+uint32(preproc.ReasonUnsupported):
		return fmt.Errorf("status %d", a.Status)
	case a.Status != done:
		return nil
	}
	if err := plausible(&a.Measure); err != nil {
		return err
	}
	for i, s := range shapes {
		length, room := a.Lengths[i], uint64(s.maxBytes)
		if r.Images[i].Memory == notDue {
			continue
		}
		if length == 0 || length > room || s.exact && length != room {
			return fmt.Errorf("output %d of %d bytes, where %d are allowed", i, length, room)
		}
	}
	return nil
}

// refusal is the error that an answer carries, which was checked.
func (a *answer) refusal() *preproc.Error {
	detail, _, _ := bytes.Cut(a.Detail[:], []byte{0})
	return &preproc.Error{Reason: preproc.Reason(a.Status - refused), Detail: printable(detail)}
}

// plausible finds what no picture has: no comparison holds for a NaN, so that
// it would pass for a good frame.
func plausible(m *preproc.Measure) error {
	for _, luma := range [...]float32{m.LumaLow, m.LumaMean, m.LumaHigh} {
		if !(luma >= 0 && luma <= 255) {
			return fmt.Errorf("a luma of %v", luma)
		}
	}
	if !(m.Sharpness >= 0 && m.Sharpness <= math.MaxFloat32) {
		return fmt.Errorf("a sharpness of %v", m.Sharpness)
	}
	return nil
}

// printable is what the child said, fit for a terminal: no escape sequences.
func printable(said []byte) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return '?'
		}
		return r
	}, string(said))
}
