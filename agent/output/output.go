// Package output says what the end of a pipeline is: where preprocessed images
// leave the process. Its kinds are the inner rooms: ring (shared memory for
// local consumers) and files.
package output

import (
	"context"

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

// Leave closes o at the end of the process.
func Leave(o Output) error {
	if k, ok := o.(Keeper); ok {
		return k.Leave()
	}
	return o.Close()
}
