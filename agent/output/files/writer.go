package files

import (
	"errors"
	"fmt"
	"syscall"
	"time"
)

// After an error the disk is left alone for a while, which doubles up to a
// limit. What comes meanwhile is dropped.
const (
	minBackoff = time.Second
	maxBackoff = time.Minute
)

var errTooLarge = errors.New("larger than all that may be kept")

// backoff is the pause after an error.
type backoff struct {
	err   error // that began it, nil if there is none
	pause time.Duration
	until time.Time
}

func (b *backoff) start(err error) {
	b.err = err
	b.pause = min(max(2*b.pause, minBackoff), maxBackoff)
	b.until = time.Now().Add(b.pause)
}

func (b *backoff) over() bool { return b.err == nil || !time.Now().Before(b.until) }

// write is the goroutine that waits for the disk, until work is closed.
func (f *Files) write() {
	defer close(f.done)
	var pause backoff
	for j := range f.work {
		err := pause.err
		if pause.over() {
			if err = f.attempt(j); err == nil || errors.Is(err, errTooLarge) {
				pause = backoff{}
			} else {
				pause.start(err)
			}
		}
		f.count(err)
		f.free <- j
	}
}

// attempt writes the file, in the room that the oldest files leave.
//
// On a full file system it deletes about as much as it needs and tries once
// more. It stops there: if someone else fills the disk, every byte given up is
// lost to them, and the archive with it.
func (f *Files) attempt(j *job) error {
	size := int64(len(j.bytes))
	if size > f.cfg.Keep {
		return fmt.Errorf("write file of %d bytes: %w: %d", size, errTooLarge, f.cfg.Keep)
	}
	name := f.dir.name(j.captured, j.sequence, f.cfg.Spec.Encode)
	if err := f.dir.makeRoom(size); err != nil {
		return err
	}
	err := f.dir.add(name, j.bytes)
	if noRoom(err) {
		if rerr := f.dir.removeOldest(size); rerr != nil {
			return errors.Join(err, rerr)
		}
		err = f.dir.add(name, j.bytes)
	}
	return err
}

func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

func (f *Files) count(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &f.stats
	s.LastError, s.Files, s.BytesKept = err, len(f.dir.kept), f.dir.bytes
	switch {
	case err == nil:
		s.Written++
	case errors.Is(err, errTooLarge):
		s.Dropped.TooLarge++
	case noRoom(err):
		s.Dropped.Full++
	default:
		s.Dropped.Failed++
	}
}
