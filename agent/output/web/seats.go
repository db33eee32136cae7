package web

import (
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWatchers is how many clients may wait for images or be sent some.
	maxWatchers = 16
	// maxTensors is how many of them tensors, which are large.
	maxTensors = 4
	// seatPatience is how long a client may take nothing when another one wants
	// its seat.
	seatPatience = time.Second
)

// A seat is the place of a client that waits for images or is sent some.
type seat struct {
	conn   *conn
	tensor bool
	since  atomic.Int64 // when it began to be sent what it is sent now; 0 for nothing
}

// seats are those that are taken.
type seats struct {
	mu    sync.Mutex // held for an instant
	taken []*seat
}

// sit gives a client a seat, that of one which takes nothing if need be, or nil.
func (s *seats) sit(r *http.Request, t *Tap) *seat {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &seat{conn: r.Context().Value(connKey{}).(*conn), tensor: t.suffix() == npySuffix}
	if mine.tensor && s.tensors() >= maxTensors && !s.evict(func(o *seat) bool { return o.tensor }) {
		return nil
	}
	if len(s.taken) >= maxWatchers && !s.evict(func(*seat) bool { return true }) {
		return nil
	}
	s.taken = append(s.taken, mine)
	return mine
}

// tensors is called with s.mu held, as is evict.
func (s *seats) tensors() (n int) {
	for _, o := range s.taken {
		if o.tensor {
			n++
		}
	}
	return n
}

// evict hangs up on one of those clients, if it has taken nothing for a while.
// Its goroutine finds out.
func (s *seats) evict(among func(*seat) bool) bool {
	long := time.Now().Add(-seatPatience).UnixNano()
	i := slices.IndexFunc(s.taken, func(o *seat) bool {
		since := o.since.Load()
		return among(o) && since != 0 && since < long
	})
	if i < 0 {
		return false
	}
	_ = s.taken[i].conn.Close()
	s.taken = slices.Delete(s.taken, i, i+1)
	return true
}

func (s *seats) leave(mine *seat) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken = slices.DeleteFunc(s.taken, func(o *seat) bool { return o == mine })
}

func (s *seats) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.taken)
}
