package agent

import (
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/systemd"
)

// A lap of a camera's latency is a minute, and so many frames at least.
const (
	driftLap    = time.Minute
	driftFrames = 100
)

// A drift watches how old the frames of a camera are when they are published.
// It is the budget's, but for what STATUS says of it.
type drift struct {
	health.Drift
	lap   health.Lap
	since time.Duration // when the lap began
	under circumstances
	shown atomic.Pointer[string]
}

// circumstances are what other latencies are to be expected of.
type circumstances struct {
	cameras         made
	fallback, steps int
	paused          bool
}

// String is what STATUS says: nothing while frames take as long as usual.
func (d *drift) String() string {
	if s := d.shown.Load(); s != nil {
		return *s
	}
	return ""
}

// compare ends the lap when its time is over, and says whether frames have
// lastingly become slower than usual, or no longer are.
func (d *drift) compare(age *health.Latency, under circumstances, now time.Duration) (changed bool) {
	if under != d.under || d.since == 0 {
		d.under, d.since = under, now
		d.Forget()
		d.lap.Next(age)
		return d.show()
	}
	if now-d.since < driftLap || d.lap.Pending(age) < driftFrames {
		return false
	}
	d.since = now
	d.lap.Next(age)
	changed = d.Observe(d.lap.Quantile(0.5), d.lap.Quantile(0.99))
	return d.show() && changed
}

// show makes the words for STATUS, and says whether they are others.
func (d *drift) show() (changed bool) {
	words := ""
	if d.Slow() {
		words = "slower than usual"
	}
	changed = words != d.String()
	d.shown.Store(&words)
	return changed
}

// compare looks at the latencies of all cameras.
func (b *budget) compare(now time.Duration) {
	cameras := b.agent.list()
	for _, c := range cameras {
		under := circumstances{b.cameras, c.state.Load().Fallback, c.throttle.effective(), b.paused.Load()}
		if c.drift.compare(&c.ledger.age, under, now) {
			c.tellDrift()
		}
	}
}

func (c *camera) tellDrift() {
	d := &c.drift
	e, id, message := c.log.Info(), systemd.MessageLatencyUsual, "frames take as long as usual again"
	if d.Slow() {
		e, id, message = c.log.Warn(), systemd.MessageLatencyDrift, "frames take longer than usual"
	}
	median, slowest := d.Is()
	usual, usualSlowest := d.Usual()
	e.Str("message_id", id).Int64("age_p50_us", median.Microseconds()).Int64("age_p99_us", slowest.Microseconds()).
		Int64("usual_p50_us", usual.Microseconds()).Int64("usual_p99_us", usualSlowest.Microseconds()).Msg(message)
	c.changed()
}
