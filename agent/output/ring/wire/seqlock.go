package wire

import (
	"sync/atomic"
	"unsafe"
)

// The n-th frame of a ring (n from 1) has generation 2n and lies in slot
// (n-1) mod slots. While it is being written the slot holds 2n-1.

// Generation is that of the n-th frame.
func Generation(n uint64) uint64 { return 2 * n }

// SlotOf is where the frame with this generation lies.
func SlotOf(generation uint64, slots int) int {
	return int((generation/2 - 1) % uint64(slots))
}

// word is the 64-bit word at the start of b, which is 8-byte aligned.
func word(b []byte) *atomic.Uint64 {
	return (*atomic.Uint64)(unsafe.Pointer(unsafe.SliceData(b[:8])))
}

// BeginWrite marks a slot as being written. No store to the slot that follows
// can be seen before the mark.
//
// The load is the reason: on arm64 an atomic store is STLR, which later plain
// stores may overtake, but LDAR stays behind an earlier STLR and nothing
// overtakes LDAR. On amd64 the store alone is a full fence.
func BeginWrite(slot []byte, generation uint64) {
	g := word(slot)
	g.Store(generation - 1)
	_ = g.Load()
}

// EndWrite publishes what was stored to the slot since BeginWrite.
func EndWrite(slot []byte, generation uint64) { word(slot).Store(generation) }

// SetNewest says in the ring header which frame is the newest, after EndWrite.
func SetNewest(ring []byte, generation uint64) { word(ring[offNewest:]).Store(generation) }

// Newest is the generation of the newest frame, 0 when there is none yet.
func Newest(ring []byte) uint64 { return word(ring[offNewest:]).Load() }

// BeginRead is a slot's generation; loads that follow stay behind it. An odd
// one means that the slot is being written.
func BeginRead(slot []byte) uint64 { return word(slot).Load() }

// StillValid tells whether everything that was loaded from the slot before the
// call belongs to the frame with this generation. fence is any word of the
// caller's own.
//
// The store is the reason for fence: on arm64 a load may be overtaken by a
// later LDAR, but not by STLR, which an LDAR that follows does not overtake
// either. Shared memory is read-only to readers, so the store goes elsewhere.
func StillValid(slot []byte, generation uint64, fence *atomic.Uint64) bool {
	fence.Store(generation)
	return word(slot).Load() == generation
}
