package capture

import (
	"context"
	"errors"
)

// A Source delivers the frames of one camera or recording.
//
// One goroutine reads. Read blocks until there is a frame, and returns within
// 100 ms of ctx's end even when the driver hangs. A Source starts no goroutine.
type Source interface {
	// Read returns the next frame, on loan until its Release. Frames that are
	// faulty are returned as well, see [Frame.Fault]; an error means that the
	// stream is at its end: io.EOF for a recording, one of the errors below
	// (wrapped) for a camera, ctx's error when it was cancelled.
	Read(ctx context.Context) (*Frame, error)

	// Format is what the device agreed to, which may not be what was asked for.
	Format() Format

	// Close stops the stream. Memory of frames still on loan stays valid until
	// they are released. It may block for as long as the driver does.
	Close() error
}

// A Restarter is a Source whose stream can begin anew on the open device, which
// is gentler than to open it again.
type Restarter interface {
	// Restart ends the stream, whatever became of it, and begins it anew in the
	// same mode. Whoever reads calls it, between two Reads. Frames on loan stay
	// so, and sequence numbers go on. It may block for as long as the driver
	// does. After an error only Close is left.
	Restart() error
}

// A Memory is memory in which frames of a Source lie, and a descriptor with which
// another process may map it, to read.
type Memory struct {
	FD   int
	Data []byte
}

// What can be wrong with a device. Sources wrap these, so that the owner can
// choose its next step with errors.Is.
var (
	// ErrNotFound: no device answers to the identity that was given.
	ErrNotFound = errors.New("no such camera")
	// ErrBusy: another program streams from the device.
	ErrBusy = errors.New("device busy")
	// ErrPermission: the device may not be opened, or not yet: udev gives the
	// permissions a moment after the kernel made the node.
	ErrPermission = errors.New("permission denied; the user must be in the group of the device, usually video")
	// ErrGone: the device was unplugged while it was open.
	ErrGone = errors.New("device gone")
	// ErrStalled: no frame within the stall deadline.
	ErrStalled = errors.New("no frame within the stall deadline")
	// ErrStream: the driver gave up the stream, and the device still answers:
	// it has to be opened again.
	ErrStream = errors.New("stream broken off")
	// ErrBandwidth: the bus has no room for this mode (ENOSPC at STREAMON).
	ErrBandwidth = errors.New("not enough bus bandwidth for this mode")
	// ErrMode: the device offers no mode that satisfies the request.
	ErrMode = errors.New("no mode satisfies the request")
)

// A Request is the mode that is wished for. Zero values mean: no wish.
type Request struct {
	// PixelFormat is the exact format, or 0 for the one that is cheapest to
	// preprocess among those that reach the size and rate.
	PixelFormat PixelFormat
	// Width and Height are in pixels: the nearest mode that is not smaller
	// wins, else the largest one.
	Width, Height int
	// Rate is in frames per second.
	Rate float64
}
