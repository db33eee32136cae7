package agent

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/agent/status"
)

// A reloadable is an agent whose config a test writes anew.
type reloadable struct {
	*rigged
	t    testing.TB
	mu   sync.Mutex
	text string
}

func startReloadable(t testing.TB, yaml string) *reloadable {
	t.Helper()
	r := &reloadable{t: t, text: yaml}
	cfg, err := config.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	r.rigged = startWith(t, cfg, func(a *Agent) {
		a.Reread = func() (*config.Config, error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			cfg, err := config.Parse("test.yaml", []byte(r.text))
			if err == nil && cfg.HTTP.Listen.Port() == 9810 {
				cfg.HTTP.Listen = a.Config.HTTP.Listen // as startWith has it
			}
			return cfg, err
		}
	})
	r.until(t, "agent started", func() bool { return len(r.one) == 1 })
	return r
}

// write makes the config another one, by replacing a part of it.
func (r *reloadable) write(old, new string) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !strings.Contains(r.text, old) {
		r.t.Fatalf("the config has no %q", old)
	}
	r.text = strings.Replace(r.text, old, new, 1)
}

// edit writes and reloads, and gives what changed, a line each.
func (r *reloadable) edit(old, new string) []string {
	r.t.Helper()
	r.write(old, new)
	done, err := r.Reload(r.t.Context())
	if err != nil || !done.Taken {
		r.t.Fatalf("%+v, %v", done, err)
	}
	return lines(done)
}

func lines(r status.Reload) []string {
	said := []string{}
	for _, c := range r.Changes {
		if c.Keys == nil || c.Kept == nil {
			said = append(said, "a list that is null in JSON")
		}
		said = append(said, c.String())
	}
	return said
}

func (r *reloadable) says(got []string, want ...string) {
	r.t.Helper()
	if !slices.Equal(got, want) {
		r.t.Errorf("changed:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// trio are three cameras that lose nothing, however busy the machine is.
const trio = `
quarantine: {keep: 0}
cameras:
  left:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 50}
    queue: {policy: block}
    recovery: {process-deadline: 2s}
    outputs: {model: {size: 32x32, ring: {slots: 64}}}
  front:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 50}
    queue: {policy: block}
    outputs:
      model: {size: 32x32, ring: {slots: 64}}
      other: {size: 48x32, ring: {slots: 64}}
  right:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 50}
    queue: {policy: block}
    recovery: {process-deadline: 2s}
    outputs: {model: {size: 32x32, ring: {slots: 64}}}
`

// A tail follows a ring to its end, without connecting again.
type tail struct {
	mu    sync.Mutex
	seen  []struct{ sequence, skipped uint64 }
	ended chan struct{}
	err   error
}

func (r *reloadable) tail(socket string) *tail {
	r.t.Helper()
	in, err := (&reader.Dialer{NoReconnect: true}).Dial(filepath.Join(r.dir, socket))
	if err != nil {
		r.t.Fatal(err)
	}
	l := &tail{ended: make(chan struct{})}
	ctx, stop := context.WithCancel(r.t.Context())
	go func() {
		defer close(l.ended)
		for {
			f, err := in.Next(ctx)
			l.mu.Lock()
			if l.err = err; err == nil {
				l.seen = append(l.seen, struct{ sequence, skipped uint64 }{f.Sequence, f.Skipped})
			}
			l.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	r.t.Cleanup(func() { stop(); <-l.ended; in.Close() })
	return l
}

// settle waits until each camera publishes by the pipeline that it has now.
func (r *reloadable) settle() {
	r.t.Helper()
	for _, c := range r.list() {
		from := c.ledger.published.Load()
		r.until(r.t, c.cfg.Name+" publishes", func() bool { return c.ledger.published.Load() >= from+3 })
	}
}

func (l *tail) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.seen)
}

// more waits for n more frames, and fails when the ring hangs up.
func (r *reloadable) more(l *tail, n int) {
	r.t.Helper()
	from := l.count()
	r.until(r.t, "more frames", func() bool {
		select {
		case <-l.ended:
			r.t.Fatalf("hung up on after %d frames: %v", l.count(), l.err)
		default:
		}
		return l.count() >= from+n
	})
}

// gaps are the numbers after which one or more were not published, whatever the
// reader was late for; numbers never go back.
func (l *tail) gaps(t testing.TB) (gaps int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, f := range l.seen[1:] {
		switch before := l.seen[i].sequence; {
		case f.sequence <= before:
			t.Errorf("frame %d after %d", f.sequence, before)
		case f.sequence > before+1+f.skipped:
			gaps++
		}
	}
	return gaps
}
