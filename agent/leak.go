package agent

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/systemd"
)

// recordPeriod is how often the use of all resources is logged, so that the
// journal of a device tells afterwards what became of it.
const recordPeriod = time.Hour

// The least growth within an hour that is told of. A heap,
// a pool of threads and a few consumers stay below.
const (
	leastMemory      = 8 << 20
	leastDescriptors = 8
	leastThreads     = 8
	leastGoroutines  = 16
)

// A series is what may grow: a resource of the agent, or of the worker of a
// camera.
type series struct{ resource, camera string }

// A trend is a series and where it goes.
type trend struct {
	health.Trend
	pid   int    // whose it is
	words string // for STATUS, while it grows
}

// follow looks for growth that does not end.
func (b *budget) follow(u *usage, now time.Duration) {
	if n := b.agent.made(); n != b.cameras {
		b.cameras = n
		clear(b.trends) // whatever a camera takes, it takes once
	}
	memory := float64(u.private + u.shared)
	b.watch(series{resource: "memory"}, 0, float64(u.agent.Private+u.agent.Shared), leastMemory, b.memory.limit-memory, now)
	for camera, w := range u.workers {
		b.watch(series{"memory", camera}, w.PID, float64(w.Private+w.Shared), leastMemory, b.memory.limit-memory, now)
	}
	b.watch(series{resource: "descriptors"}, 0, b.descriptors.use, leastDescriptors, b.descriptors.limit-b.descriptors.use, now)
	b.watch(series{resource: "threads"}, 0, b.threads.use, leastThreads, b.threads.limit-b.threads.use, now)
	b.watch(series{resource: "goroutines"}, 0, float64(u.goroutines), leastGoroutines, math.Inf(1), now)
	b.showLeaks()
}

// Leaks are what grows, and the words for it in STATUS.
type leaks struct {
	of    map[series]bool
	words string
}

// showLeaks makes what a status has of them.
func (b *budget) showLeaks() {
	now := leaks{of: map[series]bool{}}
	var words []string
	for s, t := range b.trends {
		if t.words != "" {
			now.of[s] = true
			words = append(words, t.words)
		}
	}
	slices.Sort(words)
	now.words = strings.Join(words, "; ")
	if before := b.leaks.Swap(&now); before == nil && now.words != "" || before != nil && before.words != now.words {
		b.agent.show()
	}
}

// leaking says whether that grows.
func (b *budget) leaking(s series) bool {
	known := b.leaks.Load()
	return known != nil && known.of[s]
}

// A made is what was made for cameras: how many there are, those that have had a
// frame, and how often a reload has changed any.
type made struct {
	cameras, begun int
	reloads        uint64
}

func (a *Agent) made() made {
	m := made{reloads: a.rebuilt.Load()}
	for _, c := range a.list() {
		if m.cameras++; c.ledger.captured.Load() > 0 {
			m.begun++
		}
	}
	return m
}

// watch adds a sample to a series and tells when that shows something. left is
// how much more there may be.
func (b *budget) watch(s series, pid int, use, least, left float64, now time.Duration) {
	t := b.trends[s]
	if t == nil || t.pid != pid {
		t = &trend{Trend: health.Trend{Least: least}, pid: pid}
		b.trends[s] = t
	}
	g, changed := t.Observe(use, now)
	if !changed {
		return
	}
	e, id, message := b.log.Info(), systemd.MessageLeakOver, "no longer grows without end"
	t.words = ""
	if g.On {
		e, id, message = b.log.Warn(), systemd.MessageLeak, "grows without end"
		t.words = fmt.Sprintf("%s leaks %s, %s an hour", cmp.Or(s.camera, "agent"), s.resource, amount(s.resource, g.PerHour))
	}
	e = e.Str("message_id", id).Str("resource", s.resource)
	if s.camera != "" {
		e = e.Str("camera", s.camera).Str("stage", "worker")
	}
	e = e.Str("use", amount(s.resource, use))
	if g.On {
		e = e.Str("per_hour", amount(s.resource, g.PerHour)).Str("over", short(g.Over))
		if left = left / g.PerHour; left > 0 && left < 24*365 {
			e = e.Str("limit_in", short(time.Duration(left*float64(time.Hour))))
		}
	}
	e.Msg(message)
}

// amount is so much of a resource, for people.
func amount(resource string, n float64) string {
	if resource == "memory" {
		return fmt.Sprintf("%.1f MiB", n/(1<<20))
	}
	return fmt.Sprintf("%.1f", n)
}

// short is a duration for people.
func short(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}

// record logs what is in use, once a period.
func (b *budget) record(u *usage, now time.Duration) {
	if b.recorded != 0 && now-b.recorded < recordPeriod {
		return
	}
	b.recorded = now
	e := b.log.Info().Stringer("memory", &b.memory).Int64("private", u.private).Int64("shared", u.shared).
		Int("descriptors", u.descriptors).Int("threads", u.threads).Int("goroutines", u.goroutines).Int("queued", u.queued)
	if u.celsius != 0 {
		e = e.Float64("celsius", u.celsius)
	}
	e.Msg("resources")
}
