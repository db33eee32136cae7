package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

const (
	// budgetPeriod is how often resources are looked at, at a cost of 15 us and
	// as much again for each worker.
	budgetPeriod = 5 * time.Second
	// budgetLimit is how long that may take before it counts as stuck.
	budgetLimit = 4 * time.Second
)

// A budget knows what the agent and its workers hold, and what they may. It
// gives up what can be spared when that runs short, and restarts what holds too
// much when that does not help.
type budget struct {
	agent   *Agent
	log     zerolog.Logger
	now     func() time.Duration
	measure func() (usage, error)
	blind   bool // the last measurement failed

	// What has been given up: read by the cameras.
	paused  atomic.Bool  // previews
	lowered atomic.Int32 // the fallback mode that cameras are opened in at best
	imposed atomic.Int32 // one of so many frames is taken
	// What STATUS says.
	shown    atomic.Pointer[string]
	leaks    atomic.Pointer[leaks]
	measured atomic.Pointer[usage] // the last one, which nobody changes any more
	limits   atomic.Pointer[config.Limits]
	// next is a config that is to be gone by from the next look on.
	next atomic.Pointer[config.Config]
	// spent is why the process has to end.
	spent chan error
	// period is how often look is called.
	period time.Duration

	memory, temperature, descriptors, threads resource

	bounds health.Bounds // of the device
	rungs  []rung
	stair  health.Stair
	hard   hardness

	trends   map[series]*trend
	cameras  made          // for them, as far as trends go
	recorded time.Duration // when the use was logged for the last time
}

// A usage is what is held at one moment.
type usage struct {
	agent   health.Held
	workers map[string]health.Held // by camera
	// private and shared are the memory of all of them.
	private, shared int64
	// threads are those of all processes, the rest is the agent's own.
	descriptors, threads, goroutines int
	queued                           int // frames that wait for a preprocessor
	celsius                          float64
}

// A resource is what may run short, and where that begins.
type resource struct {
	name  string
	unit  string
	scale float64 // of the unit
	limit float64 // 0 for none
	marks health.Marks
	use   float64
	near  health.Condition
}

func newBudget(a *Agent) *budget {
	m := health.NewMachine("/proc", "/sys")
	bounds, err := m.Bounds()
	if err != nil {
		a.Log.Warn().Str("message_id", systemd.MessageBlind).Err(err).Msg("limits of the device are not known")
	}
	b := &budget{agent: a, log: a.Log, now: capture.Monotonic, spent: make(chan error, 1), period: budgetPeriod, trends: map[series]*trend{}}
	b.measure = func() (usage, error) { return a.measure(m) }
	b.bounds = bounds
	b.limit(&a.Config.Limits)
	b.rungs = rungs(a.Config)
	b.stair = health.Stair{Top: len(b.rungs), Up: stepUp, Down: stepDown, MostDown: stepDownMost}
	b.descriptors = resource{name: "descriptors", limit: float64(bounds.Descriptors), marks: partly(float64(bounds.Descriptors), 0.95)}
	b.threads = resource{name: "threads", limit: float64(bounds.Threads), marks: partly(float64(bounds.Threads), 0.95)}
	for _, r := range []*resource{&b.descriptors, &b.threads} {
		r.near = health.Condition{Enter: 2 * budgetPeriod, Leave: time.Minute}
	}
	return b
}

// limit sets the marks of what the config limits.
func (b *budget) limit(l *config.Limits) {
	memory := l.Memory
	if most := b.bounds.SafeMemory(); most > 0 {
		memory = min(memory, most)
	}
	b.limits.Store(&config.Limits{Memory: memory, Temperature: l.Temperature})
	b.memory = resource{name: "memory", unit: " MiB", scale: 1 << 20, limit: float64(memory)}
	t := float64(l.Temperature)
	// No restart cools anything.
	b.temperature = resource{name: "temperature", unit: " °C", limit: t, marks: health.Marks{Relief: t - 10, Soft: t - 5, Hard: 1000}}
}

// ofMemory are the marks of memory. What is shared was fixed by the config, and
// nothing that is given up changes it, so the marks are parts of the rest.
func (b *budget) ofMemory(u *usage) health.Marks {
	shared := float64(u.shared)
	m := partly(max(0, b.memory.limit-shared), 1)
	return health.Marks{Relief: shared + m.Relief, Soft: shared + m.Soft, Hard: b.memory.limit}
}

// partly are marks at seven and eight tenths of a limit, and at the given part.
func partly(limit, hard float64) health.Marks {
	return health.Marks{Relief: 0.7 * limit, Soft: 0.8 * limit, Hard: hard * limit}
}

// pressure is how short it is; what has no limit never is.
func (r *resource) pressure() health.Pressure {
	if r.limit == 0 {
		return health.Relieved
	}
	return r.marks.Pressure(r.use)
}

func (r *resource) spent() bool { return r.limit > 0 && r.use >= r.marks.Hard }

func (r *resource) String() string {
	scale := cmp.Or(r.scale, 1)
	return fmt.Sprintf("%.0f of %.0f%s", r.use/scale, r.limit/scale, r.unit)
}

// begin measures once, so that a status has something to tell from the start.
func (b *budget) begin() {
	if u, err := b.measure(); err == nil {
		b.measured.Store(&u)
	}
}

// run looks at the resources until ctx ends.
func (b *budget) run(ctx context.Context) {
	every(ctx, b.agent.monitor, "budget", b.period, budgetLimit, b.look)
}

// use is what was held at the last measurement.
func (b *budget) use() *usage {
	if u := b.measured.Load(); u != nil {
		return u
	}
	return &usage{}
}

// look measures once and does what follows from it.
func (b *budget) look() {
	if cfg := b.next.Swap(nil); cfg != nil {
		b.limit(&cfg.Limits)
		b.regive(rungs(cfg))
	}
	u, err := b.measure()
	if errors.Is(err, syscall.EMFILE) {
		// There is none left to look with, which tells enough.
		u = *b.use()
		u.descriptors = int(b.descriptors.limit)
		b.measured.Store(&u)
		b.descriptors.use = b.descriptors.limit
		b.tellNear(&b.descriptors, b.now())
		b.enforce(&u, b.now())
		return
	}
	if (err != nil) != b.blind {
		b.blind = err != nil
		b.log.Warn().Str("message_id", systemd.MessageBlind).Err(err).Bool("blind", b.blind).Msg("measuring resources")
	}
	if err != nil {
		return
	}
	b.measured.Store(&u)
	b.temperature.use = u.celsius
	b.memory.use, b.memory.marks = float64(u.private+u.shared), b.ofMemory(&u)
	b.descriptors.use, b.threads.use = float64(u.descriptors), float64(u.threads)
	now := b.now()
	b.degrade(now)
	b.tellNear(&b.descriptors, now)
	b.tellNear(&b.threads, now)
	b.enforce(&u, now)
	b.follow(&u, now)
	b.compare(now)
	b.record(&u, now)
}

// measure asks the kernel what the process and its workers hold.
func (a *Agent) measure(m *health.Machine) (u usage, err error) {
	if u.agent, err = m.Process(0); err != nil {
		return u, err
	}
	if u.descriptors, err = m.Descriptors(); err != nil {
		return u, err
	}
	u.celsius, _ = m.Temperature()
	u.goroutines = runtime.NumGoroutine()
	u.threads = u.agent.Threads
	u.workers = map[string]health.Held{}
	self, held := os.Getpid(), []health.Held{}
	for _, c := range a.list() {
		u.queued += c.queued()
		if c.worker == nil || c.worker.PID() == 0 {
			continue
		}
		h, err := m.Process(c.worker.PID())
		if err != nil || h.Parent != self {
			continue // it has just gone, and its number may be another's
		}
		u.workers[c.cfg.Name] = h
		u.threads += h.Threads
		held = append(held, h)
	}
	u.private, u.shared = health.MemoryOf(u.agent, held)
	return u, nil
}
