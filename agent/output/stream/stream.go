// Package stream writes preprocessed images one after the other, as programs
// read them from a pipe.
//
// What enters: images of one output. What leaves: bytes, appended to a buffer of
// the caller's: what a stream begins with, and whole frames. It writes to no
// descriptor, holds no image, starts no goroutine and never logs.
package stream

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// A Format is how images follow each other. Its String is the config word.
type Format uint8

const (
	// Auto is Y4M for pictures that can be, else Raw.
	Auto Format = iota
	// Raw is the image's bytes and nothing between them: the elements of a
	// tensor, row by row, little-endian; or a JPEG file, which makes Motion JPEG.
	Raw
	// Y4M is YUV4MPEG2, yuv4mpeg(5) of mjpegtools, which programs for video
	// read: size and rate stand in its first line. Colour is 4:2:0, since that
	// is what encoders and players take.
	Y4M
	// NDJSON is a line of JSON for each image, see [Record]; its data is base64.
	NDJSON
)

var words = []string{"auto", "raw", "y4m", "ndjson"}

func (f Format) String() string {
	if int(f) < len(words) {
		return words[f]
	}
	return fmt.Sprintf("unknown(%d)", uint8(f))
}

// MarshalText gives the config word; it fails for a value that has none.
func (f Format) MarshalText() ([]byte, error) {
	if int(f) >= len(words) {
		return nil, fmt.Errorf("format %d has no name", uint8(f))
	}
	return []byte(words[f]), nil
}

// UnmarshalText takes a config word; its error lists the allowed ones.
func (f *Format) UnmarshalText(text []byte) error {
	i := slices.Index(words, string(text))
	if i < 0 {
		return fmt.Errorf("format %q: allowed are %s", text, strings.Join(words, ", "))
	}
	*f = Format(i)
	return nil
}

// Of is the format for images of this spec: f itself, or what Auto stands for.
// It fails when such images cannot be had in f.
func (f Format) Of(s *preproc.Spec) (Format, error) {
	why := notY4M(s)
	switch {
	case f == Auto && why == "":
		return Y4M, nil
	case f == Auto:
		return Raw, nil
	case f == Y4M && why != "":
		return f, fmt.Errorf("y4m has pictures only, encode: raw, dtype: uint8 without a scale, layout: hwc; the output has %s", why)
	}
	return f, nil
}

// Config says what an Encoder writes.
type Config struct {
	Format Format
	// Camera is the name in records.
	Camera string
	Spec   preproc.Spec
	// Every is the least time between two images, 0 for the camera's own.
	Every time.Duration
	// NoData leaves the image out of NDJSON.
	NoData bool
}

// An Encoder writes images of one output. One goroutine uses it.
type Encoder struct {
	cfg    Config
	record *Record
}

// New makes an Encoder; it fails as [Format.Of] does.
func New(cfg Config) (e *Encoder, err error) {
	if cfg.Format, err = cfg.Format.Of(&cfg.Spec); err != nil {
		return nil, err
	}
	return &Encoder{cfg: cfg, record: NewRecord(cfg.Camera, &cfg.Spec)}, nil
}

// Format is never Auto.
func (e *Encoder) Format() Format { return e.cfg.Format }

// AppendHeader appends what a stream begins with whose images are such as img:
// nothing, unless it is Y4M. Images with another header need a stream of their own.
func (e *Encoder) AppendHeader(b []byte, img *preproc.Image) []byte {
	if e.cfg.Format != Y4M {
		return b
	}
	return appendY4MHeader(b, &e.cfg.Spec, img.Width, img.Height, max(img.Interval, e.cfg.Every))
}

// Check says whether img is as its size and spec say. Any goroutine may ask.
func (e *Encoder) Check(img *preproc.Image) error {
	if want := e.cfg.Spec.MaxBytes(img.Width, img.Height); e.cfg.Spec.Encode == preproc.Raw && len(img.Data) != want {
		return fmt.Errorf("%d bytes: a tensor of %dx%d has %d", len(img.Data), img.Width, img.Height, want)
	}
	return nil
}

// AppendFrame appends img. It fails, and appends nothing, where Check does.
func (e *Encoder) AppendFrame(b []byte, img *preproc.Image) ([]byte, error) {
	if err := e.Check(img); err != nil {
		return b, err
	}
	switch e.cfg.Format {
	case Y4M:
		return appendY4MFrame(b, &e.cfg.Spec, img), nil
	case NDJSON:
		b = append(b, '{')
		b = e.record.Append(b, img)
		if !e.cfg.NoData {
			b = appendData(b, img.Data)
		}
		return append(b, "}\n"...), nil
	}
	return append(b, img.Data...), nil
}
