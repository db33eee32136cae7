package door

import (
	"testing"
	"time"
)

// Who comes all the time takes the share, and no more; who comes seldom never
// waits, and neither do many at once after a quiet time.
func TestArrivalsTakeTheirShare(t *testing.T) {
	const each = 25 * time.Microsecond
	s := Share{Part: 0.02}
	now, spent := time.Hour, time.Duration(0)
	for end := now + time.Minute; now < end; {
		now += each
		spent += each
		now += s.Spend(now, each)
	}
	if part := float64(spent) / float64(time.Minute); part < 0.019 || part > 0.021 {
		t.Errorf("a flood takes %.4f of a CPU, want 0.02", part)
	}
	now += time.Minute
	for i := range 500 {
		now += each
		if pause := s.Spend(now, each); pause != 0 {
			t.Fatalf("a pause of %v after %d at once", pause, i)
		}
	}
	for range 10_000 {
		now += 2 * time.Millisecond
		if pause := s.Spend(now, each); pause != 0 {
			t.Fatalf("a pause of %v where one comes every 2 ms", pause)
		}
	}
	// A machine that stood still for a while is no reason to wait for long.
	if pause := s.Spend(now, time.Minute); pause > time.Second {
		t.Errorf("a pause of %v after a minute", pause)
	}
}
