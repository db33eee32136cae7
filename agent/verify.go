package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
	"github.com/edge-agent/agent/systemd"
)

// selfTestPeriod is how often the preprocessor must give known answers. The
// test takes 0.7 ms, so the period makes it cost next to nothing.
const selfTestPeriod = time.Minute

// verifyLimit is how long it may take: some five workers are started for it.
const verifyLimit = 5 * (worker.StartLimit + time.Second)

// verify sends known frames through the preprocessor once a period. An answer
// that is wrong ends nothing, since there is no better preprocessor to be had:
// it is told, and the agent is unhealthy until the answers are right again. One
// that never comes is a stuck stage.
func (a *Agent) verify(ctx context.Context) {
	every(ctx, a.monitor, "self-test", selfTestPeriod, verifyLimit, func() { a.verified(contained(a.selfTest)) })
}

// knownAnswers runs the self-test where the config has frames preprocessed.
func (a *Agent) knownAnswers() error {
	if a.ground.Load().Isolation == config.None {
		return preproc.SelfTest()
	}
	return preproc.SelfTestOf(func(v preproc.View, specs []preproc.Spec) (preproc.Processor, error) {
		return worker.New(worker.Config{Name: "self-test", View: v, Specs: specs, Deadline: time.Second})
	})
}

// verified notes the outcome of a self-test, and tells when it is another one
// than before.
func (a *Agent) verified(err error) {
	failed := a.untrusted.Load() != nil
	switch {
	case err != nil:
		a.untrusted.Store(&err)
		if !failed {
			a.Log.Error().Str("message_id", systemd.MessageSelfTestFailed).Err(err).Msg("preprocessor gives wrong answers")
		}
	case failed:
		a.untrusted.Store(nil)
		a.Log.Info().Str("message_id", systemd.MessageSelfTestPassed).Msg("preprocessor gives right answers again")
	}
	if failed != (err != nil) {
		a.show()
	}
}

// Healthy returns nil while the preprocessor gives right answers and every
// camera publishes good frames, else an error that names what does not. It is
// not what the watchdog asks: a restart cures no camera.
func (a *Agent) Healthy() error {
	var errs []error
	if err := a.untrusted.Load(); err != nil {
		errs = append(errs, *err)
	}
	for _, c := range a.list() {
		if s := c.state.Load(); !s.Healthy() {
			errs = append(errs, fmt.Errorf("camera %s: %v", c.cfg.Name, s))
		}
	}
	return errors.Join(errs...)
}
