package agent

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture"
)

// samplePeriod is how often counters are read for rates: 0.1 us a camera, and once
// in a status.LatencyWindow 2 us more.
const samplePeriod = time.Second

// sampleLimit is how long that may take before it counts as stuck.
const sampleLimit = 4 * time.Second

// A meter turns the counters of a camera into rates, and its latencies into recent
// ones. The sampler writes it and anybody reads it.
type meter struct {
	mu    sync.Mutex
	marks [status.RateWindow/samplePeriod + 1]mark // a ring
	n     int                                      // of marks that were made

	lap    health.Lap // the sampler's
	recent atomic.Pointer[recent]
}

// A mark is what was counted at one moment.
type mark struct {
	at                  time.Duration
	captured, published uint64
}

// A recent is what the last window had of a latency.
type recent struct {
	health.Histogram
	p50, p99, most time.Duration
}

func (l *Ledger) mark() mark {
	return mark{capture.Monotonic(), l.captured.Load(), l.published.Load()}
}

// sample makes a mark.
func (m *meter) sample(l *Ledger) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.marks[m.n%len(m.marks)] = l.mark()
	m.n++
}

// rates are those since the oldest mark.
func (m *meter) rates(l *Ledger) status.Rates {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.n == 0 {
		return status.Rates{}
	}
	old, now := m.marks[max(0, m.n-len(m.marks))%len(m.marks)], l.mark()
	rate := func(from, to uint64) float64 { return float64(to-from) / max((now.at-old.at).Seconds(), 1e-3) }
	return status.Rates{CaptureRate: rate(old.captured, now.captured), PublishRate: rate(old.published, now.published)}
}

// end ends a window of latencies.
func (m *meter) end(age *health.Latency) {
	m.lap.Next(age)
	m.recent.Store(&recent{m.lap.Histogram(), m.lap.Quantile(0.5), m.lap.Quantile(0.99), m.lap.Quantile(1)})
}

// latency is what is told of the age of frames.
func (m *meter) latency(age *health.Latency) status.Latency {
	all := age.Histogram()
	r := m.recent.Load()
	if r == nil {
		r = &recent{all, age.Quantile(0.5), age.Quantile(0.99), age.Quantile(1)}
	}
	l := status.Latency{Histogram: histogram(&all), Recent: r.Counts[:]}
	if r.Count > 0 {
		l.P50Seconds, l.P99Seconds, l.MaxSeconds = seconds(r.p50), seconds(r.p99), seconds(r.most)
	}
	return l
}

func histogram(h *health.Histogram) status.Histogram {
	return status.Histogram{Count: h.Count, SumSeconds: h.Sum.Seconds(), Counts: h.Counts[:]}
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}

// sample keeps the meters of all cameras until ctx ends.
func (a *Agent) sample(ctx context.Context) {
	n := 0
	every(ctx, a.monitor, "sampler", samplePeriod, sampleLimit, func() {
		n++
		whole := n%int(status.LatencyWindow/samplePeriod) == 0
		for _, c := range a.list() {
			c.meter.sample(&c.ledger)
			if whole {
				c.meter.end(&c.ledger.total)
			}
		}
		if whole {
			a.remember()
			a.Status() // which notes since when there is a reason
		}
	})
}
