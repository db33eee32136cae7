package reader

import (
	"errors"
	"math"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/agent/output/ring/wire"
	"github.com/edge-agent/agent/preproc/lens"
	"golang.org/x/sys/unix"
)

// ErrOvertaken: the agent wrote over the frame while it was in use.
var ErrOvertaken = errors.New("frame overtaken by newer ones")

// A Frame is one preprocessed image of a camera, in the agent's memory. It is
// good until the next call of a method of the [Reader].
type Frame struct {
	// Data is the tensor, densely packed in the order of Description.Shape, or
	// the file. It begins at a multiple of 64 bytes and cannot be written to.
	Data []byte
	// Description is that of the ring; another pointer means another one.
	Description *Description
	// Sequence counts the camera's frames; gaps are frames that the driver or
	// the agent dropped, and restarts of the agent. It goes back with a reboot only.
	Sequence uint64
	// Timestamp is the time of capture by the driver, Dequeued that of arrival
	// in the agent, Published that of being ready; by CLOCK_MONOTONIC, which is
	// the same for all processes of a machine.
	Timestamp, Dequeued, Published time.Duration
	// Verdict is 0 for a good frame, else what speaks against it.
	Verdict Verdict
	// Width and Height are in pixels.
	Width, Height int
	// Skipped is how many frames were published between this one and the one
	// that was returned before, or the connection.
	Skipped uint64

	// CameraWidth and CameraHeight are those of the camera's picture; 0 where
	// the agent does not say so.
	CameraWidth, CameraHeight int

	// Geometry is the affine part of ToCamera: X = [0]x + [1]y + [2] and
	// Y = [3]x + [4]y + [5] of the camera's picture, or of the undistorted one.
	Geometry [6]float64

	lens       lens.Lens    // for the camera's size
	lensOf     *Description // of which it is
	generation uint64
	slot       []byte
	fence      atomic.Uint64
}

// fill makes f the frame with this generation; it is false when the frame was
// overtaken, or is none.
func (f *Frame) fill(l *link, gen uint64) bool {
	start := l.desc.FirstSlot + wire.SlotOf(gen, l.desc.Slots)*l.desc.SlotSize
	f.slot, f.generation = l.mem[start:start+l.desc.SlotSize], gen
	if wire.BeginRead(f.slot) != gen {
		return false
	}
	var rec wire.Record
	rec.Parse(f.slot[:l.desc.HeaderSize])
	if !f.Valid() || rec.Length > uint64(l.desc.DataSize) {
		return false
	}
	f.Data = f.slot[l.desc.HeaderSize:][:rec.Length:rec.Length]
	f.Description = l.desc
	f.Sequence, f.Verdict, f.Geometry = rec.Sequence, Verdict(rec.Verdict), rec.Geometry
	f.Timestamp, f.Dequeued, f.Published = time.Duration(rec.Timestamp), time.Duration(rec.Dequeued), time.Duration(rec.Published)
	f.Width, f.Height = int(rec.Width), int(rec.Height)
	if f.Skipped = 0; gen > l.seen {
		f.Skipped = (gen-l.seen)/2 - 1
	}
	f.focus(int(rec.CameraWidth), int(rec.CameraHeight))
	return true
}

// Valid tells whether everything that was read from Data so far is this
// frame's. Ask it after the work, and throw the result away if it is false.
func (f *Frame) Valid() bool {
	return f.slot != nil && wire.StillValid(f.slot, f.generation, &f.fence)
}

// Copy copies Data to dst, which must have room for it, and returns the length.
// On [ErrOvertaken] dst holds a mix of frames.
func (f *Frame) Copy(dst []byte) (int, error) {
	n := copy(dst, f.Data)
	if n < len(f.Data) {
		return n, errors.New("copy frame: dst is too short")
	}
	if !f.Valid() {
		return n, ErrOvertaken
	}
	return n, nil
}

// Float32s is Data as the numbers that they are, without a copy; nil unless the
// description's DType is "float32".
func (f *Frame) Float32s() []float32 {
	if f.Description == nil || f.Description.DType != "float32" {
		return nil
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(f.Data))), len(f.Data)/4)
}

// focus takes the ring's lens for a camera of this size.
func (f *Frame) focus(width, height int) {
	same := f.CameraWidth == width && f.CameraHeight == height && f.lensOf == f.Description
	f.CameraWidth, f.CameraHeight, f.lensOf = width, height, f.Description
	if same {
		return
	}
	f.lens = lens.Lens{}
	if l := f.Description.Lens; l != nil {
		// The agent has none for a picture that the lens does not fit; a Limit
		// of 0 says so.
		if scaled, err := l.For(width, height); err == nil {
			f.lens = scaled
		} else {
			f.lens.Model = l.Model
		}
	}
}

// ToCamera gives the camera's coordinates of a point of the frame, both in pixels,
// where pixel i covers i to i+1. It undoes size, letterbox, flip, rotation and
// crop, and leads through the lens where the frame is undistorted. Both are NaN
// where the frame shows nothing that the lens lets through.
func (f *Frame) ToCamera(x, y float64) (float64, float64) {
	g := &f.Geometry
	return orNaN(f.lens.ToCamera(g[0]*x+g[1]*y+g[2], g[3]*x+g[4]*y+g[5]))
}

// FromCamera is the inverse of ToCamera. Both are NaN for a point that the
// undistorted picture has nowhere.
func (f *Frame) FromCamera(x, y float64) (float64, float64) {
	x, y = orNaN(f.lens.FromCamera(x, y))
	g := &f.Geometry
	d := g[0]*g[4] - g[1]*g[3]
	x, y = x-g[2], y-g[5]
	return (g[4]*x - g[1]*y) / d, (g[0]*y - g[3]*x) / d
}

func orNaN(x, y float64, ok bool) (float64, float64) {
	if !ok {
		return math.NaN(), math.NaN()
	}
	return x, y
}

// Age is the time since capture.
func (f *Frame) Age() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return 0 // Linux always has this clock
	}
	return time.Duration(now.Nano()) - f.Timestamp
}
