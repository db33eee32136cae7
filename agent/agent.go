package agent

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/thejerf/suture/v4"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/instance"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/systemd"
)

// How long things may take. With WatchdogSec=10s the limits of health, 3 s and
// 4 s by default, stay under half of it, as a test holds.
const (
	reportPeriod = 10 * time.Second
	stopLimit    = 1500 * time.Millisecond // for all cameras to stop
)

// Options are what the agent is made of.
type Options struct {
	// Config names the cameras; with none, every camera that is found is
	// taken, and the test pattern while there is none.
	Config *config.Config
	// Refused is why Config is not what its files say, but one that worked before;
	// nil while it is. It is in force since Since then, of other processes.
	Refused error
	Since   time.Time
	// Reread gives the config anew, for [Agent.Reload]; nil for a config that
	// stays as it is.
	Reread func() (*config.Config, error)
	// InForce is told when a config has proved itself: Config when the agent is ready,
	// and each one that was reread when it was taken. nil for nobody.
	InForce func() error
	Log     zerolog.Logger
	// Level is that of Log, and what the config says as long as nobody asks for
	// another one; nil for one that cannot be changed.
	Level *systemd.Level
	// RuntimeDir is where the sockets lie: RuntimeDir/CAMERA/OUTPUT.sock.
	RuntimeDir string
	// StateDir is what relative directories of the config are relative to, and
	// where the quarantine lies.
	StateDir string
	Notifier *systemd.Notifier
	// Descriptors is what systemd keeps for the process after this one; nil for
	// nothing.
	Descriptors *systemd.DescriptorStore
	// FirstSequence is the number for the first frame of a camera, such as
	// [SequenceByClock]; without it, that is the source's.
	FirstSequence func() uint64
	// Watchdog is the interval that systemd asked for, 0 for none.
	Watchdog time.Duration
	// Events gives the newest events of Log, the newest first; nil for none.
	Events func() []systemd.Event
	// LogCounts are how many entries of Log were left out, and lost; nil for none.
	LogCounts func() (leftOut, lost uint64)
	// Version is what a status says of the program.
	Version string
}

// An Agent is the running whole.
type Agent struct {
	Options
	monitor *health.Monitor
	tree    *suture.Supervisor
	// ground is what the config has come to be, and what stands on it.
	ground atomic.Pointer[ground]

	selfTest  func() error          // the known-answer frames
	untrusted atomic.Pointer[error] // why the preprocessor's answers are wrong, nil while they are right

	budget  *budget
	web     website
	control *web.Server // nil for none
	guard   *systemd.Watchdog
	silent  atomic.Pointer[silence] // the stage that is stuck, nil while none is

	verbosity verbosity

	past  past
	known firsts

	unheard   atomic.Bool // systemd did not take what it was told last
	started   time.Time
	lastWords string // of the process before, if it was stuck

	reloading
	// building is of whoever adds cameras or takes them away.
	building  baton
	discovery *discovery // while the config names no camera; of whoever builds

	mu      sync.Mutex
	cameras []*camera
	ended   chan struct{} // closed when every camera is a recording at its end
}

// New makes an agent; nothing is opened yet.
func New(o Options) *Agent {
	a := &Agent{Options: o, monitor: health.NewMonitor(), started: time.Now(), ended: make(chan struct{}), building: newBaton()}
	a.taken.Store(o.inForceFrom(a.started))
	a.web.renewed = make(chan struct{}, 1)
	a.reloading.one = make(chan context.Context, 1)
	a.ground.Store(&ground{Config: o.Config})
	a.guard = &systemd.Watchdog{Interval: a.Watchdog, Check: a.monitor.Check, Notifier: a.Notifier, Report: a.stuck}
	a.selfTest = a.knownAnswers
	a.budget = newBudget(a)
	a.verbosity.begin(o.Log, o.Level)
	a.web.Store(a.newWeb(&o.Config.HTTP))
	a.control = newControl(a)
	a.tree = suture.New("agent", suture.Spec{
		EventHook:        a.supervised,
		Timeout:          stopLimit,
		FailureBackoff:   time.Second,
		FailureThreshold: 1, // a service that fails ran into a panic: not at full speed again
	})
	return a
}

// Run builds the pipelines, reports readiness, and returns when ctx ends or
// every recording is at its end. It returns an error only when the agent could
// not be built, or has to end because it holds too much.
func (a *Agent) Run(ctx context.Context) error {
	claim, err := instance.New(a.RuntimeDir)
	if err != nil {
		return err
	}
	defer claim.Release()
	if err := a.selfTest(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer a.verbosity.end()
	a.readLastWords()
	evidence, err := a.openQuarantine(a.Config.Quarantine.Keep)
	if err != nil {
		return err
	}
	a.ground.Store(&ground{a.Config, evidence})
	if err := a.build(); err != nil {
		return errors.Join(err, a.closeCameras(nil), evidence.Close())
	}
	a.budget.begin()
	stopped := a.tree.ServeBackground(ctx)
	var background sync.WaitGroup
	background.Go(func() { a.watch(ctx) })
	background.Go(func() { a.probe(ctx) })
	background.Go(func() { a.report(ctx) })
	background.Go(func() { a.verify(ctx) })
	background.Go(func() { a.budget.run(ctx) })
	background.Go(func() { a.sample(ctx) })
	background.Go(func() { a.clearStore(ctx) })
	background.Go(func() { a.serveWeb(ctx) })
	opened := make(chan struct{})
	background.Go(func() { a.serveControl(ctx, sync.OnceFunc(func() { close(opened) })) })
	select {
	case <-opened: // what comes after us in the unit's order may ask at once
	case <-ctx.Done():
	}
	a.say("ready", a.Notifier.Ready())
	a.keepConfig()
	background.Go(func() { a.serveReloads(ctx) }) // no earlier, or it is another config that is kept
	a.Log.Info().Str("message_id", systemd.MessageStarted).Int("cameras", len(a.list())).Msg("agent started")

	var spent error
	select {
	case <-ctx.Done():
	case <-a.ended:
		a.Log.Info().Msg("every recording is at its end")
	case spent = <-a.budget.spent:
	}
	a.say("stopping", a.Notifier.Stopping())
	cancel()
	<-stopped
	background.Wait()
	return errors.Join(spent, a.finish())
}

// build makes a pipeline for every camera of the config.
func (a *Agent) build() error {
	cameras := a.ground.Load().Cameras
	if len(cameras) == 0 {
		return a.discover()
	}
	for _, cfg := range cameras {
		if err := a.add(cfg); err != nil {
			return fmt.Errorf("camera %s: %w", cfg.Name, err)
		}
	}
	return nil
}

// report tells once a period of drops that go on and, by STATUS, of what changes
// without an event, such as for how long pictures have been bad.
func (a *Agent) report(ctx context.Context) {
	every(ctx, a.monitor, "report", reportPeriod, probeLimit, func() {
		for _, c := range a.list() {
			c.troubles.report(reportPeriod)
		}
		a.show()
	})
}

// changed is called by a camera whose state changed.
func (a *Agent) changed() {
	a.show()
	if a.changing.Load() {
		return // who reloads looks again
	}
	for _, c := range a.list() {
		if c.state.Load().Phase != Ended {
			return
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-a.ended:
	default:
		close(a.ended)
	}
}

// show tells systemd how every camera is.
func (a *Agent) show() {
	a.say("status", a.Notifier.Status(a.unitStatus()))
}

// supervised logs what the supervisor has to say.
func (a *Agent) supervised(e suture.Event) {
	a.Log.Error().Str("message_id", systemd.MessageStageRestarted).Fields(e.Map()).Msg("supervisor: " + e.String())
}

// say logs that systemd could not be told something, once until it can be.
func (a *Agent) say(what string, err error) {
	if was := a.unheard.Swap(err != nil); err != nil && !was {
		a.Log.Warn().Str("message_id", systemd.MessageManagerDeaf).Str("notification", what).Err(err).Msg("systemd not told")
	}
}
