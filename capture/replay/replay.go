// Package replay gives recorded frames as if a camera took them.
//
// What enters: a JPEG still, a directory of stills, Motion JPEG (concatenated,
// or multipart as HTTP cameras send it), Y4M, raw frames of a known geometry;
// or nothing, for the built-in test pattern. What leaves: frames with format,
// sequence and time stamp, at the recording's pace or as fast as they are
// read, in a fixed number of buffers. It never decodes a picture, and starts
// no goroutine.
package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/edge-agent/agent/capture"
)

const (
	// maxFrameBytes bounds the memory that one frame may take, whatever a
	// damaged recording claims.
	maxFrameBytes = 64 << 20
	// defaultRate is that of recordings which do not say theirs, per second.
	defaultRate = 30
	// defaultBuffers lets a consumer hold one frame and a queue of two be full
	// while the next frame is being read.
	defaultBuffers = 4
)

// A Config names a recording or the test pattern, and says how it is played.
type Config struct {
	// Path is a file, or a directory of stills, which are taken in the order
	// of their names. What kind of recording a file is shows in its content.
	Path string
	// Pattern is "bars" for the built-in test pattern, instead of Path.
	Pattern string

	// Raw is the geometry of a file whose content does not tell its own: pixel
	// format, width, height; strides of 0 are dense. Such a file may also carry
	// it at the end of its name, like hall_1280x720_YUYV.raw.
	Raw *capture.Format

	// Format, Width and Height are those of the pattern, YUYV 1280x720 unless
	// given.
	Format        capture.PixelFormat
	Width, Height int

	// Rate is in frames per second, 0 for the recording's own, else 30.
	Rate float64
	// Loop begins again at the end. The pattern has no end.
	Loop bool
	// Unpaced delivers each frame as soon as it is asked for. Otherwise frames
	// have a time at which they are due, and a reader who is later than the
	// free buffers can hold misses some, as with a camera.
	Unpaced bool
	// Lossless keeps the pace but waits for a reader who is late.
	Lossless bool
	// Buffers is how many frames may be on loan at once, 4 unless given. With
	// all of them on loan Read waits for a Release.
	Buffers int
}

// A recording puts frames into slots, one after the other.
type recording interface {
	// next fills s and its frame's Format, Planes and Fault. io.EOF is the end.
	next(s *slot) error
	// rewind makes the first frame the next one.
	rewind() error
	io.Closer
}

// Open plays a recording or the pattern as a camera that the mediadevices
// registry knows until the Source is closed.
func Open(ctx context.Context, cfg Config) (capture.Source, error) {
	label, name := "replay:"+cfg.Path, filepath.Base(cfg.Path)
	if cfg.Pattern != "" {
		label, name = "pattern:"+cfg.Pattern, "test pattern "+cfg.Pattern
	}
	return capture.Open(ctx, label, name, &adapter{cfg: cfg}, capture.Request{})
}

// NewReader plays what r delivers: a pipe, or a file that is of interest even
// if not one of its frames can be shown. cfg.Path is its name in errors and
// where the geometry may stand. The registry does not hear of it. Read blocks
// for as long as r does; Close leaves r open. Loop needs an io.Seeker.
func NewReader(r io.Reader, cfg Config) (capture.Source, error) {
	s, err := newReader(newInput(cfg.Path, r), cfg)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newReader(in *input, cfg Config) (*source, error) {
	if cfg.Loop && in.seeker == nil {
		return nil, fmt.Errorf("loop %s: it cannot be read a second time", in.name)
	}
	rec, err := identify(in, cfg.Raw)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return newSource(rec, in.name, cfg)
}

// An adapter is a recording as the registry wants to see it.
type adapter struct {
	cfg    Config
	source *source // between Open and Start
}

// Open offers the one mode that the recording has.
func (a *adapter) Open() ([]capture.Mode, error) {
	s, err := open(a.cfg)
	if err != nil {
		return nil, err
	}
	if err := s.findSize(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a.source = s
	m := capture.Mode{PixelFormat: s.format.PixelFormat, Width: s.format.Width, Height: s.format.Height}
	if s.format.Interval > 0 {
		m.Rate = 1 / s.format.Interval.Seconds()
	}
	return []capture.Mode{m}, nil
}

// Start hands over the Source, which plays from the first frame on.
func (a *adapter) Start(capture.Mode) (capture.Source, error) {
	s := a.source
	a.source = nil
	return s, nil
}

func (a *adapter) Close() error {
	if a.source == nil {
		return nil
	}
	return a.source.Close()
}

func open(cfg Config) (*source, error) {
	switch {
	case cfg.Pattern != "":
		p, err := newPattern(cfg)
		if err != nil {
			return nil, err
		}
		return newSource(p, "the test pattern", cfg)
	case cfg.Path == "":
		return nil, errors.New("replay: neither a path nor a pattern given")
	}
	in, dir, err := openPath(cfg.Path)
	if err != nil {
		return nil, err
	}
	if dir != nil {
		return newSource(dir, cfg.Path, cfg)
	}
	return newReader(in, cfg)
}
