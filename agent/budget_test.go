package agent

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/output/ring/reader"
)

const mi = 1 << 20

// budgeted is an agent with a preview and a model, whose budget looks when the
// test says so, at what the test says, by the test's clock.
type budgeted struct {
	*rigged
	u   usage
	err error
	at  time.Duration
}

func startBudget(t *testing.T, limits string) *budgeted {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(limits+`
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x240, rate: 100}
    outputs:
      model: {size: 64x64}
      preview: {size: 64x48, encode: jpeg}
      archive: {size: 64x48, encode: jpeg, every: 1h, files: {}}
`))
	if err != nil {
		t.Fatal(err)
	}
	b := &budgeted{at: time.Hour}
	b.rigged = startWith(t, cfg, func(a *Agent) {
		a.budget.period = time.Hour
		a.budget.now = func() time.Duration { return b.at }
		a.budget.measure = func() (usage, error) { return b.u, b.err }
	})
	b.until(t, "publishing", func() bool { return b.publishedBy() > 0 })
	return b
}

// looks has the budget look once a period for so long.
func (b *budgeted) looks(d time.Duration) {
	for end := b.at + d; b.at < end; b.at += budgetPeriod {
		b.budget.look()
	}
}

// newest follows an output: it is the number of its newest image, 0 before the first.
func (b *budgeted) newest(t *testing.T, output string) (number *atomic.Uint64, end func()) {
	t.Helper()
	frames, err := reader.Dial(config.SocketPath(b.dir, "front", output))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	number, ended := new(atomic.Uint64), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			f, err := frames.Next(ctx)
			if err != nil {
				return
			}
			number.Store(f.Sequence + 1)
		}
	}()
	return number, func() { cancel(); <-ended; frames.Close() }
}

// flows fails unless images of the model arrive, and those of the preview do or do not.
func (b *budgeted) flows(t *testing.T, step string, previews bool) {
	t.Helper()
	model, endModel := b.newest(t, "model")
	defer endModel()
	preview, endPreview := b.newest(t, "preview")
	defer endPreview()
	goesOn := func(what string, of *atomic.Uint64, frames uint64) {
		t.Helper()
		b.until(t, what, func() bool { return of.Load() > 0 }) // which may be an old one
		from := of.Load()
		b.until(t, what+" going on, "+step, func() bool { return of.Load() >= from+frames })
	}
	goesOn("model", model, 2*slowest)
	if previews {
		goesOn("preview", preview, 2*slowest)
		return
	}
	last := model.Load() // what of the preview was under way before has arrived
	goesOn("model", model, 10*slowest)
	if n := preview.Load(); n > last {
		t.Errorf("%s: preview of frame %d, after %d", step, n, last)
	}
}

func TestDegradingGoesStepByStepAndBack(t *testing.T) {
	for resource, short := range map[string]usage{
		"memory":      {private: 330 * mi},
		"temperature": {celsius: 81},
	} {
		b := startBudget(t, "limits: {memory: 400MiB, temperature: 85}")
		given := func(step string, previews bool, oneOf int) {
			t.Helper()
			b.flows(t, resource+", "+step, previews)
			c := b.list()[0]
			skipped := c.ledger.drops[DropSkipped].Load()
			b.until(t, "the rate", func() bool { return c.throttle.effective() == oneOf })
			if oneOf > 1 {
				b.until(t, "skipping", func() bool { return c.ledger.drops[DropSkipped].Load() > skipped })
			}
		}
		given("at first", true, 1)
		b.u = short
		b.looks(stepUp + budgetPeriod)
		given("first step", false, 1)
		if s := b.statusLine(); !strings.HasPrefix(s, resource) || !strings.Contains(s, "previews are paused") {
			t.Errorf("STATUS is %q", s)
		}
		b.looks(stepUp)
		given("second step", false, 2)
		b.looks(10 * stepUp)
		given("third step", false, 4)
		b.u = usage{}
		b.looks(3*stepDown + budgetPeriod)
		given("relieved", true, 1)
		up, down := b.log.entries(t, "degraded"), b.log.entries(t, "degraded less")
		if len(up) != 3 || len(down) != 3 || up[0]["resource"] != resource || strings.Contains(b.statusLine(), resource) {
			t.Errorf("%s: %d steps up, %d down, STATUS %q", resource, len(up), len(down), b.statusLine())
		}
		b.stop()
		b.finished(t)
	}
}

func TestWorkerThatHoldsTooMuchIsReplacedBetweenFrames(t *testing.T) {
	b := startBudget(t, "limits: {memory: 100MiB}")
	b.u = usage{agent: health.Held{Private: 20 * mi}, workers: map[string]health.Held{"front": {Private: 90 * mi}}, private: 110 * mi}
	b.looks(enforceAfter + budgetPeriod)
	c := b.list()[0]
	b.until(t, "the next worker", func() bool { return c.ledger.replaced.Load() == 1 })
	b.u = usage{agent: health.Held{Private: 20 * mi}, private: 25 * mi}
	before := b.publishedBy()
	b.until(t, "publishing", func() bool { return b.publishedBy() > before+20 })
	b.stop()
	b.finished(t)
	a := c.ledger.Account()
	if a.Dropped["crashed"]+a.Dropped["timed-out"]+a.Dropped["failed"] > 0 {
		t.Errorf("frames were lost to it: %+v", a)
	}
	e := b.log.entries(t, "worker replaced")
	if len(e) != 1 || !strings.Contains(fmt.Sprint(e[0]["error"]), "memory 110 of 100 MiB") {
		t.Errorf("%v", e)
	}
}

func TestAgentThatHoldsTooMuchEnds(t *testing.T) {
	for what, over := range map[string]struct {
		usage
		err error
	}{
		"memory":                    {usage{agent: health.Held{Private: 90 * mi}, private: 110 * mi}, nil},
		"descriptors":               {usage{descriptors: 1 << 30}, nil},
		"descriptors, none to look": {usage{}, fmt.Errorf("open: %w", syscall.EMFILE)},
	} {
		name, _, _ := strings.Cut(what, ",")
		b := startBudget(t, "limits: {memory: 100MiB}")
		b.looks(settleAfter + budgetPeriod)
		b.u, b.err = over.usage, over.err
		b.looks(time.Minute)
		select {
		case err := <-b.done:
			if err == nil || !strings.Contains(err.Error(), "limit exceeded: "+name) {
				t.Errorf("%s: ended with %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the agent goes on", name)
		}
		if err := b.list()[0].ledger.Account().Balanced(); err != nil {
			t.Error(err)
		}
		if n := len(b.log.entries(t, "limit is exceeded: starting anew")); n != 1 {
			t.Errorf("%s: told %d times", name, n)
		}
	}
}

// The same with a worker that leaks. The memory of the agent itself is left out:
// it is that of a test, which the race detector multiplies.
func TestLeakingWorkerIsFoundAndReplaced(t *testing.T) {
	cfg := config.Defaults()
	cfg.Limits.Memory = 60 * mi
	cam := cfg.AddPattern()
	cam.Name, cam.ProcessDeadline = "leak-1", 2*time.Second
	at := time.Hour
	r := startWith(t, cfg, func(a *Agent) {
		machine := health.NewMachine("/proc", "/sys")
		a.budget.period = time.Hour
		a.budget.now = func() time.Duration { return at }
		a.budget.measure = func() (usage, error) {
			u, err := a.measure(machine)
			u.agent.Private, u.private, u.shared = 0, u.private-u.agent.Private, 0
			return u, err
		}
	})
	r.until(t, "publishing", func() bool { return r.publishedBy() > 0 })
	r.until(t, "the next worker", func() bool {
		r.budget.look()
		at += budgetPeriod / 5
		return r.list()[0].ledger.replaced.Load() > 0
	})
	r.stop()
	r.finished(t)
	e := r.log.entries(t, "worker replaced")
	if len(e) == 0 || !strings.Contains(fmt.Sprint(e[0]["error"]), " of 60 MiB, of which this worker holds ") {
		t.Errorf("%v", e)
	}
}

// A limit below what the config needs would have the agent start over and over.
func TestLimitThatIsTooLowIsToldAndEndsNothing(t *testing.T) {
	b := startBudget(t, "limits: {memory: 100MiB}")
	b.u = usage{agent: health.Held{Private: 90 * mi}, private: 110 * mi}
	b.looks(time.Hour)
	if n := len(b.log.entries(t, "limit is too low for this config: starting anew would not help")); n != 1 {
		t.Errorf("told %d times", n)
	}
	b.stop()
	b.finished(t)
}

func TestResourceThatRunsShortIsToldUntilItDoesNot(t *testing.T) {
	b := startBudget(t, "")
	limit := b.budget.descriptors.limit
	for _, part := range []float64{0.5, 0.85, 0.75, 0.85, 0.5} {
		b.u = usage{descriptors: int(part * limit)}
		b.looks(2 * time.Minute)
	}
	if near, over := b.log.entries(t, "limit is near"), b.log.entries(t, "limit is no longer near"); len(near) != 1 || len(over) != 1 || near[0]["resource"] != "descriptors" {
		t.Errorf("%v, %v", near, over)
	}
	b.err = os.ErrPermission
	b.looks(time.Minute)
	b.err = nil
	b.looks(time.Minute)
	if n := len(b.log.entries(t, "measuring resources")); n != 2 {
		t.Errorf("a failing measurement is told %d times", n)
	}
	b.stop()
	b.finished(t)
}

// Rings take what the config says: they leave less for the rest, but are no
// reason to give up anything.
func TestRingsAreNoReasonToDegrade(t *testing.T) {
	b := startBudget(t, "limits: {memory: 400MiB}")
	b.u = usage{private: 60 * mi, shared: 300 * mi}
	b.looks(time.Hour)
	if b.budget.String() != "" {
		t.Error(b.budget.String())
	}
	b.u.private = 85 * mi
	b.looks(time.Minute)
	if !strings.Contains(b.budget.String(), "memory 385 of 400 MiB") {
		t.Errorf("%q", b.budget.String())
	}
	b.stop()
	b.finished(t)
}

func TestLimitIsBelowWhatTheKernelEnforces(t *testing.T) {
	cfg := config.Defaults()
	for want, bounds := range map[float64]health.Bounds{
		400 * mi: {Memory: 512 * mi}, // the packaged unit
		204 * mi: {Memory: 255 * mi},
	} {
		b := budget{bounds: bounds}
		if b.limit(&cfg.Limits); b.memory.limit != want {
			t.Errorf("of %d MiB the agent uses %v", bounds.Memory/mi, b.memory.String())
		}
	}
	unit, err := os.ReadFile("../systemd/agent.service")
	if err != nil || !strings.Contains(string(unit), "\nMemoryMax=512M\n") {
		t.Errorf("the unit has another MemoryMax (%v)", err)
	}
}
