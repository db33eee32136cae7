// Package reader gives a local process the frames of an agent's ring.
//
// What enters: the path of a ring's socket, such as /run/agent/front/model.sock.
// What leaves: [Frame] values whose Data lies in memory that the agent shares,
// so that nothing is copied; always the newest frame, never a queue of old ones.
//
// The agent does not wait for its readers. It writes over a frame when Slots-1
// newer ones were published, at 30 frames a second and 4 slots after 100 ms.
// Use the data first, then ask [Frame.Valid] whether it was the frame's own to
// the end; or take a [Frame.Copy].
//
// It allocates nothing a frame and never writes to the agent's memory: it cannot.
package reader

import (
	"context"
	"fmt"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/wire"
)

// A Description says what the frames of a ring look like.
type Description = wire.Description

// A Dialer has the options of connecting. The zero value is good.
type Dialer struct {
	// NoReconnect makes Next return the error when the agent hangs up, instead
	// of waiting for it to come back.
	NoReconnect bool
	// MinBackoff and MaxBackoff bound the pause between tries to connect again;
	// 100 ms and 5 s by default. The pause doubles from one try to the next.
	MinBackoff, MaxBackoff time.Duration
}

// handshake is how long an agent may take to describe its ring.
const handshake = 5 * time.Second

// A Reader receives the frames of one ring. One goroutine uses it and its
// frames; to end a Next that waits, cancel its context.
type Reader struct {
	dialer Dialer
	path   string
	link   *link // nil while the agent is away
	frame  Frame
}

// Dial connects to the ring at path, with the zero [Dialer].
func Dial(path string) (*Reader, error) { return new(Dialer).Dial(path) }

// Dial connects to the ring at path. It does not wait for an agent that is not
// there: the error says what is wrong with the path.
func (d *Dialer) Dial(path string) (*Reader, error) {
	r := &Reader{dialer: *d, path: path}
	if d.MinBackoff <= 0 {
		r.dialer.MinBackoff = 100 * time.Millisecond
	}
	if d.MaxBackoff <= 0 {
		r.dialer.MaxBackoff = 5 * time.Second
	}
	if err := r.connect(context.Background()); err != nil {
		return nil, err
	}
	return r, nil
}

// Next waits for a frame that is newer than the one it returned before, and
// newer than the connection, and returns the newest. The frame is the Reader's
// and is good until the next call of Next or Close.
//
// When the agent hangs up (a restart, or a camera that came back in another
// mode) Next connects again; the frame's Description may be another one then.
func (r *Reader) Next(ctx context.Context) (*Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if r.link == nil {
			if err := r.reconnect(ctx); err != nil {
				return nil, err
			}
		}
		err := r.link.next(ctx, &r.frame)
		if err == nil {
			return &r.frame, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r.hangUp()
		if r.dialer.NoReconnect {
			return nil, fmt.Errorf("read ring %s: %w", r.path, err)
		}
	}
}

// Description is that of the connection, nil while the agent is away.
func (r *Reader) Description() *Description {
	if r.link == nil {
		return nil
	}
	return r.link.desc
}

// Close hangs up and unmaps the frames: their Data must not be used any more.
func (r *Reader) Close() error {
	r.hangUp()
	return nil
}

func (r *Reader) hangUp() {
	r.frame = Frame{}
	if r.link != nil {
		r.link.close()
		r.link = nil
	}
}

func (r *Reader) connect(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, handshake)
	defer cancel()
	l, err := dial(ctx, r.path)
	if err != nil {
		return fmt.Errorf("connect to ring %s: %w", r.path, err)
	}
	r.link = l
	return nil
}

// reconnect tries until it is connected or ctx ends. After NoReconnect's error
// it tries once.
func (r *Reader) reconnect(ctx context.Context) error {
	for pause := r.dialer.MinBackoff; ; pause = min(2*pause, r.dialer.MaxBackoff) {
		err := r.connect(ctx)
		if err == nil || r.dialer.NoReconnect {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
