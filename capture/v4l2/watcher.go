package v4l2

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// settle is how long it must be quiet before a change is reported: plugging a
// camera in makes several nodes, and udev links and permissions after them.
const settle = 100 * time.Millisecond

// settleAtMost bounds it where changes never end.
const settleAtMost = time.Second

const watched = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_ATTRIB

// A Watcher tells that cameras may have come or gone. It watches the device
// directory with inotify, because a sandboxed service gets no uevents. One
// goroutine uses it.
type Watcher struct {
	dev   string
	fd    int
	waker *waker
	dirs  map[int32]string // by watch descriptor
	buf   [4096]byte
}

// NewWatcher watches /dev.
func NewWatcher() (*Watcher, error) { return NewWatcherIn(Roots{}) }

// NewWatcherIn is NewWatcher for a machine whose directories are elsewhere.
func NewWatcherIn(r Roots) (*Watcher, error) {
	w := &Watcher{dev: systemHost(r).dev, fd: -1, dirs: map[int32]string{}}
	err := run([]step{
		{"make waker", func() (err error) { w.waker, err = newWaker(); return err }},
		{"inotify", func() (err error) { w.fd, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); return err }},
		{"", func() error { return w.add(w.dev) }},
		{"", w.addLinks},
	})
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", w.dev, errors.Join(err, w.Close()))
	}
	return w, nil
}

func (w *Watcher) add(dir string) error {
	wd, err := unix.InotifyAddWatch(w.fd, dir, watched|unix.IN_ONLYDIR)
	if err != nil {
		return fmt.Errorf("watch %s: %w", dir, err)
	}
	w.dirs[int32(wd)] = dir
	return nil
}

// addLinks watches the directories of links that exist; the others announce
// themselves in their parent.
func (w *Watcher) addLinks() error {
	v4l := filepath.Join(w.dev, "v4l")
	for _, dir := range []string{v4l, filepath.Join(v4l, "by-id"), filepath.Join(v4l, "by-path")} {
		if err := w.add(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	return nil
}

// Wait returns nil when a video node or a link to one may have come, gone or
// changed its permissions since the call before, however many times, or ctx's
// error. Changes between two calls are not lost.
func (w *Watcher) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.waker.follow(ctx)
	timeout, until := time.Duration(-1), time.Duration(0)
	for {
		_, err := pollFDs(w.fd, w.waker, true, timeout)
		if err != nil {
			return fmt.Errorf("watch %s: %w", w.dev, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		changed, err := w.read()
		if err != nil {
			return fmt.Errorf("watch %s: %w", w.dev, err)
		}
		now := capture.Monotonic()
		switch {
		case timeout < 0 && changed:
			timeout, until = settle, now+settleAtMost
		case timeout >= 0 && (!changed || now > until):
			return nil
		}
	}
}

// read takes the events that fit into the buffer, if there are any, and says
// whether one is about cameras.
func (w *Watcher) read() (changed bool, err error) {
	n, err := retry(func() (int, error) { return unix.Read(w.fd, w.buf[:]) })
	if err == unix.EAGAIN {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
		e := (*unix.InotifyEvent)(unsafe.Pointer(&b[0]))
		end := unix.SizeofInotifyEvent + int(e.Len)
		if w.relevant(e, text(b[unix.SizeofInotifyEvent:end])) {
			changed = true
		}
		b = b[end:]
	}
	return changed, nil
}

// relevant says whether an event is about a camera, and follows directories of
// links as they come and go.
func (w *Watcher) relevant(e *unix.InotifyEvent, name string) bool {
	if e.Mask&unix.IN_Q_OVERFLOW != 0 {
		return true
	}
	dir := w.dirs[e.Wd]
	if e.Mask&unix.IN_IGNORED != 0 { // the directory is gone, its watch with it
		delete(w.dirs, e.Wd)
		return true
	}
	if e.Mask&unix.IN_ISDIR != 0 && e.Mask&unix.IN_CREATE != 0 {
		// What was put into it before the watch is part of this same change.
		return w.addLinks() == nil && (dir != w.dev || name == "v4l")
	}
	return dir != w.dev || strings.HasPrefix(name, "video")
}

// Close ends the watch.
func (w *Watcher) Close() error {
	var errs []error
	if w.waker != nil {
		errs = append(errs, w.waker.close())
	}
	if w.fd >= 0 {
		errs = append(errs, unix.Close(w.fd))
		w.fd = -1
	}
	return errors.Join(errs...)
}
