// Package output says what the end of a pipeline is: where preprocessed images
// leave the process. Its kinds are the inner rooms: ring (shared memory for
// local consumers), files, pipe (a command's standard input), gst (for GStreamer),
// v4l2 (a video output node) and web (HTTP). Two more have no end of their own:
// door makes the sockets of ring and gst, stream the formats of pipe and of
// `agent process`.
package output

import (
	"context"
	"errors"

	"github.com/edge-agent/agent/preproc"
)

// An Output hands images on. One goroutine calls it; it never blocks the
// pipeline: what it cannot take at once, it drops and counts.
type Output interface {
	// Write borrows img until it returns.
	Write(ctx context.Context, img *preproc.Image) error
	Close() error
}

// A Lender is an Output that lends the memory into which the next image should
// be written, so that nothing is copied on the way out.
type Lender interface {
	Output
	// Lend returns a buffer of Spec.MaxBytes capacity. It is valid until the
	// next call of Write or Lend; an image that never gets written costs nothing.
	Lend() []byte
}

// A Sharer is a Lender whose memory another process may map and write to.
type Sharer interface {
	Lender
	// Memory is all that Lend ever lends from. It is good until Close.
	Memory() Memory
}

// A Memory is a file in memory, where Lend's buffers begin at First and every
// Step after it. Each has the Length bytes from there to itself, whole pages in
// which nothing else lies: no more need be mapped to write images.
type Memory struct {
	FD                  int
	Data                []byte
	First, Step, Length int
}

// A Keeper is an Output whose consumers need not notice that the process ends
// and another one goes on.
type Keeper interface {
	Output
	// Leave is Close at the end of the process.
	Leave() error
}

// ErrUnwanted is what Write returns for an image that the output has no use for:
// nobody looked at a [Lazy] one any more, or the config wants others. It is no
// failure, and the image does not count as taken.
var ErrUnwanted = errors.New("nobody wants the image")

// A Lazy output wants images only while somebody looks at them.
type Lazy interface {
	Output
	// Wanted may change at any time; what is wanted now gets the next image.
	Wanted() bool
}

// Wanted says whether o has a use for the next image.
func Wanted(o Output) bool {
	l, ok := o.(Lazy)
	return !ok || l.Wanted()
}

// An Ailing output takes images that nothing may come of: a disk is full, a
// device is gone.
type Ailing interface {
	Output
	// Err is why nothing comes of images at the moment, nil while all is well.
	Err() error
}

// A Reporter is an Output that tells how it is doing.
type Reporter interface {
	Output
	// Report may be called from any goroutine, also after Close.
	Report() Report
}

// A Report says how an output is doing. Counters are since it was opened.
type Report struct {
	// Kind is the word of the config, such as ring or gst-shm.
	Kind string
	// Address is where images go: a socket, a directory.
	Address string
	// Consumers is how many take images now.
	Consumers int
	// Delivered counts images that were taken, by each consumer if there are
	// several; Missed those that one did not get.
	Delivered, Missed uint64
	// Err is why nothing comes of images at the moment, nil while all is well.
	Err error
}

// Leave closes o at the end of the process.
func Leave(o Output) error {
	if k, ok := o.(Keeper); ok {
		return k.Leave()
	}
	return o.Close()
}
