package health

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStageAtWorkIsSilentAfterItsLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		p := m.Pulse("front process", time.Second, nil)
		p.Beat()
		time.Sleep(time.Second)
		if err := m.Check(); err != nil {
			t.Fatalf("within the limit: %v", err)
		}
		time.Sleep(time.Millisecond)
		err := m.Check()
		if err == nil || !strings.Contains(err.Error(), "front process: no progress for 1.001s") {
			t.Fatalf("past the limit: %v", err)
		}
		p.Beat()
		if err := m.Check(); err != nil {
			t.Fatalf("after a beat: %v", err)
		}
	})
}

func TestRestIsFreshUntilWorkIsPending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		pending := false
		p := m.Pulse("front process", time.Second, func() bool { return pending })
		time.Sleep(24 * time.Hour)
		if err := m.Check(); err != nil {
			t.Fatalf("nothing to do: %v", err)
		}
		pending = true
		if err := m.Check(); err == nil {
			t.Fatal("work is pending, the stage rests, and that is called healthy")
		}
		p.Rest()
		if err := m.Check(); err != nil {
			t.Fatalf("just took its work: %v", err)
		}
	})
}

func TestAllowedWorkMayTakeLongerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		p := m.Pulse("front capture", time.Second, nil)
		p.Allow(time.Minute)
		time.Sleep(time.Minute)
		if err := m.Check(); err != nil {
			t.Fatalf("within what was allowed: %v", err)
		}
		p.Beat()
		time.Sleep(2 * time.Second)
		if err := m.Check(); err == nil {
			t.Fatal("the allowance outlived the work")
		}
	})
}

func TestEverySilentStageIsNamedAndRemovedOnesAreNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMonitor()
		a, b, c := m.Pulse("a", time.Second, nil), m.Pulse("b", time.Second, nil), m.Pulse("c", time.Second, nil)
		for _, p := range []*Pulse{a, b, c} {
			p.Beat()
		}
		m.Remove(c)
		time.Sleep(time.Minute)
		err := m.Check().Error()
		if !strings.Contains(err, "a: ") || !strings.Contains(err, "b: ") || strings.Contains(err, "c: ") {
			t.Fatal(err)
		}
	})
}

func TestBeatAllocatesNothing(t *testing.T) {
	p := NewMonitor().Pulse("a", time.Second, nil)
	if n := testing.AllocsPerRun(100, func() { p.Beat(); p.Rest() }); n != 0 {
		t.Fatalf("%v allocations", n)
	}
}
