package agent

import "context"

// A baton is held by one at a time. Unlike a lock, it is not waited for longer than
// one likes.
type baton chan struct{}

func newBaton() baton {
	b := make(baton, 1)
	b.give()
	return b
}

// take returns an error only when ctx ends first.
func (b baton) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err // select would toss a coin
	}
	select {
	case <-b:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b baton) give() { b <- struct{}{} }
