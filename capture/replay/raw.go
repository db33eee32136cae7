package replay

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/edge-agent/agent/capture"
)

// rawFrames are frames of one geometry without anything between them.
type rawFrames struct {
	in     *input
	format capture.Format
	bytes  int // of a frame
}

func newRawFrames(in *input, format capture.Format) (*rawFrames, error) {
	n, err := denseSize(&format)
	if err != nil {
		return nil, fmt.Errorf("raw frames of %s: %w", in.name, err)
	}
	return &rawFrames{in, format, n}, nil
}

// next reads a frame. Only the last one can be short.
func (r *rawFrames) next(s *slot) error {
	n, err := r.in.full(s.bytes(r.bytes))
	if err != nil {
		return err
	}
	s.set(r.format, s.memory[:n])
	return nil
}

func (r *rawFrames) rewind() error { return r.in.rewind() }
func (r *rawFrames) Close() error  { return r.in.Close() }

// denseSize puts in the strides that are not given and adds up the planes.
func denseSize(f *capture.Format) (int, error) {
	layout := f.PixelFormat.Layout()
	switch {
	case layout == nil:
		return 0, fmt.Errorf("pixel format %s: %s", f.PixelFormat, f.PixelFormat.Unreadable())
	case layout.Compressed():
		return 0, fmt.Errorf("pixel format %s: frames have no size of their own", f.PixelFormat)
	}
	const maxSide = 1 << 15
	if f.Width < 1 || f.Height < 1 || f.Width > maxSide || f.Height > maxSide {
		return 0, fmt.Errorf("size %dx%d: allowed are 1x1 to %dx%d", f.Width, f.Height, maxSide, maxSide)
	}
	total := 0
	for i := range layout.Planes {
		if f.Stride[i] == 0 {
			f.Stride[i] = f.RowBytes(i)
		}
		if f.Stride[i] < f.RowBytes(i) || f.Stride[i] > maxFrameBytes {
			return 0, fmt.Errorf("stride %d of plane %d: a row has %d bytes", f.Stride[i], i, f.RowBytes(i))
		}
		total += f.Stride[i] * f.Rows(i)
	}
	if total > maxFrameBytes {
		return 0, fmt.Errorf("a frame of %d bytes: allowed are %d MiB", total, maxFrameBytes>>20)
	}
	return total, nil
}

// geometryInName is the end of names like hall_1280x720_YUYV.raw.
var geometryInName = regexp.MustCompile(`_([0-9]{1,5})x([0-9]{1,5})_([0-9A-Za-z]{3,4}(?:-BE)?)\.[a-z]+$`)

// formatInName is the geometry that a file's name carries, nil if none.
func formatInName(name string) *capture.Format {
	m := geometryInName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	w, _ := strconv.Atoi(m[1]) // digits, and few
	h, _ := strconv.Atoi(m[2])
	p, _ := capture.ParsePixelFormat(m[3])
	f := capture.DefaultFormat(p, w, h)
	return &f
}
