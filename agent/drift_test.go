package agent

import (
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

func TestDriftOfACameraIsToldWithItsEnd(t *testing.T) {
	a, c, log := scriptedCamera(t, &script{format: grey}, config.DropOldest)
	at := time.Hour
	minutes := func(n int, age time.Duration) {
		for range n * int(time.Minute/budgetPeriod) {
			for range 25 {
				c.ledger.age.Observe(age)
			}
			a.budget.compare(at)
			at += budgetPeriod
		}
	}
	slow := func() bool { return strings.Contains(a.statusLine(), "slower than usual") }
	minutes(30, 10*time.Millisecond)
	minutes(4, 40*time.Millisecond)
	if slow() {
		t.Error("slow after four minutes")
	}
	minutes(4, 40*time.Millisecond)
	if !slow() {
		t.Errorf("STATUS is %q", a.statusLine())
	}
	minutes(10, 10*time.Millisecond)
	told, over := log.entries(t, "frames take longer than usual"), log.entries(t, "frames take as long as usual again")
	if len(told) != 1 || len(over) != 1 || slow() || told[0]["usual_p50_us"].(float64) > 12e3 || told[0]["age_p50_us"].(float64) < 40e3 {
		t.Errorf("told %v, over %v", told, over)
	}
	// At another rate, other latencies are usual; and so few frames tell nothing.
	c.throttle.steps.Store(2)
	minutes(60, 40*time.Millisecond)
	if slow() {
		t.Error("what is usual at the full rate is not at half of it")
	}
}
