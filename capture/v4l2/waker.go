package v4l2

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// A waker ends a poll from another goroutine, through an eventfd.
type waker struct {
	fd int

	mu     sync.Mutex // held while the descriptor is used by wake
	closed bool

	// done is the channel of the context that wakes, stop takes that off. The
	// registration outlives a call, because making one allocates.
	done <-chan struct{}
	stop func() bool
}

func newWaker() (*waker, error) {
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	return &waker{fd: fd}, nil
}

// wake ends the current poll, or the next one. It may come late: nothing is
// written once the descriptor's number may belong to someone else.
func (w *waker) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	// It fails only when the counter is full, and then poll is awake anyway.
	_, _ = unix.Write(w.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

// drain forgets that it was woken.
func (w *waker) drain() {
	var count [8]byte
	_, _ = unix.Read(w.fd, count[:]) // EAGAIN: it was not woken
}

// follow lets the end of ctx wake. Only the first call for a context costs
// anything.
func (w *waker) follow(ctx context.Context) {
	if ctx.Done() == w.done {
		return
	}
	w.unfollow()
	if w.done = ctx.Done(); w.done != nil {
		w.stop = context.AfterFunc(ctx, w.wake)
	}
}

func (w *waker) unfollow() {
	if w.stop != nil {
		w.stop()
		w.stop, w.done = nil, nil
	}
}

func (w *waker) close() error {
	w.unfollow()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	return unix.Close(w.fd)
}
