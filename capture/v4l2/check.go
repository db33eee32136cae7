package v4l2

import (
	"bytes"
	"time"

	"github.com/edge-agent/agent/capture"
)

// eoiWithin bounds the search for a JPEG's end: cameras pad to whole packets,
// some to several kilobytes.
const eoiWithin = 64 << 10

// trimJPEG cuts a bitstream after its EOI, because cameras pad it, mostly with
// zeros. It says false when there is no SOI at the start or no EOI near the
// end: inside the coded data 0xFF is always followed by another byte, so an
// EOI that is found is one.
func trimJPEG(b []byte) ([]byte, bool) {
	if len(b) < 4 || b[0] != 0xFF || b[1] != 0xD8 {
		return b, false
	}
	first := max(3, len(b)-eoiWithin)
	for end := len(b); ; {
		i := bytes.LastIndexByte(b[first:end], 0xD9) // much faster than LastIndex
		switch {
		case i < 0:
			return b, false
		case b[first+i-1] == 0xFF:
			return b[:first+i+1], true
		}
		end = first + i
	}
}

// A dequeued buffer, as the driver filled it in.
type dequeued struct {
	flags     uint32
	sequence  uint32
	timestamp time.Duration
	// start and end are the payload in each memory plane.
	start, end [maxMemoryPlanes]int
}

// A checker knows the frames of a stream so far, and makes the next one of a
// dequeued buffer.
type checker struct {
	picture *picture

	begun        bool
	restarted    bool   // the next frame is the first after a restart
	sequence     uint64 // of the frame before, widened
	raw          uint32 // the same as the driver counts it
	timestamp    time.Duration
	hasTimestamp bool
}

// fill makes f the frame that a dequeued buffer holds; memory is the buffer's.
func (c *checker) fill(f *capture.Frame, d *dequeued, memory [][]byte, now time.Duration) {
	f.Format, f.Dequeued = c.picture.format, now
	f.Sequence, f.Lost = c.count(d)
	short := c.planes(f, d, memory)
	intact := true
	if f.Format.PixelFormat.Layout().Compressed() && !short {
		f.Planes[0], intact = trimJPEG(f.Planes[0])
	}
	stale := c.stamp(f, d)
	switch {
	case d.flags&bufFlagError != 0:
		f.Fault = capture.FaultErrorFlag
	case short:
		f.Fault = capture.FaultShort
	case !intact:
		f.Fault = capture.FaultCorrupt
	case stale:
		f.Fault = capture.FaultStale
	default:
		f.Fault = capture.FaultNone
	}
}

// planes cuts the planes of f out of the buffer, never beyond its payload, and
// says whether that was too short for them.
func (c *checker) planes(f *capture.Frame, d *dequeued, memory [][]byte) (short bool) {
	compressed := f.Format.PixelFormat.Layout().Compressed()
	for i, s := range c.picture.spans {
		m := memory[s.memory]
		end := min(max(d.end[s.memory], 0), len(m))
		from := min(max(d.start[s.memory], 0)+s.offset, end)
		to := end
		if !compressed {
			to = min(from+s.length, end)
		}
		f.Planes[i] = m[from:to:to]
		short = short || to-from < s.length || to == from
	}
	return short
}

// count widens the driver's counter and finds gaps in it. A counter that goes
// back was started anew: it is counted on, and nothing is known of a loss. A
// buffer with the error flag may have no counter at all (uvcvideo returns
// those so that were queued at a disconnect), so only a step ahead is believed.
func (c *checker) count(d *dequeued) (sequence, lost uint64) {
	if !c.begun {
		c.begun, c.restarted, c.raw, c.sequence = true, false, d.sequence, uint64(d.sequence)
		return c.sequence, 0
	}
	if c.restarted { // most drivers count from 0 again; what was lost nobody knows
		c.restarted, c.raw = false, d.sequence
		c.sequence++
		return c.sequence, 0
	}
	step := d.sequence - c.raw // wraps as the counter does
	ahead := step != 0 && step < 1<<31
	switch {
	case ahead:
		lost = uint64(step) - 1
	case d.flags&bufFlagError != 0:
		return c.sequence, 0
	}
	c.raw = d.sequence
	c.sequence += lost + 1
	return c.sequence, lost
}

// stamp sets the time of capture and says whether it is not later than that
// of the frame before. A driver without monotonic time stamps gets the time of
// dequeuing. A time in the future, which uvcvideo's clock recovery gives now
// and then, is cut to the time of dequeuing: it would make all frames stale
// that come before it is reached.
func (c *checker) stamp(f *capture.Frame, d *dequeued) (stale bool) {
	f.Timestamp = f.Dequeued
	if d.flags&bufFlagTimestampMask == bufFlagTimestampMonotonic {
		f.Timestamp = min(d.timestamp, f.Dequeued)
	}
	if c.hasTimestamp && f.Timestamp <= c.timestamp {
		return true
	}
	if d.flags&bufFlagError == 0 {
		c.timestamp, c.hasTimestamp = f.Timestamp, true
	}
	return false
}
