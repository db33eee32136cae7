// Package wire is the byte layout that the ring's writer and its readers agree
// on: the map of the shared memory, the messages on the socket and the seqlock.
// PROTOCOL.md beside it says the same in words, for readers in any language; a
// test decodes with the document's tables what this package encoded.
//
// It opens, maps and sends nothing, and imports the standard library only.
package wire

import (
	"encoding/binary"
	"math"
)

// Version is that of the layout. Fields are added in reserved bytes, behind the
// tables and in the JSON without a new version; whatever breaks a reader raises
// it.
const Version = 1

// LensVersion is that of the description of a ring with a [lens.Lens], which a
// reader of version 1 would take no notice of.
const LensVersion = 2

// The layout of the shared memory: one ring header, then the slots, each of
// them a slot header and the data.
const (
	// RingMagic is "EARH" at the start of the shared memory.
	RingMagic = 0x48524145
	// FirstSlot is the bytes in front of the first slot.
	FirstSlot = 4096
	// HeaderSize is the bytes of a slot's header, and leastHeader those of the
	// first agents, without the camera's size.
	HeaderSize  = 136
	leastHeader = 128
	// DataOffset is the bytes of a slot in front of its data: a page, so that a
	// process which writes data need not be able to write headers.
	DataOffset = 4096
	// FingerprintSize is the bytes by which a writer knows its ring again.
	FingerprintSize = 32
	// SlotAlign divides the distance between slots.
	SlotAlign = 4096

	// Of the ring header.
	offNewest      = 8
	offFingerprint = 32
)

// The messages after the first one, all of the same size.
const (
	// MessageMagic is "EARM" at the start of every binary message.
	MessageMagic = 0x4d524145
	// MessageSize is the bytes of every binary message, and leastMessage those
	// of the first agents.
	MessageSize  = HeaderSize
	leastMessage = leastHeader
	// TypeFrame says that a frame was published. Readers ignore other types.
	TypeFrame = 1
)

// A Record is what is known of one published frame. It lies in the slot's
// header and in the message at the same offsets.
type Record struct {
	// Sequence is the driver's frame counter.
	Sequence uint64
	// Capture, dequeue and publish times are CLOCK_MONOTONIC in nanoseconds.
	Timestamp, Dequeued, Published int64
	// Length is the bytes of data.
	Length uint64
	// Verdict is 0 for a good frame, else the bits of what speaks against it.
	Verdict       uint32
	Width, Height uint32
	// Slot is where the frame lies, 0 to slots-1.
	Slot uint32
	// Missed is how many notifications this consumer did not get since the one
	// before, because its socket was full; 0 in a slot's header.
	Missed uint64
	// Geometry is XX XY X0 YX YY Y0 of the affine map to the camera's picture,
	// undistorted where the ring has a lens.
	Geometry [6]float64
	// CameraWidth and CameraHeight are those of the camera's picture; 0 from the
	// first agents.
	CameraWidth, CameraHeight uint32
}

// Offsets of a Record's fields, from the start of a slot header or a message.
const (
	offSequence  = 16
	offTimestamp = 24
	offDequeued  = 32
	offPublished = 40
	offLength    = 48
	offVerdict   = 56
	offWidth     = 60
	offHeight    = 64
	offSlot      = 68
	offMissed    = 72
	offGeometry  = 80
	offCamera    = 128
)

var le = binary.LittleEndian

// Put writes r to b, a slot header or a message, and leaves its first 16 bytes alone.
func (r *Record) Put(b []byte) {
	b = b[:HeaderSize]
	le.PutUint64(b[offSequence:], r.Sequence)
	le.PutUint64(b[offTimestamp:], uint64(r.Timestamp))
	le.PutUint64(b[offDequeued:], uint64(r.Dequeued))
	le.PutUint64(b[offPublished:], uint64(r.Published))
	le.PutUint64(b[offLength:], r.Length)
	le.PutUint32(b[offVerdict:], r.Verdict)
	le.PutUint32(b[offWidth:], r.Width)
	le.PutUint32(b[offHeight:], r.Height)
	le.PutUint32(b[offSlot:], r.Slot)
	le.PutUint64(b[offMissed:], r.Missed)
	for i, v := range r.Geometry {
		le.PutUint64(b[offGeometry+8*i:], math.Float64bits(v))
	}
	le.PutUint32(b[offCamera:], r.CameraWidth)
	le.PutUint32(b[offCamera+4:], r.CameraHeight)
}

// Parse reads what Put wrote, or that of the first agents did.
func (r *Record) Parse(b []byte) {
	r.CameraWidth, r.CameraHeight = 0, 0
	if len(b) >= HeaderSize {
		r.CameraWidth, r.CameraHeight = le.Uint32(b[offCamera:]), le.Uint32(b[offCamera+4:])
	}
	b = b[:leastHeader]
	r.Sequence = le.Uint64(b[offSequence:])
	r.Timestamp = int64(le.Uint64(b[offTimestamp:]))
	r.Dequeued = int64(le.Uint64(b[offDequeued:]))
	r.Published = int64(le.Uint64(b[offPublished:]))
	r.Length = le.Uint64(b[offLength:])
	r.Verdict = le.Uint32(b[offVerdict:])
	r.Width = le.Uint32(b[offWidth:])
	r.Height = le.Uint32(b[offHeight:])
	r.Slot = le.Uint32(b[offSlot:])
	r.Missed = le.Uint64(b[offMissed:])
	for i := range r.Geometry {
		r.Geometry[i] = math.Float64frombits(le.Uint64(b[offGeometry+8*i:]))
	}
}

// PutRingHeader writes the head of the shared memory. Of the fingerprint readers
// know nothing.
func PutRingHeader(b []byte, fingerprint [FingerprintSize]byte) {
	le.PutUint32(b, RingMagic)
	le.PutUint32(b[4:], Version)
	copy(b[offFingerprint:], fingerprint[:])
}

// IsRing says that b begins as PutRingHeader left it.
func IsRing(b []byte, fingerprint [FingerprintSize]byte) bool {
	return le.Uint32(b) == RingMagic && le.Uint32(b[4:]) == Version && [FingerprintSize]byte(b[offFingerprint:]) == fingerprint
}

// PutMessage makes b the notification of the frame with this generation.
func PutMessage(b []byte, generation uint64, r *Record) {
	b = b[:MessageSize]
	le.PutUint32(b, MessageMagic)
	le.PutUint16(b[4:], Version)
	le.PutUint16(b[6:], TypeFrame)
	le.PutUint64(b[8:], generation)
	r.Put(b)
}

// PutMissed sets the missed count of a message that PutMessage made.
func PutMissed(b []byte, missed uint64) { le.PutUint64(b[offMissed:], missed) }

// ParseMessage reads a message; ok is false when it is none that announces a
// frame, which a reader passes over.
func ParseMessage(b []byte, r *Record) (generation uint64, ok bool) {
	if len(b) < leastMessage || le.Uint32(b) != MessageMagic || le.Uint16(b[6:]) != TypeFrame {
		return 0, false
	}
	r.Parse(b)
	return le.Uint64(b[8:]), true
}
