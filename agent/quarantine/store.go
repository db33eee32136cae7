package quarantine

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/edge-agent/agent/agent/spool"
	"github.com/edge-agent/agent/capture"
)

const (
	// maxPending is how many frames may wait for the disk, the one that is
	// being written included. More would be memory for the like of them.
	maxPending = 2
	// PerHour is how many entries one camera makes for one reason within any
	// hour. The first ones show what a hundred more would show; and a camera
	// that floods for one reason neither wears the disk out nor hides the one
	// frame that did worse.
	PerHour = 10
	// closeLimit is how long Close waits for a disk that hangs, within the two
	// seconds that a stop of the agent may take.
	closeLimit = time.Second
)

// Config says what is kept where, and whom to tell. The functions are called by
// one goroutine of the Store.
type Config struct {
	// Dir is the directory; it is made if need be, and may hold other files.
	Dir string
	// Keep is the most bytes that the entries may have.
	Keep int64
	// FlightDir is where the records of frames in flight lie. It should be in
	// memory: they are written for each frame.
	FlightDir string
	// Kept tells of an entry that was written, and how many of its camera and
	// reason were not since the one before because of PerHour.
	Kept func(e *Entry, path string, suppressed uint64)
	// Trouble tells why entries cannot be written, once, and nil when they can
	// again.
	Trouble func(error)
}

// Stats are counters since New, but Files and BytesKept, which are now.
type Stats struct {
	// Kept is how many entries were written.
	Kept      uint64
	Dropped   Dropped
	Files     int
	BytesKept int64
	// LastError is of the last attempt to write, nil if it succeeded.
	LastError error
}

// Dropped counts frames that were offered and not kept.
type Dropped struct {
	// Suppressed: there were PerHour of them within the hour.
	Suppressed uint64
	// Busy: the disk is slower than the frames come.
	Busy uint64
	// TooLarge: the frame alone is larger than Keep, or than any camera's.
	TooLarge uint64
	// Full: the file system had no room, or had none moments ago.
	Full uint64
	// Failed: another error of the file system, now or moments ago.
	Failed uint64
}

// A Store is a quarantine. Its methods may be called from any goroutine. A nil
// Store keeps nothing.
type Store struct {
	cfg  Config
	dir  *spool.Directory // the writer's
	work chan *Entry
	done chan struct{} // closed when the writer has ended

	mu      sync.Mutex // guards what follows
	closed  bool
	pending int
	windows map[source]*window
	stats   Stats
}

// New starts the writer. What the frames of a dead process left in flight
// becomes entries; for that, New must come before the first Flight. It does
// not wait for the disk, and a disk that fails is no error but a Trouble.
func New(cfg Config) (*Store, error) {
	if cfg.Keep <= 0 {
		return nil, fmt.Errorf("quarantine: keep %d bytes: it must be positive", cfg.Keep)
	}
	if cfg.Kept == nil {
		cfg.Kept = func(*Entry, string, uint64) {}
	}
	if cfg.Trouble == nil {
		cfg.Trouble = func(error) {}
	}
	s := &Store{
		cfg: cfg, dir: spool.New(spool.Config{Path: cfg.Dir, Keep: cfg.Keep, Own: own}),
		work: make(chan *Entry, maxPending), done: make(chan struct{}), windows: map[source]*window{},
	}
	w := &writer{Store: s, trouble: ground(cfg.FlightDir)}
	go w.run()
	return s, nil
}

// entryName is CAMERA-TIME-SEQUENCE-REASON.frame; the parts are those of
// [Entry.Name].
var entryName = regexp.MustCompile(`^([a-z0-9][a-z0-9-]{0,31})-(\d{8}T\d{6}\.\d{6}Z)-(\d{8,20})-([a-z][a-z-]{0,31})\.frame$`)

// own says which names are those of entries; the oldest capture comes first,
// whichever camera's it is.
func own(name string) (age string, ours bool) {
	m := entryName.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[2] + m[1], true
}

// Offer copies a frame that went wrong, or counts why not. It does not wait.
func (s *Store) Offer(camera string, f *capture.Frame, cause Cause) {
	if s == nil || !s.reserve(source{camera, cause.Reason}, f) {
		return
	}
	s.hand(copyOf(camera, f, cause))
}

// reserve takes a place for a frame of that source, if there is one.
func (s *Store) reserve(from source, f *capture.Frame) bool {
	bytes := 0
	for _, p := range f.Planes {
		bytes += len(p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
	case bytes > maxFrameBytes || int64(bytes) > s.cfg.Keep:
		s.stats.Dropped.TooLarge++
	case !s.window(from).admit(time.Now()):
		s.stats.Dropped.Suppressed++
	case s.pending == maxPending:
		s.window(from).refund()
		s.stats.Dropped.Busy++
	default:
		s.pending++
		return true
	}
	return false
}

// hand gives the writer its work. The channel has a place for each that is
// pending.
func (s *Store) hand(e *Entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		s.pending--
		s.stats.Dropped.Busy++
		return
	}
	s.work <- e
}

// copyOf takes memory for as long as the entry waits, and not for ever: bad
// frames are rare, and PerHour keeps them so.
func copyOf(camera string, f *capture.Frame, cause Cause) *Entry {
	kept := &capture.Frame{
		Format: f.Format, Sequence: f.Sequence, Lost: f.Lost, Timestamp: f.Timestamp, Dequeued: f.Dequeued, Fault: f.Fault,
	}
	for i, p := range f.Planes {
		kept.Planes[i] = append([]byte(nil), p...)
	}
	return newEntry(camera, kept, cause, wallClock(f.Timestamp))
}

// newEntry makes the cause and the time such as an entry may have.
func newEntry(camera string, f *capture.Frame, cause Cause, at time.Time) *Entry {
	detail := strings.ToValidUTF8(cause.Detail, "?")
	if len(detail) > maxDetailBytes {
		detail = strings.ToValidUTF8(detail[:maxDetailBytes], "")
	}
	return &Entry{camera, Cause{cause.Reason, detail}, at.UTC().Truncate(time.Microsecond), f}
}

// wallClock is the time of day of a CLOCK_MONOTONIC time stamp.
func wallClock(timestamp time.Duration) time.Time {
	return time.Now().Add(timestamp - capture.Monotonic())
}

// Resize is for another Keep, from the next entry on.
func (s *Store) Resize(keep int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cfg.Keep = keep
}

// keep is the most bytes that the entries may have.
func (s *Store) keep() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg.Keep
}

// Stats may be called from any goroutine.
func (s *Store) Stats() Stats {
	if s == nil {
		return Stats{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Close writes what is pending and ends the writer. A disk that hangs is left
// alone after a second, with an error. It may be called again.
func (s *Store) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	already := s.closed
	s.closed = true
	s.mu.Unlock()
	if already {
		return nil
	}
	close(s.work)
	timeout := time.NewTimer(closeLimit)
	defer timeout.Stop()
	select {
	case <-s.done:
		return nil
	case <-timeout.C:
		return fmt.Errorf("close quarantine in %s: the disk does not answer: %w", s.cfg.Dir, os.ErrDeadlineExceeded)
	}
}
