package queue

import (
	"context"
	"testing"
)

func TestNothingIsAllocatedPerValue(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	q := New[*int](2)
	v := new(int)
	if n := testing.AllocsPerRun(1000, func() {
		for range 3 {
			q.Push(v)
		}
		_, _ = q.Pop(ctx)
		_ = q.PushWait(ctx, v)
		for range q.Drain() {
		}
	}); n != 0 {
		t.Errorf("%v allocations with values at hand", n)
	}

	// Ping-pong: each Pop finds its queue empty and has to block.
	there, back := New[*int](1), New[*int](1)
	go func() {
		for {
			p, err := there.Pop(ctx)
			if err != nil {
				return
			}
			back.Push(p)
		}
	}()
	if n := testing.AllocsPerRun(1000, func() {
		there.Push(v)
		_, _ = back.Pop(ctx)
	}); n != 0 {
		t.Errorf("%v allocations with a Pop that blocks", n)
	}
}

func BenchmarkPushPop(b *testing.B) {
	q, ctx := New[*int](2), b.Context()
	v := new(int)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(v)
		_, _ = q.Pop(ctx)
	}
}

func BenchmarkPushEvict(b *testing.B) {
	q := New[*int](2)
	v := new(int)
	b.ReportAllocs()
	for b.Loop() {
		q.Push(v)
	}
}

func BenchmarkPingPong(b *testing.B) {
	ctx := b.Context()
	there, back := New[*int](1), New[*int](1)
	go func() {
		for {
			v, err := there.Pop(ctx)
			if err != nil {
				return
			}
			back.Push(v)
		}
	}()
	v := new(int)
	b.ReportAllocs()
	for b.Loop() {
		there.Push(v)
		_, _ = back.Pop(ctx)
	}
}
