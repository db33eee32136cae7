package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/capture"
)

// maxPassed is how many frames are passed over at most for one that is read.
// Where this does not catch up, the recording goes on later instead: passing
// over takes time too, and could go on for ever at a rate that is too high for
// the machine.
const maxPassed = 100

// A source gives the frames of a recording their sequence and their time.
type source struct {
	recording recording
	name      string
	cfg       Config
	format    capture.Format // of the first frame
	pool      *pool
	first     *slot // read ahead to learn the format, nil once delivered
	closed    atomic.Bool

	sequence uint64        // of the next frame
	lost     uint64        // passed over since the last frame that was read
	epoch    time.Duration // when frame 0 was due, by capture.Monotonic
	stamped  time.Duration // the last frame's Timestamp
	timer    *time.Timer
}

func newSource(rec recording, name string, cfg Config) (*source, error) {
	s := &source{recording: rec, name: name, cfg: cfg, pool: newPool(cfg.Buffers)}
	s.timer = time.NewTimer(0)
	s.timer.Stop()
	if cfg.Rate < 0 || cfg.Buffers < 0 {
		return nil, errors.Join(fmt.Errorf("replay %s: negative rate or number of buffers", name), rec.Close())
	}
	s.first = <-s.pool.free
	if err := s.next(s.first); err != nil {
		if errors.Is(err, io.EOF) {
			err = fmt.Errorf("replay %s: no frame in it", name)
		}
		return nil, errors.Join(err, rec.Close())
	}
	s.format = s.first.frame.Format
	return s, nil
}

// findSize looks further when the first frame is too damaged to tell the size
// of the picture, and then returns to it.
func (s *source) findSize() error {
	const patience = 100
	if s.format.Width != 0 {
		return nil
	}
	for n := 1; s.format.Width == 0; n++ {
		err := s.next(s.first)
		switch {
		case err != nil && !errors.Is(err, io.EOF):
			return err
		case err != nil || n == patience:
			return fmt.Errorf("replay %s: none of its first %d frames tells its size", s.name, n)
		}
		s.format = s.first.frame.Format
	}
	if err := s.recording.rewind(); err != nil {
		return err
	}
	return s.next(s.first)
}

// Format is that of the first frame. Stills and JPEGs may change it.
func (s *source) Format() capture.Format { return s.format }

// Read waits until a buffer is free and the next frame is due.
func (s *source) Read(ctx context.Context) (*capture.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, fmt.Errorf("read %s: %w", s.name, os.ErrClosed)
	}
	to, err := s.slot(ctx)
	if err != nil {
		return nil, err
	}
	f, err := s.fill(ctx, to)
	if err != nil {
		if to != s.first {
			s.pool.free <- to
		}
		return nil, err
	}
	f.Lend(to)
	return f, nil
}

// slot is a free buffer, or the one that holds the first frame.
func (s *source) slot(ctx context.Context) (*slot, error) {
	if s.first != nil {
		return s.first, nil
	}
	select {
	case to := <-s.pool.free:
		return to, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (s *source) fill(ctx context.Context, to *slot) (*capture.Frame, error) {
	due, err := s.pace(ctx, to)
	if err != nil {
		return nil, err
	}
	if to == s.first {
		s.first = nil
	} else if err := s.next(to); err != nil {
		return nil, err
	}
	f := &to.frame
	f.Sequence, f.Lost = s.sequence, s.lost
	f.Timestamp, f.Dequeued = due, capture.Monotonic()
	s.sequence, s.lost, s.stamped = s.sequence+1, 0, due
	return f, nil
}

// pace waits until the next frame is due and says when that was. A camera goes
// on filling the buffers that are free, so a reader gets what he is late for;
// later than that, frames were lost and he gets the newest.
func (s *source) pace(ctx context.Context, to *slot) (due time.Duration, err error) {
	now := capture.Monotonic()
	if s.sequence == 0 {
		s.epoch, s.stamped = now, now-1
	}
	if s.cfg.Unpaced {
		return max(now, s.stamped+1), nil // no two frames are of one time
	}
	late, free := now-s.due(), len(s.pool.free)+1
	switch {
	case s.cfg.Lossless && late >= s.format.Interval:
		s.epoch += late
	case !s.cfg.Lossless && late >= time.Duration(free)*s.format.Interval:
		err = s.pass(ctx, to, int(min(late/s.format.Interval, maxPassed)))
		s.epoch += max(0, now-s.due()) / s.format.Interval * s.format.Interval
	}
	if err == nil {
		err = s.wait(ctx, s.due()-capture.Monotonic())
	}
	return s.due(), err
}

// due is the time of the next frame.
func (s *source) due() time.Duration {
	return s.epoch + time.Duration(s.sequence)*s.format.Interval
}

// pass reads over n frames. The next one that is delivered tells of them; when
// the recording ends before, nobody does.
func (s *source) pass(ctx context.Context, to *slot, n int) error {
	for range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.next(to); err != nil {
			return err
		}
		s.sequence++
		s.lost++
	}
	return nil
}

func (s *source) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	s.timer.Reset(d)
	select {
	case <-s.timer.C:
		return nil
	case <-ctx.Done():
		s.timer.Stop()
		return ctx.Err()
	}
}

// next reads a frame and begins again at the end if it may.
func (s *source) next(to *slot) error {
	err := s.recording.next(to)
	if errors.Is(err, io.EOF) && s.cfg.Loop && s.first == nil {
		if err = s.recording.rewind(); err == nil {
			err = s.recording.next(to)
		}
	}
	if err != nil {
		return err
	}
	f := &to.frame.Format
	if f.Width == 0 {
		f.Width, f.Height = s.format.Width, s.format.Height
	}
	f.Interval = s.interval(f.Interval)
	return nil
}

// interval is the time between frames, own being the recording's. It is kept
// where it can be divided by and multiplied.
func (s *source) interval(own time.Duration) time.Duration {
	if s.cfg.Rate > 0 {
		return time.Duration(max(1e3, min(float64(time.Second)/s.cfg.Rate, float64(time.Hour))))
	}
	if own > 0 {
		return max(time.Microsecond, min(own, time.Hour))
	}
	return time.Second / defaultRate
}

// Close closes the file. Frames on loan stay valid.
func (s *source) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return s.recording.Close()
}
