package queue

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
)

// model is what a DropOldest means, as plainly as it can be said.
type model struct {
	values []int
	stats  Stats
	closed bool
}

func (m *model) push(v int) (int, bool) {
	m.stats.Pushed++
	if m.closed {
		m.stats.Evicted++
		return v, true
	}
	m.values = append(m.values, v)
	if len(m.values) <= m.stats.Cap {
		return 0, false
	}
	v = m.values[0]
	m.values = m.values[1:]
	m.stats.Evicted++
	return v, true
}

// pop is what a Pop gives that does not wait.
func (m *model) pop() (int, bool) {
	if len(m.values) == 0 {
		return 0, false
	}
	v := m.values[0]
	m.values = m.values[1:]
	m.stats.Popped++
	return v, true
}

// FuzzAgainstModel does one operation a byte on a queue and on a slice.
func FuzzAgainstModel(f *testing.F) {
	f.Add(uint8(1), []byte{0, 0, 1, 1, 0, 2, 3, 0, 1})
	f.Add(uint8(2), []byte{0, 0, 0, 1, 2, 2, 2, 1, 1, 3, 0, 2, 4})
	f.Add(uint8(3), []byte{0, 4, 0, 0, 0, 0, 4, 0, 1, 0, 0, 1, 3, 1, 1, 1})
	f.Fuzz(func(t *testing.T, capacity uint8, ops []byte) {
		c := int(capacity%8) + 1
		q, m := New[int](c), &model{stats: Stats{Cap: c}}
		for i, op := range ops {
			step(t, q, m, op%5, i+1)
			m.stats.Len = len(m.values)
			if got := q.Stats(); got != m.stats {
				t.Fatalf("after operation %d (%d): %+v, want %+v", i, op%5, got, m.stats)
			}
		}
		if got := slices.Collect(q.Drain()); !slices.Equal(got, m.values) {
			t.Fatalf("left are %v, want %v", got, m.values)
		}
	})
}

// step never blocks: it pops only where the model has a value or an end.
func step(t *testing.T, q *DropOldest[int], m *model, op byte, v int) {
	switch op {
	case 0:
		got, ok := q.Push(v)
		if want, wantOK := m.push(v); got != want || ok != wantOK {
			t.Fatalf("push %d gave %d, %v; want %d, %v", v, got, ok, want, wantOK)
		}
	case 1:
		if len(m.values) == 0 && !m.closed {
			return
		}
		got, err := q.Pop(context.Background())
		if want, ok := m.pop(); got != want || (err == nil) != ok {
			t.Fatalf("pop gave %d, %v; want %d, %v", got, err, want, ok)
		}
	case 2:
		if len(m.values) == m.stats.Cap && !m.closed {
			return
		}
		err := q.PushWait(context.Background(), v)
		if (err == nil) == m.closed {
			t.Fatalf("push-wait gave %v, closed %v", err, m.closed)
		}
		if !m.closed {
			m.push(v)
		}
	case 3:
		q.Close()
		m.closed = true
	case 4:
		for got := range q.Drain() {
			if want, ok := m.pop(); !ok || got != want {
				t.Fatalf("drained %d; want %d, %v", got, want, ok)
			}
		}
		if len(m.values) != 0 {
			t.Fatalf("drain left %v", m.values)
		}
	}
}

// Whatever the interleaving, each value reaches exactly one pair of hands.
func TestEachValueIsPoppedOrEvictedExactlyOnce(t *testing.T) {
	const producers, consumers, each = 4, 3, 5000
	q := New[int](3)
	seen := make([]atomic.Int32, producers*each)
	var pushing, popping sync.WaitGroup
	for p := range producers {
		pushing.Go(func() { produce(t, q, seen, p*each, (p+1)*each, p%2 == 0) })
	}
	for range consumers {
		popping.Go(func() {
			for v, err := q.Pop(t.Context()); err == nil; v, err = q.Pop(t.Context()) {
				seen[v].Add(1)
			}
		})
	}
	pushing.Wait()
	q.Close()
	popping.Wait()
	for v := range seen {
		if n := seen[v].Load(); n != 1 {
			t.Fatalf("value %d was handed out %d times", v, n)
		}
	}
	s := q.Stats()
	if s.Len != 0 || s.Pushed != producers*each || s.Pushed != s.Popped+s.Evicted {
		t.Errorf("the identity is broken: %+v", s)
	}
}

func produce(t *testing.T, q *DropOldest[int], seen []atomic.Int32, from, to int, wait bool) {
	for v := from; v < to; v++ {
		if wait {
			if err := q.PushWait(t.Context(), v); err != nil {
				t.Error(err)
			}
			continue
		}
		if evicted, ok := q.Push(v); ok {
			seen[evicted].Add(1)
		}
	}
}
