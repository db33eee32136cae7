package queue

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestPushOnAFullQueueEvictsTheOldest(t *testing.T) {
	q := New[int](2)
	for i := range 2 {
		if v, ok := q.Push(i); ok {
			t.Fatalf("push %d evicted %d with room left", i, v)
		}
	}
	if v, ok := q.Push(2); !ok || v != 0 {
		t.Fatalf("the third push gave %d, %v; want 0, true", v, ok)
	}
	if got := slices.Collect(q.Drain()); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("left are %v, want [1 2]", got)
	}
	if got, want := q.Stats(), (Stats{Cap: 2, Pushed: 3, Popped: 2, Evicted: 1}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestPopWaitsForAPush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](1)
		got := make(chan int, 1)
		go func() {
			v, err := q.Pop(t.Context())
			if err != nil {
				t.Error(err)
			}
			got <- v
		}()
		synctest.Wait()
		if len(got) != 0 {
			t.Fatal("Pop returned from an empty queue")
		}
		q.Push(7)
		synctest.Wait()
		if len(got) != 1 || <-got != 7 {
			t.Fatal("Pop did not return what was pushed")
		}
	})
}

// Two values that arrive at once wake two consumers, though there is one token.
func TestEveryWaitingConsumerIsWoken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](8)
		got := make(chan int, 8)
		for range 8 {
			go func() {
				v, err := q.Pop(t.Context())
				if err != nil {
					t.Error(err)
				}
				got <- v
			}()
		}
		synctest.Wait()
		for i := range 8 {
			q.Push(i)
		}
		synctest.Wait()
		if len(got) != 8 {
			t.Fatalf("%d of 8 consumers were woken", len(got))
		}
	})
}

// Values can arrive while two consumers are on their way to sleep: one token
// is there for both. Who took it has to leave one for the other.
func TestAWakeUpIsPassedOnWhileThereIsWork(t *testing.T) {
	q := New[int](2)
	q.Push(1)
	q.Push(2)
	<-q.ready // as the first of the two does
	if v, err := q.Pop(t.Context()); v != 1 || err != nil {
		t.Fatalf("Pop gave %d, %v", v, err)
	}
	if len(q.ready) != 1 {
		t.Error("the other consumer would sleep beside a value")
	}

	q.Push(3)
	for range q.Drain() { // makes room for two
	}
	<-q.room
	if err := q.PushWait(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	if len(q.room) != 1 {
		t.Error("the other producer would sleep beside a free slot")
	}
}

func TestACancelledConsumerLeavesItsWakeUpToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](2)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 2)
		go func() { _, err := q.Pop(ctx); got <- err }()
		go func() { _, err := q.Pop(t.Context()); got <- err }()
		synctest.Wait()
		q.Push(1) // may wake the one that is cancelled
		cancel()
		q.Push(2)
		synctest.Wait()
		if len(got) != 2 {
			t.Fatal("a consumer sleeps beside a value")
		}
		left := q.Stats().Len
		for range 2 {
			if err := <-got; err != nil {
				left--
			}
		}
		if left != 0 {
			t.Errorf("a cancelled Pop took a value with it")
		}
	})
}

func TestPopReturnsTheContextsErrorAndTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		if _, err := q.Pop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Pop gave %v", err)
		}
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("Pop waited %v", waited)
		}
		q.Push(1)
		if _, err := q.Pop(ctx); err == nil || q.Stats().Len != 1 {
			t.Errorf("a Pop after the end gave %v and left %d", err, q.Stats().Len)
		}
	})
}

func TestAClosedQueueIsEmptiedFirst(t *testing.T) {
	q := New[int](3)
	q.Push(1)
	q.Push(2)
	q.Close()
	q.Close()
	if v, ok := q.Push(3); !ok || v != 3 {
		t.Errorf("Push after Close gave %d, %v; want its own value back", v, ok)
	}
	if v, err := q.Pop(t.Context()); v != 1 || err != nil {
		t.Errorf("first Pop gave %d, %v", v, err)
	}
	for v := range q.Drain() {
		if v != 2 {
			t.Errorf("drained %d", v)
		}
	}
	if _, err := q.Pop(t.Context()); err != ErrClosed {
		t.Errorf("Pop of a closed, empty queue gave %v", err)
	}
	if got, want := q.Stats(), (Stats{Cap: 3, Pushed: 3, Popped: 2, Evicted: 1}); got != want {
		t.Errorf("stats %+v, want %+v", got, want)
	}
}

func TestCloseWakesEveryoneWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty, full := New[int](1), New[int](1)
		full.Push(0)
		got := make(chan error, 6)
		for range 3 {
			go func() { _, err := empty.Pop(t.Context()); got <- err }()
			go func() { got <- full.PushWait(t.Context(), 1) }()
		}
		synctest.Wait()
		empty.Close()
		full.Close()
		synctest.Wait()
		for range 6 {
			if err := <-got; err != ErrClosed {
				t.Errorf("woken with %v", err)
			}
		}
	})
}

func TestPushWaitEvictsNothingAndWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](1)
		sent := make(chan int, 4)
		go func() {
			for i := range 4 {
				if err := q.PushWait(t.Context(), i); err != nil {
					t.Error(err)
				}
				sent <- i
			}
		}()
		for i := range 4 {
			synctest.Wait()
			if len(sent) != i+1 {
				t.Fatalf("%d values are in after %d pops", len(sent), i)
			}
			if v, err := q.Pop(t.Context()); v != i || err != nil {
				t.Fatalf("Pop gave %d, %v; want %d", v, err, i)
			}
		}
		if n := q.Stats().Evicted; n != 0 {
			t.Errorf("%d evicted", n)
		}
	})
}

func TestACancelledPushWaitKeepsItsValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := New[int](1)
		q.Push(0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := q.PushWait(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("PushWait gave %v", err)
		}
		if s := q.Stats(); s.Pushed != 1 || s.Len != 1 {
			t.Errorf("stats %+v after a push that did not happen", s)
		}
	})
}

// A frame that the queue still points at could not be collected or reused.
func TestNothingThatLeftIsStillReferenced(t *testing.T) {
	q := New[*int](2)
	for i := range 5 {
		q.Push(&i)
	}
	for range q.Drain() {
	}
	for i, p := range q.slots {
		if p != nil {
			t.Errorf("slot %d still holds a value", i)
		}
	}
}

func TestACapacityBelowOneIsRefused(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("New(0) made a queue")
		}
	}()
	New[int](0)
}
