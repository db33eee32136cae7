package replay

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/edge-agent/agent/capture"
)

var errUnknownKind = errors.New("neither JPEG, Motion JPEG nor Y4M, and no geometry given: " +
	"set it, or name the file like hall_1280x720_YUYV.raw")

// identify finds out what kind of recording in is, by its content. Raw frames
// have no mark of their own, so the geometry, which is given or stands in the
// name, counts for what neither begins as one of the others nor is named like
// one: a JPEG that is damaged from its first byte on is a frame without a picture,
// and no pixels.
func identify(in *input, raw *capture.Format) (recording, error) {
	head, err := in.look(len(y4mMagic))
	if raw == nil {
		raw = formatInName(in.name)
	}
	switch {
	case err != nil:
		return nil, err
	case string(head) == y4mMagic:
		return newY4M(in)
	case beginsAsJPEG(head):
		return &jpegStream{in: in}, nil
	case raw != nil && !isCompressed(raw.PixelFormat) && !tellsItsKind(in.name):
		return newRawFrames(in, *raw)
	}
	if head, err = in.head(); err != nil {
		return nil, err
	}
	if isJPEG(head) || isJPEGName(in.name) || raw != nil && isCompressed(raw.PixelFormat) {
		return &jpegStream{in: in}, nil
	}
	return nil, fmt.Errorf("read %s: it begins with %q: %w", in.name, head[:min(len(head), 8)], errUnknownKind)
}

func isCompressed(p capture.PixelFormat) bool {
	l := p.Layout()
	return l != nil && l.Compressed()
}

// head is as much of the beginning as it takes to find a JPEG or something that
// cannot lie in front of one. Of a pipe it takes no more than that: the rest
// may be long in coming.
func (in *input) head() ([]byte, error) {
	for n := 3; ; n = max(n+1, in.Buffered()) {
		b, err := in.look(n)
		if err != nil {
			return nil, err
		}
		if isJPEG(b) || len(b) < n || n == inputBufferBytes || !isFiller(b) {
			return b, nil
		}
	}
}

// beginsAsJPEG wants an SOI and one of the markers that may follow it: pixels
// do not begin like that but by the rarest chance.
func beginsAsJPEG(head []byte) bool {
	return len(head) > 3 && head[0] == fill && head[1] == soi && head[2] == fill && isSegment(head[3])
}

// isJPEG finds the SOI of a JPEG and nothing but text or padding before it.
func isJPEG(head []byte) bool {
	i := bytes.Index(head, []byte{fill, soi, fill})
	return i >= 0 && isFiller(head[:i])
}

// tellsItsKind says that the name is one of frames that are not raw.
func tellsItsKind(name string) bool {
	return isJPEGName(name) || strings.EqualFold(filepath.Ext(name), ".y4m")
}

func isJPEGName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".mjpg", ".mjpeg":
		return true
	}
	return false
}
