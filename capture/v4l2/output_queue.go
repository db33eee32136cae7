package v4l2

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// A queue gives frames by streaming: they are copied into the driver's buffers.
type queue struct {
	device outputNode
	memory [][]byte // by index, mapped
	free   []uint32 // buffers that are ours, those that came back first in front
	arg    buffer   // a field, because it may not be allocated for every call
}

// outputBuffers are one that is shown, one that waits, one to write to, and one
// more: v4l2loopback gives them to readers without a lock, so that a slow one sees
// a frame change when its buffer has its turn again.
const outputBuffers = 4

func (q *queue) start() error {
	r := &requestbuffers{count: outputBuffers, typ: bufTypeVideoOutput, memory: memoryMmap}
	if err := q.device.ioctl(vidiocReqbufs, unsafe.Pointer(r)); err != nil {
		return fmt.Errorf("request buffers: %w", explain(err))
	}
	for i := range min(r.count, maxBuffers) {
		q.arg = buffer{index: i, typ: bufTypeVideoOutput, memory: memoryMmap}
		if err := q.device.ioctl(vidiocQuerybuf, unsafe.Pointer(&q.arg)); err != nil {
			return fmt.Errorf("query buffer %d: %w", i, explain(err))
		}
		m, err := q.device.mmap(int64(q.arg.m), int(q.arg.length))
		if err != nil {
			return fmt.Errorf("map buffer %d: %w", i, explain(err))
		}
		q.memory, q.free = append(q.memory, m), append(q.free, i)
	}
	if len(q.free) == 0 {
		return fmt.Errorf("request buffers: the driver has none: %w", capture.ErrStream)
	}
	typ := int32(bufTypeVideoOutput)
	if err := q.device.ioctl(vidiocStreamon, unsafe.Pointer(&typ)); err != nil {
		return fmt.Errorf("start streaming: %w", explain(err))
	}
	return nil
}

func (q *queue) take(frame []byte) error {
	if err := q.reclaim(); err != nil {
		return err
	}
	i := q.free[0]
	if len(frame) > len(q.memory[i]) {
		return fmt.Errorf("a frame of %d bytes: the driver's buffers have %d: %w", len(frame), len(q.memory[i]), capture.ErrMode)
	}
	copy(q.memory[i], frame)
	q.arg = buffer{index: i, typ: bufTypeVideoOutput, memory: memoryMmap, field: fieldNone, bytesused: uint32(len(frame))}
	if err := q.device.ioctl(vidiocQbuf, unsafe.Pointer(&q.arg)); err != nil {
		return fmt.Errorf("queue buffer %d: %w", i, err)
	}
	q.free = q.free[:copy(q.free, q.free[1:])]
	return nil
}

// reclaim takes back what the driver is done with, EAGAIN when no buffer is ours
// after that.
func (q *queue) reclaim() error {
	for len(q.free) < len(q.memory) {
		q.arg = buffer{typ: bufTypeVideoOutput, memory: memoryMmap}
		err := q.device.ioctl(vidiocDqbuf, unsafe.Pointer(&q.arg))
		switch {
		case errors.Is(err, unix.EAGAIN) && len(q.free) > 0:
			return nil
		case err != nil:
			return fmt.Errorf("dequeue buffer: %w", err)
		case int(q.arg.index) >= len(q.memory) || slices.Contains(q.free, q.arg.index):
			return fmt.Errorf("dequeue buffer: the driver does not have buffer %d: %w", q.arg.index, capture.ErrStream)
		}
		q.free = append(q.free, q.arg.index)
	}
	return nil
}

func (q *queue) close() (err error) {
	for _, m := range q.memory {
		err = errors.Join(err, q.device.munmap(m))
	}
	q.memory, q.free = nil, nil
	return err
}
