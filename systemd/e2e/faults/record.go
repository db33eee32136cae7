package main

import (
	"context"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is now, by the clock of the journal's stamps and of the frames'.
func monotonic() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &t); err != nil {
		return 0 // Linux always has this clock
	}
	return time.Duration(t.Nano())
}

// An entry is one of the journal.
type entry struct {
	at     time.Duration // when journald got it
	fields map[string]string
}

func (e entry) number(field string) uint64 {
	n, _ := strconv.ParseUint(e.fields[field], 10, 64)
	return n
}

// A match picks entries.
type match func(entry) bool

// event is an entry of the agent's with this constant message, and the fields
// that follow, name by value.
func event(name string, fields ...string) match {
	return func(e entry) bool {
		for i := 0; i < len(fields); i += 2 {
			if e.fields[fields[i]] != fields[i+1] {
				return false
			}
		}
		return e.fields["EVENT"] == name
	}
}

// manager is an entry of systemd's on the service.
func manager(words string) match {
	return func(e entry) bool { return e.fields["_PID"] == "1" && strings.Contains(e.fields["MESSAGE"], words) }
}

// A frame is what a consumer got.
type frame struct {
	sequence  uint64
	published time.Duration
	skipped   uint64 // published before it, and not got
}

// A record is all that was seen: the journal of the service, and the frames of
// each camera. Several goroutines write it, one waits.
type record struct {
	mu      sync.Mutex // guards what follows
	entries []entry
	frames  map[string][]frame
	more    chan struct{} // closed, and made anew, when there is more
}

func newRecord() *record {
	return &record{frames: map[string][]frame{}, more: make(chan struct{})}
}

func (r *record) note(add func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add()
	close(r.more)
	r.more = make(chan struct{})
}

// await calls seen after each addition until it is true.
func (r *record) await(ctx context.Context, what string, limit time.Duration, seen func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		r.mu.Lock()
		ok, more := seen(), r.more
		r.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("waited %v for %s", limit, what)
		}
	}
}

// entry waits for the first entry since then that matches.
func (r *record) entry(ctx context.Context, what string, limit, since time.Duration, m match) (found entry, err error) {
	err = r.await(ctx, what, limit, func() bool {
		for _, e := range r.entries[r.first(since):] {
			if m(e) {
				found = e
				return true
			}
		}
		return false
	})
	return found, err
}

// first is the index of the first entry since then.
func (r *record) first(since time.Duration) int {
	return sort.Search(len(r.entries), func(i int) bool { return r.entries[i].at >= since })
}

// all are the entries since then that match.
func (r *record) all(since time.Duration, m match) (found []entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries[r.first(since):] {
		if m(e) {
			found = append(found, e)
		}
	}
	return found
}

// frame waits for the n-th frame of the camera that was published after then.
func (r *record) frame(ctx context.Context, camera string, n int, limit, after time.Duration) (found frame, err error) {
	err = r.await(ctx, fmt.Sprintf("frame %d of camera %s", n, camera), limit, func() bool {
		i := r.firstFrame(camera, after) + n - 1
		if i < len(r.frames[camera]) {
			found = r.frames[camera][i]
			return true
		}
		return false
	})
	return found, err
}

// sequence waits for the first frame after then whose number is wanted.
func (r *record) sequence(ctx context.Context, camera string, limit, after time.Duration, wanted func(uint64) bool) (found frame, err error) {
	err = r.await(ctx, "a frame of camera "+camera, limit, func() bool {
		f := r.frames[camera]
		for i := r.firstFrame(camera, after); i < len(f); i++ {
			if wanted(f[i].sequence) {
				found = f[i]
				return true
			}
		}
		return false
	})
	return found, err
}

// gap waits for the first frame after then that is not the next one.
func (r *record) gap(ctx context.Context, camera string, limit, after time.Duration) (found frame, err error) {
	err = r.await(ctx, "a gap of camera "+camera, limit, func() bool {
		f := r.frames[camera]
		for i := max(1, r.firstFrame(camera, after)); i < len(f); i++ {
			if r.between(f[i-1], f[i]) > 0 {
				found = f[i]
				return true
			}
		}
		return false
	})
	return found, err
}

func (r *record) firstFrame(camera string, after time.Duration) int {
	f := r.frames[camera]
	return sort.Search(len(f), func(i int) bool { return f[i].published > after })
}

// starting is the end of one process of the agent and the beginning of the next.
var starting = manager("Starting ")

// between is how many frames between two were never published. Numbers that go on
// in another process of the agent say nothing. The caller holds mu.
func (r *record) between(before, f frame) uint64 {
	for _, e := range r.entries[r.first(before.published):] {
		if e.at < f.published && starting(e) {
			return 0
		}
	}
	return f.sequence - before.sequence - 1 - f.skipped
}

// lost is how many frames of the camera were not published in that time.
func (r *record) lost(camera string, since, until time.Duration) (n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.frames[camera]
	for i := max(1, r.firstFrame(camera, since)); i < len(f) && f[i].published <= until; i++ {
		n += r.between(f[i-1], f[i])
	}
	return n
}

// backwards says how often a sequence did not go up, whatever happened to the
// camera or the agent.
func (r *record) backwards(camera string, since time.Duration) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.frames[camera]
	for i := r.firstFrame(camera, since) + 1; i < len(f); i++ {
		if f[i].sequence <= f[i-1].sequence {
			n++
		}
	}
	return n
}

// published is how many frames the camera published since then, as far as its
// consumer can tell.
func (r *record) published(camera string, since time.Duration) (n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, f := range r.frames[camera][r.firstFrame(camera, since):] {
		n += 1 + f.skipped
	}
	return n
}
