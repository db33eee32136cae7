package gst

import "encoding/binary"

// The protocol of shmsink and shmsrc, GStreamer 1.0 to 1.26, on 64-bit machines,
// as 1.22 was seen to speak it: over a SOCK_STREAM socket go C structures in the
// machine's byte order,
//
//	 0  uint32  type
//	 4  int32   area
//	 8  union   NEW_SHM_AREA: uint64 size, uint32 length of the name; the name
//	            of the POSIX shared memory and its NUL follow the structure
//	            NEW_BUFFER: uint64 offset, uint64 size
//	            ACK_BUFFER: uint64 offset
//	24
//
// Only ACK_BUFFER comes from the client. Its area is of no use: whatever area
// the buffer is in, shmsrc names the one that it heard of last.
const commandSize = 24

const (
	newArea   = 1 // COMMAND_NEW_SHM_AREA
	closeArea = 2 // COMMAND_CLOSE_SHM_AREA
	newBuffer = 3 // COMMAND_NEW_BUFFER
	ackBuffer = 4 // COMMAND_ACK_BUFFER
)

var native = binary.NativeEndian

func appendCommand(b []byte, typ, area uint32, first, second uint64) []byte {
	b = native.AppendUint32(b, typ)
	b = native.AppendUint32(b, area)
	b = native.AppendUint64(b, first)
	return native.AppendUint64(b, second)
}

// appendArea tells of an area, by the name that shm_open takes.
func appendArea(b []byte, area uint32, size int, name string) []byte {
	b = appendCommand(b, newArea, area, uint64(size), uint64(len(name)+1))
	return append(append(b, name...), 0)
}

// acked is the offset that an ACK_BUFFER gives back. It is false of every
// other command.
func acked(command []byte) (offset uint64, ok bool) {
	return native.Uint64(command[8:]), native.Uint32(command) == ackBuffer
}
