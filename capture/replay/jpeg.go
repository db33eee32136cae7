package replay

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/edge-agent/agent/capture"
)

// The markers that decide where a JPEG ends (ISO/IEC 10918-1, table B.1), by
// the byte that follows 0xff.
const (
	stuffed = 0x00 // a 0xff of the entropy-coded data
	tem     = 0x01
	dht     = 0xc4
	jpg     = 0xc8
	dac     = 0xcc
	rst0    = 0xd0
	rst7    = 0xd7
	soi     = 0xd8
	eoi     = 0xd9
	sos     = 0xda
	dqt     = 0xdb
	dnl     = 0xdc
	dri     = 0xdd
	fill    = 0xff
)

// maxTableBytes is more than any segment between two scans needs. A longer one
// is a bit error in the data, and following it could swallow the next picture.
const maxTableBytes = 4096

// A jpegStream cuts a stream into JPEGs, whatever lies between them: nothing,
// padding, or the headers of a multipart stream. It walks the segments, because
// a thumbnail within one has an SOI and an EOI of its own.
type jpegStream struct {
	in            *input
	found         bool // a frame, since the beginning
	width, height int  // of the frame at hand, 0 before its SOF
}

// next reads up to an EOI. Without one, the next SOI or the end of the stream
// ends the frame, and it is corrupt, as is binary data in front of an SOI.
func (j *jpegStream) next(s *slot) error {
	s.memory = s.memory[:0]
	j.width, j.height = 0, 0
	at, err := j.seekSOI(s)
	if err != nil {
		return err
	}
	switch {
	case !at && j.found:
		return io.EOF // the tail of a still is no frame
	case !at && len(s.memory) == 0:
		s.setJPEG(0, 0, capture.FaultShort)
	case !at || !isFiller(s.memory):
		s.setJPEG(0, 0, capture.FaultCorrupt)
	default:
		s.memory = s.memory[:0]
		if err := j.frame(s); err != nil {
			return err
		}
	}
	j.found = true
	return nil
}

// frame reads the JPEG whose SOI comes next.
func (j *jpegStream) frame(s *slot) error {
	fault := capture.FaultCorrupt
	whole, err := j.walk(s)
	if err != nil {
		return err
	}
	if whole {
		fault = capture.FaultNone
	}
	s.setJPEG(j.width, j.height, fault)
	return nil
}

// seekSOI takes what comes before the next SOI, and says whether there is one.
// Two bytes alone could be chance; a marker follows every SOI.
func (j *jpegStream) seekSOI(s *slot) (bool, error) {
	for {
		if more, err := j.takeToMarker(s); !more || err != nil {
			return false, err
		}
		b, err := j.in.look(3)
		if err != nil {
			return false, err
		}
		if len(b) == 3 && b[1] == soi && b[2] == fill {
			return true, nil
		}
		if err := j.take(s, 1); err != nil {
			return false, err
		}
	}
}

// isFiller says that b is text or padding and no remains of a picture.
func isFiller(b []byte) bool {
	for _, c := range b {
		if text := c >= ' ' && c <= '~' || c >= '\t' && c <= '\r'; !text && c != 0 && c != fill {
			return false
		}
	}
	return true
}

// walk takes a JPEG, which begins here, and says whether it is whole.
func (j *jpegStream) walk(s *slot) (bool, error) {
	if err := j.take(s, 2); err != nil {
		return false, err
	}
	for scanning := false; ; {
		if more, err := j.takeToMarker(s); !more || err != nil {
			return false, err
		}
		marker, n, err := j.marker(scanning)
		if err != nil || n == 0 {
			return false, err
		}
		if err := j.take(s, n); err != nil {
			return false, err
		}
		if marker == eoi {
			return scanning, nil
		}
		scanning = scanning || marker == sos
	}
}

// marker is the one that comes next and how many bytes go with it; none when
// it begins another frame. It looks no further than it has to, because a
// pipe's next bytes may be a frame away.
func (j *jpegStream) marker(scanning bool) (marker byte, n int, err error) {
	b, err := j.in.look(2)
	if len(b) < 2 {
		return fill, len(b), err
	}
	switch marker = b[1]; {
	case marker == fill:
		return marker, 1, nil
	case marker == soi:
		if b, err = j.in.look(3); len(b) == 3 && b[2] == fill {
			return marker, 0, nil
		}
	case isSegment(marker):
		if b, err = j.in.look(4); len(b) == 4 && err == nil {
			n = segmentBytes(b, scanning)
			err = j.readSize(marker, scanning)
		}
	}
	return marker, 2 + n, err
}

// isSegment says that a length follows the marker.
func isSegment(marker byte) bool {
	return marker != stuffed && marker != tem && marker != soi && marker != eoi && (marker < rst0 || marker > rst7)
}

// segmentBytes is the length of the segment whose first four bytes are b, from
// the length itself on; 0 for what is no segment but damaged data.
func segmentBytes(b []byte, scanning bool) int {
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < 2 {
		return 0
	}
	if !scanning {
		return n
	}
	switch b[1] {
	case dht, dac, sos, dqt, dnl, dri:
		if n <= maxTableBytes {
			return n
		}
	}
	return 0
}

// readSize looks into the frame header, if that is what comes next.
func (j *jpegStream) readSize(marker byte, scanning bool) error {
	isSOF := marker&0xf0 == 0xc0 && marker != dht && marker != jpg && marker != dac
	if scanning || !isSOF || j.width != 0 {
		return nil
	}
	b, err := j.in.look(9)
	if len(b) < 9 {
		return err
	}
	h, w := int(binary.BigEndian.Uint16(b[5:])), int(binary.BigEndian.Uint16(b[7:]))
	if h != 0 && w != 0 {
		j.width, j.height = w, h
	}
	return nil
}

// takeToMarker takes what comes before the next 0xff, and says whether there
// is one.
func (j *jpegStream) takeToMarker(s *slot) (bool, error) {
	for {
		b, err := j.in.ahead()
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		i := bytes.IndexByte(b, fill)
		if i < 0 {
			i = len(b)
		}
		if err := j.take(s, i); err != nil {
			return false, err
		}
		if i < len(b) {
			return true, nil
		}
	}
}

// take moves n bytes, or what is left, from the input to the slot.
func (j *jpegStream) take(s *slot, n int) error {
	for n > 0 {
		b, err := j.in.ahead()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		b = b[:min(n, len(b))]
		if len(s.memory)+len(b) > maxFrameBytes {
			return fmt.Errorf("read %s: offset %d: no end of the JPEG within %d MiB", j.in.name, j.in.offset, maxFrameBytes>>20)
		}
		s.memory = append(s.memory, b...)
		if err := j.in.discard(len(b)); err != nil {
			return err
		}
		n -= len(b)
	}
	return nil
}

func (j *jpegStream) rewind() error {
	j.found = false
	return j.in.rewind()
}

func (j *jpegStream) Close() error { return j.in.Close() }
