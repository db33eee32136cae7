package capture

import (
	"testing"
	"testing/synctest"
	"time"
)

// The kernel's own reading, taken before and after, encloses ours.
func TestMonotonicIsTheKernelsClock(t *testing.T) {
	ahead := time.Hour
	for range 1000 {
		before := kernelMonotonic()
		got := Monotonic()
		after := kernelMonotonic()
		if got < before {
			t.Fatalf("Monotonic is %v behind the kernel", before-got)
		}
		ahead = min(ahead, got-after)
	}
	if ahead > 100*time.Microsecond {
		t.Errorf("Monotonic is always at least %v ahead of the kernel", ahead)
	}
}

func TestMonotonicRunsWithTheClockOfABubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := Monotonic()
		time.Sleep(time.Hour)
		if got := Monotonic() - start; got != time.Hour {
			t.Errorf("an hour of the bubble took %v", got)
		}
	})
}

func TestMonotonicAllocatesNothing(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { Monotonic() }); n != 0 {
		t.Errorf("%v allocations a call", n)
	}
}

func BenchmarkMonotonic(b *testing.B) {
	for b.Loop() {
		Monotonic()
	}
}
