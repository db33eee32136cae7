package bench

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/edge-agent/agent/capture"
)

// A reel holds frames in memory that a worker can map, as a driver's buffers
// can be.
type reel struct {
	format capture.Format
	file   *os.File // without a name
	data   []byte
	frames []*capture.Frame
}

// newReel copies the footage.
func newReel(f Footage) (r *reel, err error) {
	total := 0
	for _, planes := range f.Frames {
		for _, p := range planes {
			total += aligned(len(p))
		}
	}
	if total == 0 {
		return nil, errors.New("no frames")
	}
	r = &reel{format: f.Format}
	if r.file, err = os.CreateTemp("/dev/shm", "agent-bench"); err != nil {
		return nil, fmt.Errorf("memory for frames: %w", err)
	}
	err = errors.Join(os.Remove(r.file.Name()), r.file.Truncate(int64(total)))
	if err == nil {
		r.data, err = syscall.Mmap(int(r.file.Fd()), 0, total, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("memory for frames: %w", err), r.file.Close())
	}
	rest := r.data
	for i, planes := range f.Frames {
		frame := &capture.Frame{Format: f.Format, Sequence: uint64(i)}
		for p, bytes := range planes {
			if len(bytes) == 0 {
				continue
			}
			frame.Planes[p] = rest[:copy(rest, bytes):len(bytes)]
			rest = rest[aligned(len(bytes)):]
		}
		r.frames = append(r.frames, frame)
	}
	return r, nil
}

// aligned rounds up to whole pages, where drivers let planes begin.
func aligned(n int) int {
	page := os.Getpagesize()
	return (n + page - 1) / page * page
}

// frame is the next one, around and around, as if it were new.
func (r *reel) frame(i int) *capture.Frame {
	f := r.frames[i%len(r.frames)]
	f.Sequence = uint64(i)
	f.Timestamp = capture.Monotonic()
	f.Dequeued = f.Timestamp
	return f
}

func (r *reel) memory() capture.Memory {
	return capture.Memory{FD: int(r.file.Fd()), Data: r.data}
}

func (r *reel) close() error {
	return errors.Join(syscall.Munmap(r.data), r.file.Close())
}
