package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/edge-agent/agent/capture"
)

const (
	y4mMagic = "YUV4MPEG2"
	y4mFrame = "FRAME"
)

// y4mFormats are the colour spaces by the C tag, without what it says about
// where chroma is sited.
var y4mFormats = map[string]capture.PixelFormat{
	"420": capture.YU12, "420jpeg": capture.YU12, "420mpeg2": capture.YU12, "420paldv": capture.YU12,
	"mono": capture.GREY,
	"411":  capture.FourCC('4', '1', '1', 'P'),
	"422":  capture.FourCC('4', '2', '2', 'P'),
	"444":  capture.FourCC('Y', 'M', '2', '4'),
}

// A y4m is a YUV4MPEG2 stream, yuv4mpeg(5) of mjpegtools.
type y4m struct {
	in     *input
	format capture.Format
	bytes  int // of a frame without its line
}

func newY4M(in *input) (*y4m, error) {
	line, err := in.line()
	if err != nil {
		return nil, err
	}
	f, err := parseY4M(string(line))
	if err != nil {
		return nil, fmt.Errorf("header of %s: %w", in.name, err)
	}
	n, err := denseSize(&f)
	if err != nil {
		return nil, fmt.Errorf("header of %s: %w", in.name, err)
	}
	return &y4m{in, f, n}, nil
}

// parseY4M reads a stream's header line. Unless it says otherwise, the colours
// are 4:2:0, and limited in range as all video on disk.
func parseY4M(line string) (f capture.Format, err error) {
	space := "420jpeg"
	for i, tag := range strings.Fields(line) {
		if i == 0 {
			continue // the magic
		}
		value := tag[1:]
		switch tag[0] {
		case 'W':
			f.Width, err = strconv.Atoi(value)
		case 'H':
			f.Height, err = strconv.Atoi(value)
		case 'F':
			f.Interval, err = y4mInterval(value)
		case 'C':
			space = value
		case 'X':
			if strings.EqualFold(value, "COLORRANGE=FULL") {
				f.Range = capture.Full
			}
		}
		if err != nil {
			return f, fmt.Errorf("tag %q: %w", tag, err)
		}
	}
	f.PixelFormat, err = y4mPixelFormat(space)
	return f, err
}

func y4mPixelFormat(space string) (capture.PixelFormat, error) {
	p, known := y4mFormats[space]
	if !known {
		return 0, fmt.Errorf("colour space %q: allowed are 420jpeg, 420mpeg2, 420paldv, 411, 422, 444 and mono, 8 bits each", space)
	}
	return p, nil
}

// y4mInterval is 0 for 0:0, which means unknown.
func y4mInterval(rate string) (time.Duration, error) {
	n, d, _ := strings.Cut(rate, ":")
	num, err := strconv.ParseUint(n, 10, 31)
	if err != nil {
		return 0, err
	}
	den, err := strconv.ParseUint(d, 10, 31)
	if err != nil || num == 0 {
		return 0, err
	}
	return time.Duration(float64(time.Second) * float64(den) / float64(num)), nil
}

// next reads a frame. All are of one length, so what follows one that is not
// introduced by its line cannot be trusted. The last one can be short.
func (y *y4m) next(s *slot) error {
	b, err := y.in.look(len(y4mFrame) + 1)
	switch {
	case err != nil:
		return err
	case len(b) == 0:
		return io.EOF
	case len(b) <= len(y4mFrame) && strings.HasPrefix(y4mFrame, string(b)):
		s.set(y.format, nil)
		return y.in.discard(len(b))
	case string(b) != y4mFrame+"\n" && string(b) != y4mFrame+" ":
		return y.in.want(strconv.Quote(y4mFrame), b)
	}
	if _, err := y.in.line(); err != nil {
		return err
	}
	n, err := y.in.full(s.bytes(y.bytes))
	s.set(y.format, s.memory[:n])
	if err == io.EOF {
		return nil // the line alone is a short frame
	}
	return err
}

func (y *y4m) rewind() error {
	if err := y.in.rewind(); err != nil {
		return err
	}
	_, err := y.in.line()
	return err
}

func (y *y4m) Close() error { return y.in.Close() }

// line takes a header line without its end, valid until the next read.
func (in *input) line() ([]byte, error) {
	b, err := in.ReadSlice('\n')
	if err != nil {
		if err == io.EOF || errors.Is(err, bufio.ErrBufferFull) {
			return nil, in.want("a line of text", b[:min(len(b), 16)])
		}
		return nil, in.failed(err)
	}
	in.offset += int64(len(b))
	return b[:len(b)-1], nil
}
