package web

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestFloodIsSlowedDownAndOthersAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, began := rhythm{interval: time.Millisecond, burst: 100}, time.Now()
		wait := func(n int) time.Duration {
			before := time.Now()
			for range n {
				r.wait()
			}
			return time.Since(before)
		}
		if took := wait(100); took != 0 {
			t.Errorf("a burst took %v", took)
		}
		if took := wait(1000); took != time.Second {
			t.Errorf("1000 more took %v", took)
		}
		for range 100 {
			time.Sleep(10 * time.Millisecond)
			if took := wait(5); took != 0 {
				t.Errorf("five took %v, %v after the flood", took, time.Since(began))
			}
		}
	})
}
