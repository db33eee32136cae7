package quarantine

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/edge-agent/agent/agent/spool"
)

// writer is the goroutine that waits for the disk.
type writer struct {
	*Store
	seeded   bool  // the windows know of earlier runs
	left     bool  // records of an earlier run wait for the disk
	troubled bool  // and the owner was told
	trouble  error // of looking for records, before the writer ran
}

// run writes until there is no more work. It begins with what the process
// before this one left in flight.
func (w *writer) run() {
	defer close(w.done)
	err := w.dir.Open()
	if err == nil {
		w.seed("")
	}
	w.count(nil, err)
	w.tell(errors.Join(w.trouble, err))
	w.land()
	for e := range w.work {
		if w.keep(e) == nil && w.left {
			w.land()
		}
		w.mu.Lock()
		w.pending--
		w.mu.Unlock()
	}
}

// keep writes an entry, counts it and tells.
func (w *writer) keep(e *Entry) error {
	err := w.write(e)
	if err == nil {
		w.seed(e.Name())
	}
	suppressed := w.count(e, err)
	if err == nil {
		w.cfg.Kept(e, filepath.Join(w.cfg.Dir, e.Name()), suppressed)
	}
	w.tell(err)
	return err
}

func (w *writer) write(e *Entry) error {
	line, err := e.line()
	if err != nil {
		return fmt.Errorf("quarantine frame: %w", err)
	}
	w.dir.Resize(w.Store.keep())
	return w.dir.Write(spool.File{Name: e.Name(), Parts: append([][]byte{line}, e.planes()...), At: e.Captured})
}

// count accounts for an entry, nil being none in particular, and gives the
// number of its kind that were suppressed before it.
func (w *writer) count(e *Entry, err error) (suppressed uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := &w.stats
	s.LastError, s.Files, s.BytesKept = err, w.dir.Files(), w.dir.Bytes()
	if e == nil {
		return 0
	}
	kind := w.window(e.source())
	if err != nil {
		kind.refund()
	}
	switch {
	case err == nil:
		s.Kept++
		suppressed, kind.suppressed = kind.suppressed, 0
	case errors.Is(err, spool.ErrTooLarge):
		s.Dropped.TooLarge++
	case spool.NoRoom(err):
		s.Dropped.Full++
	default:
		s.Dropped.Failed++
	}
	return suppressed
}

// tell says when entries cannot be written any more, and when they can again.
func (w *writer) tell(err error) {
	if errors.Is(err, spool.ErrTooLarge) || (err != nil) == w.troubled {
		return
	}
	w.troubled = err != nil
	w.cfg.Trouble(err)
}

// seed counts the entries of earlier runs among those of this hour, once: a
// process that dies every second must not begin with an empty hour each time.
// except is an entry of this run.
func (w *writer) seed(except string) {
	if w.seeded {
		return
	}
	w.seeded = true
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for _, name := range w.dir.Names() {
		if name == except {
			continue
		}
		m := entryName.FindStringSubmatch(name)
		at, err := time.Parse(spool.Stamp, m[2])
		if age := now.Sub(at); err == nil && age >= 0 && age < time.Hour {
			w.window(source{m[1], m[4]}).admit(now.Add(-age))
		}
	}
}
