package capture

import (
	"sync/atomic"
	"time"
)

// MaxPlanes is the most planes that any [PixelFormat] has.
const MaxPlanes = 4

// A Frame is one picture on loan from its [Source].
//
// It has one holder at a time, who hands it on or calls Release, exactly once.
// Planes are valid until then, and only for reading.
type Frame struct {
	// Format says how Planes are to be read. It may differ from the frame
	// before: the source says what it delivered, not what was asked.
	Format Format

	// Planes holds Format.Planes() slices: the planes of the pixel format in
	// its own order (NV12: Y, then interleaved CbCr), wherever the driver put
	// them. For raw formats plane i has at least
	// Format.Stride[i]*(rows-1)+row bytes, unless Fault says otherwise. For
	// compressed formats plane 0 is the bitstream, cut to the bytes used.
	Planes [MaxPlanes][]byte

	// Sequence is the driver's frame counter, widened so that it never wraps
	// and counted on from the first frame of this Source.
	Sequence uint64

	// Lost is how many frames the driver dropped between the frame that was
	// read before this one and this one (a gap in its counter).
	Lost uint64

	// Timestamp is the time of capture by CLOCK_MONOTONIC, as the driver gave it.
	Timestamp time.Duration

	// Dequeued is when the frame reached this process, by CLOCK_MONOTONIC.
	Dequeued time.Duration

	// Fault is what is wrong with the frame, as far as can be seen without
	// decoding it. A faulty frame is handed out so that it can be counted and
	// kept as evidence; its pixels must not be published.
	Fault Fault

	lender Lender
	lent   atomic.Bool
}

// A Lender takes back the frames that it lent. Return may be called from any
// goroutine, also after the Source was closed, and must not block.
type Lender interface{ Return(*Frame) }

// Lend marks f as handed out by l. Sources call it just before Read returns f.
func (f *Frame) Lend(l Lender) {
	if f.lent.Swap(true) {
		panic("capture: frame lent twice")
	}
	f.lender = l
}

// Release gives the frame back to its source. It panics when called twice,
// because the second call would hand out memory that the driver is filling.
func (f *Frame) Release() {
	if !f.lent.Swap(false) {
		panic("capture: frame released twice")
	}
	f.lender.Return(f)
}

// A Fault is a defect of a frame that its source noticed. Its String is the
// name of the drop in counters, logs and metrics.
type Fault uint8

// The faults, in the order in which they are looked for.
const (
	FaultNone Fault = iota
	// FaultErrorFlag: the driver set V4L2_BUF_FLAG_ERROR; the data may be damaged.
	FaultErrorFlag
	// FaultShort: fewer bytes than the negotiated geometry needs, or none.
	FaultShort
	// FaultCorrupt: a JPEG that does not begin with SOI or lacks its EOI.
	FaultCorrupt
	// FaultStale: the capture time is not later than that of the frame before.
	FaultStale
)

var faultNames = [...]string{"none", "error-flag", "short", "corrupt", "stale"}

func (f Fault) String() string { return faultNames[f] }
