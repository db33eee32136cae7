package v4l2

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A stream is a camera that streams. It is the [capture.Source] of this room.
type stream struct {
	path       string
	device     device
	waker      *waker
	buffers    *buffers
	checker    checker
	stallAfter time.Duration
	now        func() time.Duration // by CLOCK_MONOTONIC
	notes      []string

	streaming bool
	closed    bool

	// What VIDIOC_DQBUF is called with, and what it said: fields, because they
	// may not be allocated for every call.
	arg      buffer
	planes   [maxMemoryPlanes]plane
	dequeued dequeued
}

// Format is what the driver agreed to.
func (s *stream) Format() capture.Format { return s.checker.picture.format }

// Notes lists what the owner should be told once: what the driver changed of
// the wish, controls that were not set, time stamps that are not the driver's.
func (s *stream) Notes() []string { return s.notes }

// Read returns the next frame, on loan. The holder of several frames must
// leave the driver at least one buffer of [Config.Buffers], better two: with
// none it has nothing to fill, and Read waits for a Return or the end of ctx,
// for as long as that takes; it is not a stall.
func (s *stream) Read(ctx context.Context) (*capture.Frame, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed {
		return nil, fmt.Errorf("read %s: closed", s.path)
	}
	s.waker.follow(ctx)
	since := s.now()
	for {
		revents, err := s.wait(ctx, since)
		if err != nil {
			return nil, s.wrap(ctx, err)
		}
		if revents == 0 {
			since = s.now() // it had no buffer: the camera is not at fault
			continue
		}
		f, err := s.dequeue()
		switch {
		case err != nil:
			return nil, s.wrap(ctx, err)
		case f != nil:
			return f, nil
		case revents&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0:
			// An error that DQBUF knows nothing of would be polled for ever.
			return nil, s.wrap(ctx, fmt.Errorf("poll events %#x: %w", revents, capture.ErrStream))
		case s.now() > since+s.stallAfter:
			return nil, s.wrap(ctx, capture.ErrStalled)
		}
	}
}

// wrap says where an error came from; that of ctx stays as it is.
func (s *stream) wrap(ctx context.Context, err error) error {
	if e := ctx.Err(); e != nil && errors.Is(err, e) {
		return e
	}
	return fmt.Errorf("read %s: %w", s.path, err)
}

// wait waits until the device has something to say; an error condition counts
// too, since VIDIOC_DQBUF tells which. It returns no events after it had to
// wait for a buffer to come back.
func (s *stream) wait(ctx context.Context, since time.Duration) (revents int16, err error) {
	for {
		if s.buffers.unqueued.Load() {
			if err := s.buffers.queueAll(); err != nil {
				return 0, fmt.Errorf("queue a returned buffer: %w", explainStream(s.device, err))
			}
		}
		fed, left := s.feed(), time.Duration(-1)
		if fed {
			left = max(since+s.stallAfter-s.now(), 0)
		}
		revents, err := s.device.poll(s.waker, fed, left)
		switch {
		case err != nil:
			return 0, err
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case revents != 0 || !fed:
			return revents, nil
		case left == 0:
			return 0, capture.ErrStalled
		}
	}
}

// feed says whether the driver has a buffer. If not, the next Return wakes.
func (s *stream) feed() bool {
	if s.buffers.queued.Load() > 0 {
		return true
	}
	s.buffers.starved.Store(true)
	return s.buffers.queued.Load() > 0 // returned in between
}

// dequeue takes a frame from the driver. It returns none, and no error, when
// there was none after all.
func (s *stream) dequeue() (*capture.Frame, error) {
	s.buffers.prepare(&s.arg, &s.planes, 0)
	if err := s.device.ioctl(vidiocDqbuf, unsafe.Pointer(&s.arg)); err != nil {
		if err == unix.EAGAIN {
			return nil, nil
		}
		return nil, fmt.Errorf("dequeue: %w", explainStream(s.device, err))
	}
	l, err := s.buffers.take(int(s.arg.index))
	if err != nil {
		return nil, fmt.Errorf("dequeue: %w", err)
	}
	s.described()
	s.checker.fill(&l.frame, &s.dequeued, l.memory, s.now())
	l.frame.Lend(s.buffers)
	return &l.frame, nil
}

// described copies what the driver said about the buffer.
func (s *stream) described() {
	d := &s.dequeued
	d.flags, d.sequence = s.arg.flags, s.arg.sequence
	d.timestamp = time.Duration(s.arg.timestamp.sec)*time.Second + time.Duration(s.arg.timestamp.usec)*time.Microsecond
	d.start[0], d.end[0] = 0, int(s.arg.bytesused)
	if s.buffers.typ == bufTypeVideoCaptureMplane {
		// bytesused of a plane counts from its start, the header included.
		for i := range s.buffers.memoryPlanes {
			d.start[i], d.end[i] = int(s.planes[i].dataOffset), int(s.planes[i].bytesused)
		}
	}
}

// Close undoes whatever was opened. Every step is tried, in the order in which
// the driver wants them: a buffer that is on loan keeps the memory, but not the
// device, which the next one may open at once (a kernel before 5.0 says busy
// until the last frame is released).
func (s *stream) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	errs := []error{}
	if s.buffers != nil {
		s.buffers.retire()
		if s.streaming {
			errs = append(errs, s.off())
		}
		errs = append(errs, s.buffers.unmapIdle())
		// Without this the mappings of frames on loan would keep the device
		// busy. An error says that it is so, or that the device is gone.
		_, _ = s.buffers.request(0)
	}
	if s.waker != nil {
		errs = append(errs, s.waker.close())
	}
	errs = append(errs, s.device.close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close %s: %w", s.path, err)
	}
	return nil
}

// Restart is [capture.Restarter]'s. It is what vb2 wants after an EIO: until
// STREAMOFF the queue answers nothing else. To UVC cameras it says the same as
// opening them again: the interface is set to idle and to streaming.
func (s *stream) Restart() error {
	if s.closed {
		return fmt.Errorf("restart %s: closed", s.path)
	}
	s.buffers.pause()
	s.streaming = false
	if err := s.off(); err != nil {
		return fmt.Errorf("restart %s: %w", s.path, err)
	}
	s.buffers.reclaim()
	s.checker.restarted = true
	if err := run([]step{{"", s.buffers.queueAll}, {"stream on", s.on}}); err != nil {
		return fmt.Errorf("restart %s: %w", s.path, err)
	}
	return nil
}

func (s *stream) on() error {
	typ := int32(s.buffers.typ)
	if err := s.device.ioctl(vidiocStreamon, unsafe.Pointer(&typ)); err != nil {
		return explain(err)
	}
	s.streaming = true
	return nil
}

// off stops the stream; a device that is gone has none to stop.
func (s *stream) off() error {
	typ := int32(s.buffers.typ)
	err := explain(s.device.ioctl(vidiocStreamoff, unsafe.Pointer(&typ)))
	if err == nil || errors.Is(err, capture.ErrGone) {
		return nil
	}
	return fmt.Errorf("stream off: %w", err)
}
