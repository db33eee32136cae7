// Package v4l2 is the way out to programs that only know cameras: it writes
// images to a video output node, such as v4l2loopback's, which they open as
// /dev/videoN.
//
// What enters: preprocessed images that V4L2 has a pixel format for. What leaves:
// frames, one image after the other, converted if need be, by streaming or by
// write(2), as the driver has it. A node that is absent, taken, of the wrong kind
// or gone again is a state, which Err tells, and is tried again for as long as that
// takes. It never lets the pipeline wait for the driver and never logs.
//
// One image waits at most; a newer one takes its place. The driver is called on a
// goroutine of its own, where a call that never returns does no harm: Close leaves
// it behind after a second.
//
// Conversion to YUYV is plain Go on that goroutine: see BenchmarkYUYV.
package v4l2

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
)

const (
	// writeLimit is how long the driver may take until it takes a frame. A second
	// is more than the frame interval of any program.
	writeLimit = 500 * time.Millisecond
	// closeLimit is how long Close waits for a driver that hangs, within the two
	// seconds that a stop of the agent may take.
	closeLimit = time.Second
	// A node that cannot be used is tried again after pauses from firstPause to
	// lastPause: a module that is loaded late, another program that lets go.
	firstPause, lastPause = 250 * time.Millisecond, 5 * time.Second
	// A driver that takes no frame is told of after this time: one that takes
	// few, as a slow display does, is no trouble.
	fullAfter = 2 * time.Second
)

// ErrClosed: the output was closed before.
var ErrClosed = errors.New("v4l2 output closed")

// Config says what is written where. Zero values are the defaults named here.
type Config struct {
	// Device is the path of the node.
	Device string
	// Format is one of [Formats]; Auto by default.
	Format capture.PixelFormat
	Spec   preproc.Spec
	// Width and Height are those of every image, in pixels; Spec's by default.
	Width, Height int
	// Rate is told to the driver, in frames a second; 0 is not.
	Rate float64

	open func(path string, p capture.PixelFormat, width, height int, rate float64) (device, error)
}

// A device is an [v4l2.Output], or what a test has in its place.
type device interface {
	Format() capture.Format
	Write(frame []byte, limit time.Duration) error
	Close() error
}

// A Sink is an [output.Output]. Report, Err and Close may be called from any
// goroutine.
type Sink struct {
	cfg    Config
	pixels capture.PixelFormat
	encode encoder
	ready  chan struct{} // an image waits
	stop   chan struct{}
	done   chan struct{} // closed when run has ended
	taken  *frame        // that run gives to the driver, however often that is opened

	mu                sync.Mutex // guards what follows, never held across a call of the driver
	closed, open      bool
	waiting           *frame
	spare             *frame
	delivered, missed uint64
	err               error
	since             time.Time // when the last frame was taken, or the node opened
}

// A frame is an image on its way to the driver.
type frame struct{ bytes []byte }

var (
	_ output.Ailing   = (*Sink)(nil)
	_ output.Reporter = (*Sink)(nil)
)

// New starts to look for the node, until Close.
func New(cfg Config) (*Sink, error) {
	if cfg.Width == 0 && cfg.Height == 0 {
		cfg.Width, cfg.Height = cfg.Spec.Width, cfg.Spec.Height
	}
	if cfg.open == nil {
		cfg.open = openDevice
	}
	if cfg.Device == "" || cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, fmt.Errorf("v4l2: device %q, image of %dx%d: all must be known", cfg.Device, cfg.Width, cfg.Height)
	}
	pixels, err := choose(&cfg.Spec, cfg.Format, cfg.Width)
	if err != nil {
		return nil, fmt.Errorf("v4l2: %w", err)
	}
	bytes := cfg.Spec.MaxBytes(cfg.Width, cfg.Height)
	s := &Sink{
		cfg: cfg, pixels: pixels, encode: encoderOf(&cfg.Spec, pixels),
		ready: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
		spare: &frame{make([]byte, 0, bytes)}, taken: &frame{make([]byte, 0, bytes)},
	}
	go s.run()
	return s, nil
}

func openDevice(path string, p capture.PixelFormat, width, height int, rate float64) (device, error) {
	o, err := v4l2.OpenOutput(path, p, width, height, rate)
	if err != nil {
		return nil, err // not o, whose nil would be none
	}
	return o, nil
}

// Format is what is written.
func (s *Sink) Format() capture.PixelFormat { return s.pixels }

// Write copies img for the writer, in the place of one that still waits, which
// counts as missed. What the driver says is in Err, not here.
func (s *Sink) Write(_ context.Context, img *preproc.Image) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return ErrClosed
	}
	if err := s.check(img); err != nil {
		return err
	}
	f := s.waiting
	if f != nil {
		s.missed++
	} else {
		f, s.spare = s.spare, nil
	}
	f.bytes = append(f.bytes[:0], img.Data...)
	s.waiting = f
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return nil
}

func (s *Sink) check(img *preproc.Image) error {
	c := &s.cfg
	most := c.Spec.MaxBytes(c.Width, c.Height)
	switch {
	case img.Width != c.Width || img.Height != c.Height:
		return fmt.Errorf("write to %s: image of %dx%d: this output has %dx%d", c.Device, img.Width, img.Height, c.Width, c.Height)
	case c.Spec.Encode == preproc.Raw && len(img.Data) != most:
		return fmt.Errorf("write to %s: %d bytes: the image has %d", c.Device, len(img.Data), most)
	case len(img.Data) == 0 || len(img.Data) > most:
		return fmt.Errorf("write to %s: %d bytes: 1 to %d are allowed", c.Device, len(img.Data), most)
	}
	return nil
}

// Err is why nothing comes of images now, nil while the driver takes them.
func (s *Sink) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Report implements [output.Reporter].
func (s *Sink) Report() output.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := output.Report{Kind: "v4l2", Address: s.cfg.Device, Delivered: s.delivered, Missed: s.missed, Err: s.err}
	if s.open {
		r.Consumers = 1
	}
	return r
}

// Close ends the writer. A driver that hangs is left alone after a second, with
// an error.
func (s *Sink) Close() error {
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	close(s.stop)
	limit := time.NewTimer(closeLimit)
	defer limit.Stop()
	select {
	case <-s.done:
		return nil
	case <-limit.C:
		return fmt.Errorf("close %s: the driver does not answer: %w", s.cfg.Device, os.ErrDeadlineExceeded)
	}
}
