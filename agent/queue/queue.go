// Package queue holds what one stage has ready and the next has not taken yet.
//
// What enters: values, frames in practice, from producers that must not wait.
// What leaves: the same values, in order, and whatever had to make room for a
// newer one, to whoever pushed that one. It never copies, releases or loses a
// value: each one is popped or evicted, exactly once.
package queue

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// ErrClosed is what Pop and PushWait return when the queue is closed; Pop only
// once it is empty as well.
var ErrClosed = errors.New("queue closed")

// A DropOldest is a bounded queue in which the newest wins: a push on a full
// queue evicts the oldest value. Any number of goroutines may use it. It
// allocates when it is made and never again.
type DropOldest[T any] struct {
	mu     sync.Mutex
	slots  []T // a ring: length values from first on
	first  int
	length int
	counts Stats
	ended  bool

	// One token at most lies in each channel. It means that whoever waits
	// should look again, not that there is something for him. Who takes the
	// token and leaves work behind passes it on, so no waiter is forgotten.
	ready, room chan struct{}
	closed      chan struct{}
}

// Stats says how full a queue is and what went through it:
// Pushed = Popped + Evicted + Len, always.
type Stats struct {
	Len, Cap                int
	Pushed, Popped, Evicted uint64
}

// New makes a queue for up to capacity values, which must be at least 1.
func New[T any](capacity int) *DropOldest[T] {
	if capacity < 1 {
		panic("queue: capacity below 1")
	}
	return &DropOldest[T]{
		slots:  make([]T, capacity),
		ready:  make(chan struct{}, 1),
		room:   make(chan struct{}, 1),
		closed: make(chan struct{}),
	}
}

// Push appends v and never blocks. When ok, something had to go: evicted is
// the oldest value, or v itself when the queue is closed, and the caller has
// to release it.
func (q *DropOldest[T]) Push(v T) (evicted T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.counts.Pushed++
	if q.ended {
		q.counts.Evicted++
		return v, true
	}
	if ok = q.length == len(q.slots); ok {
		q.counts.Evicted++
		evicted = q.takeFirst()
	}
	q.append(v)
	return evicted, ok
}

// PushWait appends v as soon as there is room, and evicts nothing: the policy
// "block" of recordings, where nothing may be lost. After an error, which is
// ErrClosed or ctx's, v is still the caller's and was not counted.
func (q *DropOldest[T]) PushWait(ctx context.Context, v T) error {
	for {
		if err := ctx.Err(); err != nil {
			signal(q.room) // the token that woke us, if one did
			return err
		}
		if pushed, err := q.tryPush(v); pushed || err != nil {
			return err
		}
		select {
		case <-q.room:
		case <-q.closed:
		case <-ctx.Done():
		}
	}
}

// Pop removes the oldest value and blocks until there is one. A closed queue
// is emptied first and then answers ErrClosed. With ctx at its end Pop takes
// nothing and returns ctx's error.
func (q *DropOldest[T]) Pop(ctx context.Context) (T, error) {
	for {
		if err := ctx.Err(); err != nil {
			signal(q.ready) // the token that woke us, if one did
			var none T
			return none, err
		}
		v, ok, ended := q.tryPop()
		if ok {
			return v, nil
		}
		if ended {
			return v, ErrClosed
		}
		select {
		case <-q.ready:
		case <-q.closed:
		case <-ctx.Done():
		}
	}
}

// Drain removes what is in the queue, oldest first, and waits for nothing.
// After Close its owner thus releases and counts what nobody will pop.
func (q *DropOldest[T]) Drain() iter.Seq[T] {
	return func(yield func(T) bool) {
		for {
			v, ok, _ := q.tryPop()
			if !ok || !yield(v) {
				return
			}
		}
	}
}

// Close ends the queue: from now on nothing gets in, and consumers get what is
// left and then ErrClosed. Closing again does nothing.
func (q *DropOldest[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.ended {
		q.ended = true
		close(q.closed)
	}
}

// Stats is one consistent view of the counters.
func (q *DropOldest[T]) Stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.counts
	s.Len, s.Cap = q.length, len(q.slots)
	return s
}

func (q *DropOldest[T]) tryPush(v T) (bool, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.ended {
		return false, ErrClosed
	}
	if q.length == len(q.slots) {
		return false, nil
	}
	q.counts.Pushed++
	q.append(v)
	if q.length < len(q.slots) {
		signal(q.room)
	}
	return true, nil
}

func (q *DropOldest[T]) tryPop() (v T, ok, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.length == 0 {
		return v, false, q.ended
	}
	v = q.takeFirst()
	q.counts.Popped++
	if q.length > 0 {
		signal(q.ready)
	}
	signal(q.room)
	return v, true, q.ended
}

// append needs the lock and a free slot.
func (q *DropOldest[T]) append(v T) {
	q.slots[(q.first+q.length)%len(q.slots)] = v
	q.length++
	signal(q.ready)
}

// takeFirst needs the lock and a value. The slot is zeroed: a queue that kept
// a reference would keep a frame's memory alive.
func (q *DropOldest[T]) takeFirst() T {
	var none T
	v := q.slots[q.first]
	q.slots[q.first] = none
	q.first = (q.first + 1) % len(q.slots)
	q.length--
	return v
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
