// Package reader gives a local process the frames of an agent's ring.
//
// What enters: the name of a camera and of its output, or the path of a ring's
// socket. What leaves: [Frame] values whose Data lies in memory that the agent
// shares, so that nothing is copied; always the newest frame, never a queue of
// old ones.
//
// There are three ways to ask, the same as in the agent's Python module and its C
// header: [Reader.Newest] waits for nothing, [Reader.Next] waits for a frame that
// was not returned before, [Reader.NextWithin] does so for a time. All of them
// connect again by themselves when the agent hung up.
//
// The agent does not wait for its readers. It writes over a frame when Slots-1
// newer ones were published, at 30 frames a second and 4 slots after 100 ms.
// Use the data first, then ask [Frame.Valid] whether it was the frame's own to
// the end; or take a [Frame.Copy].
//
// It allocates nothing a frame and never writes to the agent's memory: it cannot.
package reader

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/wire"
)

// A Description says what the frames of a ring look like.
type Description = wire.Description

var (
	// ErrNone: there is no frame, or no newer one yet. The camera may be away, or
	// is slower than the reader.
	ErrNone = errors.New("no frame")
	// ErrAway: no agent serves the ring at the moment. The next call tries again.
	ErrAway = errors.New("agent is away")
)

// RunVariable names the environment variable with the agent's runtime directory.
const RunVariable = "EDGE_AGENT_RUN"

// Path is where an agent has the socket of a camera's output: below the directory
// that the environment names in EDGE_AGENT_RUN, else below /run/agent.
func Path(camera, output string) string {
	return filepath.Join(cmp.Or(os.Getenv(RunVariable), "/run/agent"), camera, output+".sock")
}

// A Dialer has the options of connecting. The zero value is good.
type Dialer struct {
	// Later makes Dial succeed when the agent is not there yet.
	Later bool
	// NoReconnect makes Next return the error when the agent hangs up, instead
	// of waiting for it to come back.
	NoReconnect bool
	// MinBackoff and MaxBackoff bound the pause between tries to connect again;
	// 100 ms and 5 s by default. The pause doubles from one try to the next, the
	// first of which comes at once.
	MinBackoff, MaxBackoff time.Duration
}

// A Reader receives the frames of one ring. One goroutine uses it and its
// frames; to end a Next that waits, cancel its context.
type Reader struct {
	dialer Dialer
	path   string
	link   *link // nil while the agent is away
	frame  Frame

	why   error         // the agent is away
	pause time.Duration // after the next failure; 0 once a frame came
	retry time.Time     // not before, after a failure
}

// DialOutput connects to the ring of a camera's output, by [Path].
func DialOutput(camera, output string) (*Reader, error) { return Dial(Path(camera, output)) }

// Dial connects to the ring at path, with the zero [Dialer].
func Dial(path string) (*Reader, error) { return new(Dialer).Dial(path) }

// Dial connects to the ring at path. Unless Later is set it does not wait for an
// agent that is not there: the error says what is wrong with the path.
func (d *Dialer) Dial(path string) (*Reader, error) {
	r := &Reader{dialer: *d, path: path}
	if d.MinBackoff <= 0 {
		r.dialer.MinBackoff = 100 * time.Millisecond
	}
	if d.MaxBackoff <= 0 {
		r.dialer.MaxBackoff = 5 * time.Second
	}
	r.pause = r.dialer.MinBackoff
	if err := r.connectOnce(context.Background()); err != nil && !d.Later {
		return nil, err
	}
	return r, nil
}

// Newest is the newest frame that there is, also one that was returned before or
// published before the connection. It waits for nothing: the error is [ErrNone]
// when nothing was published yet, and [ErrAway], with the reason, while no agent
// is there. The frame is the Reader's and is good until its next call.
func (r *Reader) Newest() (*Frame, error) {
	for range 2 { // for the agent that follows one which hung up
		if !r.reach() {
			break
		}
		found, err := r.link.newest(&r.frame)
		switch {
		case err != nil:
			if err = r.lose(err); err != nil {
				return nil, err
			}
		case found:
			return r.deliver(), nil
		default:
			return nil, ErrNone
		}
	}
	return nil, r.away()
}

// Next waits for a frame that is newer than the one returned before, and newer
// than the connection, and returns the newest. The frame is the Reader's and is
// good until its next call.
//
// When the agent hangs up (a restart, or a camera that came back in another
// mode) Next connects again; the frame's Description may be another one then.
func (r *Reader) Next(ctx context.Context) (*Frame, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := r.reconnect(ctx); err != nil {
			return nil, err
		}
		err := r.link.next(ctx, &r.frame)
		if err == nil {
			return r.deliver(), nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err = r.lose(err); err != nil {
			return nil, err
		}
	}
}

// NextWithin is Next for a limited time, after which the error is [ErrNone], or
// [ErrAway], with the reason, when no agent is there. A limit of 0 waits for
// nothing.
func (r *Reader) NextWithin(limit time.Duration) (*Frame, error) {
	deadline := time.Now().Add(limit)
	for {
		if !r.reach() {
			ctx, cancel := context.WithDeadline(context.Background(), deadline)
			err := r.reconnect(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				err = r.away()
			}
			if err != nil {
				return nil, err
			}
		}
		err := r.link.nextBefore(deadline, &r.frame)
		switch {
		case err == nil:
			return r.deliver(), nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil, ErrNone
		}
		if err = r.lose(err); err != nil {
			return nil, err
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

func (r *Reader) deliver() *Frame {
	r.pause = 0
	return &r.frame
}

func (r *Reader) away() error { return fmt.Errorf("read ring %s: %w: %w", r.path, ErrAway, r.why) }
