package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/preproc"
)

const (
	// grain is what the memory of a picture is a multiple of, so that the next
	// one, which is a little longer, fits as well.
	grain = 64 << 10
	// maxPicture bounds what is copied for clients; 4K floats have 95 MiB, and are
	// for the ring.
	maxPicture = 64 << 20
)

// TapConfig says what a tap is of. Nothing has a default.
type TapConfig struct {
	Camera string
	Spec   preproc.Spec
	// View says that it is the camera's view, and no output of the config.
	View bool
	// Patience is how long an image may be waited for.
	Patience time.Duration
	// Trouble is why there will be none for now, nil when one is to be expected.
	Trouble func() error
}

// A Tap is an output for whoever asks for an image just then: the next one that
// is made goes to all who wait, who share its copy. Without anybody who waits,
// none is made, and the tap holds no memory. A client that is slow asks less
// often; it keeps nobody else waiting, for there is one buffer for each client
// and one more.
type Tap struct {
	cfg     TapConfig
	waiting atomic.Int32 // len(waiters), without the lock

	mu        sync.Mutex
	watchers  int
	waiters   []*watcher
	free      []*picture
	held      *picture // of Hold
	sending   int      // streams that are not done with the image before
	delivered uint64
	missed    uint64
}

var (
	_ output.Lazy     = (*Tap)(nil)
	_ output.Reporter = (*Tap)(nil)
)

// NewTap makes a tap that nobody watches.
func NewTap(cfg TapConfig) *Tap { return &Tap{cfg: cfg} }

// A picture is an image in memory of ours. It goes back to the tap when the last
// one that holds it lets go.
type picture struct {
	preproc.Image
	tap     *Tap
	holders int // by tap.mu
}

// A watcher is one client's place. One goroutine uses it.
type watcher struct {
	tap    *Tap
	stream bool
	ready  chan *picture // has room for one
	timer  *time.Timer   // of Patience, at rest between two waits
}

// Wanted says that somebody waits.
func (t *Tap) Wanted() bool { return t.waiting.Load() > 0 }

// Write copies img for all who wait.
func (t *Tap) Write(_ context.Context, img *preproc.Image) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(img.Data) > maxPicture {
		t.wake(nil)
	}
	if len(t.waiters) == 0 {
		return output.ErrUnwanted
	}
	p := t.blank(len(img.Data))
	data := append(p.Data[:0], img.Data...)
	p.Image, p.Data = *img, data
	t.hand(p)
	return nil
}

// Hold copies the JPEG of a frame that may be shown as it came. Show hands it
// out, once it is known what is to be said of it.
func (t *Tap) Hold(jpeg []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = t.blank(len(jpeg) + len(standardTables))
	}
	t.held.Data = appendComplete(t.held.Data[:0], jpeg)
}

// Show hands what Hold got to all who wait, as what about says but for its Data.
func (t *Tap) Show(about *preproc.Image) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.held
	t.held = nil
	if p == nil {
		return output.ErrUnwanted
	}
	if len(t.waiters) == 0 {
		t.free = append(t.free, p)
		t.trim()
		return output.ErrUnwanted
	}
	data := p.Data
	p.Image, p.Data = *about, data
	t.hand(p)
	return nil
}

// blank is a picture with room for n bytes. It is called with t.mu held.
func (t *Tap) blank(n int) *picture {
	p := &picture{tap: t}
	if last := len(t.free) - 1; last >= 0 {
		p, t.free = t.free[last], t.free[:last]
	}
	if cap(p.Data) < n {
		p.Data = make([]byte, 0, (n+grain-1)/grain*grain)
	}
	return p
}

// hand is called with t.mu held.
func (t *Tap) hand(p *picture) {
	t.delivered += uint64(len(t.waiters))
	t.missed += uint64(t.sending)
	p.holders = len(t.waiters)
	t.wake(p)
}

// wake gives p to all who wait, or nil for an image that is too large. It is called
// with t.mu held.
func (t *Tap) wake(p *picture) {
	for _, w := range t.waiters {
		w.ready <- p
	}
	clear(t.waiters)
	t.waiters = t.waiters[:0]
	t.waiting.Store(0)
}

// watch takes a place, which its end gives back.
func (t *Tap) watch(stream bool) *watcher {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers++
	timer := time.NewTimer(t.cfg.Patience)
	timer.Stop()
	return &watcher{tap: t, stream: stream, ready: make(chan *picture, 1), timer: timer}
}

// end gives memory back when it is the last one's.
func (w *watcher) end() {
	t := w.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers--
	t.trim()
}

// trim is called with t.mu held.
func (t *Tap) trim() {
	if t.watchers == 0 {
		t.free = nil
	}
}

var (
	// errNone says that no image came in time.
	errNone  = errors.New("no image came")
	errLarge = fmt.Errorf("an image has more than %d MiB, the most that is sent by HTTP", maxPicture>>20)
)

// next waits for an image that is made from now on. It is the caller's to release.
func (w *watcher) next(ctx context.Context) (*picture, error) {
	t := w.tap
	if err := t.cfg.Trouble(); err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.waiters = append(t.waiters, w)
	t.waiting.Store(int32(len(t.waiters)))
	t.mu.Unlock()
	w.timer.Reset(t.cfg.Patience)
	defer w.timer.Stop()
	select {
	case p := <-w.ready:
		if p == nil {
			return nil, errLarge
		}
		t.begin(w)
		return p, nil
	case <-ctx.Done():
		w.leave()
		return nil, ctx.Err()
	case <-w.timer.C:
		w.leave()
		if err := t.cfg.Trouble(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w within %v", errNone, t.cfg.Patience)
	}
}

// leave waits no more.
func (w *watcher) leave() {
	t := w.tap
	t.mu.Lock()
	t.waiters = slices.DeleteFunc(t.waiters, func(other *watcher) bool { return other == w })
	t.waiting.Store(int32(len(t.waiters)))
	t.mu.Unlock()
	select {
	case p := <-w.ready: // just now
		if p != nil {
			t.begin(w)
			w.release(p)
		}
	default:
	}
}

func (t *Tap) begin(w *watcher) {
	if w.stream {
		t.mu.Lock()
		t.sending++
		t.mu.Unlock()
	}
}

// release lets go of what next returned.
func (w *watcher) release(p *picture) {
	t := w.tap
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.stream {
		t.sending--
	}
	if p.holders--; p.holders == 0 {
		t.free = append(t.free, p)
		t.trim()
	}
}

// Close does nothing: who waits gives up in time, and what they hold is theirs.
func (t *Tap) Close() error { return nil }

// Report may be called from any goroutine.
func (t *Tap) Report() output.Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	return output.Report{
		Kind: "http", Address: t.path(), Consumers: t.watchers, Delivered: t.delivered, Missed: t.missed,
	}
}
