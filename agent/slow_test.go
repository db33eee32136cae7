package agent

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
)

// cpu is what a process has used so far, in clock ticks of 10 ms.
func cpu(b *testing.B, pid int) (ticks int) {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	var user, system int
	_, after, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(after) // from field 3 of proc(5) on
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		b.Fatal(err)
	}
	return user + system
}

// What slow-input is for: a recording of 720p at 60 frames a second, whose
// preprocessing takes longer than that. The two policies take turns.
func BenchmarkSlowPreprocessor(b *testing.B) {
	policies := []config.Policy{config.DropOldest, config.SlowInput}
	if b.N > 1 {
		b.Skip("one run takes as long as it takes: -benchtime 1x")
	}
	const turns, settle, measured = 3, 15 * time.Second, 10 * time.Second
	for range turns {
		for _, policy := range policies {
			r := start(b, fmt.Sprintf(`
cameras:
  front:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 60}
    queue: {policy: %v}
    outputs:
      model: {size: 640x640, dtype: float32, layout: chw}
      archive: {size: 1920x1080, encode: jpeg, quality: 95, filter: area}
    quality: {frozen-after: off}
`, policy))
			r.until(b, "publishing", func() bool { return r.publishedBy() > 0 })
			<-time.After(settle)
			c := r.list()[0]
			var lap health.Lap
			lap.Next(&c.ledger.age)
			agent, worker, frames := cpu(b, os.Getpid()), cpu(b, c.worker.PID()), r.publishedBy()
			<-time.After(measured)
			lap.Next(&c.ledger.age)
			agent, worker, frames = cpu(b, os.Getpid())-agent, cpu(b, c.worker.PID())-worker, r.publishedBy()-frames
			b.Logf("%-11v 1 of %d: age %4.1f ms at the median, %5.1f of the slowest in a hundred; CPU %3d %% agent, %3d %% worker; %d frames a second", policy,
				c.throttle.effective(), lap.Quantile(0.5).Seconds()*1e3, lap.Quantile(0.99).Seconds()*1e3,
				agent*10/int(measured.Milliseconds()/100), worker*10/int(measured.Milliseconds()/100), frames/uint64(measured/time.Second))
			r.stop()
			r.finished(b)
		}
	}
}
