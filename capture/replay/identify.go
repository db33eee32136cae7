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

// identify finds out what kind of recording in is. Raw frames can look like
// anything, so a geometry that was given comes first; then the content decides.
// A name only says what a file was meant to be that cannot be recognised, so
// that a JPEG damaged from its first byte on is still a frame.
func identify(in *input, raw *capture.Format) (recording, error) {
	if raw == nil {
		raw = formatInName(in.name)
	}
	if raw != nil {
		if l := raw.PixelFormat.Layout(); l == nil || !l.Compressed {
			return newRawFrames(in, *raw)
		}
		return &jpegStream{in: in}, nil
	}
	head, err := in.head()
	switch {
	case err != nil:
		return nil, err
	case bytes.HasPrefix(head, []byte(y4mMagic)):
		return newY4M(in)
	case isJPEG(head) || isJPEGName(in.name):
		return &jpegStream{in: in}, nil
	}
	return nil, fmt.Errorf("read %s: it begins with %q: %w", in.name, head[:min(len(head), 8)], errUnknownKind)
}

// head is as much of the beginning as it takes to tell the kind. Of a pipe it
// takes no more than that: the rest may be long in coming.
func (in *input) head() ([]byte, error) {
	for n := len(y4mMagic); ; n = max(n+1, in.Buffered()) {
		b, err := in.look(n)
		if err != nil {
			return nil, err
		}
		known := bytes.HasPrefix(b, []byte(y4mMagic)) || isJPEG(b)
		if known || len(b) < n || n == inputBufferBytes || !isFiller(b) {
			return b, nil
		}
	}
}

// isJPEG finds the SOI of a JPEG and nothing but text or padding before it.
func isJPEG(head []byte) bool {
	i := bytes.Index(head, []byte{fill, soi, fill})
	return i >= 0 && isFiller(head[:i])
}

func isJPEGName(name string) bool {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".mjpg", ".mjpeg":
		return true
	}
	return false
}
