package reader

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// handshake is how long an agent may take to describe its ring.
const handshake = 5 * time.Second

var errSilent = errors.New("no description")

// reach is true when the reader is connected and knows the ring. It waits for
// nothing: not for the pause after a failure, and not for the description.
func (r *Reader) reach() bool {
	if r.link == nil {
		if time.Now().Before(r.retry) {
			return false
		}
		l, err := connect(r.path)
		if err != nil {
			r.fail(err)
			return false
		}
		r.link, r.why = l, errSilent
	}
	if r.link.desc != nil {
		return true
	}
	err := r.link.poll()
	if err == nil && r.link.desc == nil && time.Since(r.link.begun) > handshake {
		err = errSilent
	}
	if err != nil {
		r.fail(err)
		return false
	}
	return r.link.desc != nil
}

// reconnect tries until it is connected or ctx ends; with NoReconnect it tries
// once.
func (r *Reader) reconnect(ctx context.Context) error {
	if r.link != nil && r.link.desc != nil {
		return nil
	}
	for {
		err := r.connectOnce(ctx)
		if err == nil || r.dialer.NoReconnect {
			return err
		}
		select {
		case <-time.After(time.Until(r.retry)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connectOnce is reach, and waits for the description.
func (r *Reader) connectOnce(ctx context.Context) error {
	for !r.reach() {
		if r.link == nil {
			return fmt.Errorf("connect to ring %s: %w", r.path, r.why)
		}
		described, cancel := context.WithDeadline(ctx, r.link.begun.Add(handshake))
		err := r.link.next(described, &r.frame)
		cancel()
		if err != nil && ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.fail(err)
		}
	}
	return nil
}

// lose is what follows when an agent hung up: nil when another one is to be
// looked for.
func (r *Reader) lose(err error) error {
	r.fail(err)
	if r.dialer.NoReconnect {
		return fmt.Errorf("read ring %s: %w", r.path, err)
	}
	return nil
}

// fail hangs up, and says when to try again. The pause grows until a frame comes,
// or an agent that hangs up at once would be asked without end.
func (r *Reader) fail(why error) {
	r.hangUp()
	if errors.Is(why, context.DeadlineExceeded) {
		why = errSilent
	}
	r.why, r.retry = why, time.Now().Add(r.pause)
	r.pause = min(max(2*r.pause, r.dialer.MinBackoff), r.dialer.MaxBackoff)
}

func (r *Reader) hangUp() {
	r.frame = Frame{}
	if r.link != nil {
		r.link.close()
		r.link = nil
	}
}
