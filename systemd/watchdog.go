package systemd

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// checkPeriod is how often health is checked when no watchdog watches, so that
// a run on a terminal tells of the same troubles.
const checkPeriod = 5 * time.Second

// WatchdogInterval is the WatchdogSec of the unit, from WATCHDOG_USEC and
// WATCHDOG_PID; 0 when no watchdog watches this process.
func WatchdogInterval() (time.Duration, error) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("watchdog interval: %w", err)
	}
	return interval, nil
}

// Watchdog feeds systemd's watchdog while the agent is healthy and lets it
// starve while it is not. There is no ping without a check right before it.
type Watchdog struct {
	// Interval is WatchdogSec; 0 means that nobody watches: Check is still
	// called and its result reported, nothing is sent.
	Interval time.Duration
	// Check returns nil while every stage makes progress, else an error that
	// names the stage. One that does not return counts as an error.
	Check func() error
	// Notifier carries the pings and the alarm.
	Notifier *Notifier
	// Report is called with the reason when pings stop and with nil when they
	// go on; never twice in a row for one trouble. Optional. Runs in Run.
	Report func(reason error)

	pings atomic.Uint64
}

// Pings is the number of pings that were sent.
func (w *Watchdog) Pings() uint64 { return w.pings.Load() }

// Run looks at the health ten times an interval and pings twice, until ctx is
// done, and returns its error. A stage that recovers within a fifth of the
// interval is not killed. Trouble that lasts longer does not wait for the
// watchdog to run out: systemd is told to act, so that a stage which hangs for
// less than half the interval before it is noticed is back within the interval.
func (w *Watchdog) Run(ctx context.Context) error {
	interval := w.Interval
	if interval <= 0 {
		interval = 2 * checkPeriod
	}
	look := time.NewTicker(interval / 10)
	defer look.Stop()
	var s vigil
	for {
		if err := w.look(&s, interval); (err == nil) != (s.trouble == nil) {
			s.trouble, s.since, s.triggered = err, time.Now(), false
			w.turn(err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// A vigil is what a Watchdog remembers between two looks.
type vigil struct {
	pinged    time.Time
	trouble   error
	since     time.Time // of the trouble
	triggered bool
	answer    chan error // of a Check that runs
}

// examine calls Check and does not wait for one that hangs, on a lock perhaps.
func (w *Watchdog) examine(s *vigil, limit time.Duration) error {
	if s.answer == nil {
		answer := make(chan error, 1)
		go func() { answer <- w.Check() }()
		s.answer = answer
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	select {
	case err := <-s.answer:
		s.answer = nil
		return err
	case <-late.C:
		return errNoAnswer
	}
}

var errNoAnswer = errors.New("the check of all stages does not return")

// look makes one check. A good one pings when that is due, a bad one has the
// process killed when the trouble has lasted too long.
func (w *Watchdog) look(s *vigil, interval time.Duration) error {
	err := w.examine(s, interval/10)
	if w.Interval <= 0 {
		return err
	}
	if err != nil {
		if s.trouble != nil && !s.triggered && time.Since(s.since) >= interval/5 {
			s.triggered = true
			return errors.Join(err, w.Notifier.Trigger("killed by its watchdog: "+err.Error()))
		}
		return err
	}
	if s.trouble == nil && time.Since(s.pinged) < interval/2 {
		return nil
	}
	if err := w.Notifier.Ping(); err != nil {
		return err
	}
	s.pinged = time.Now()
	w.pings.Add(1)
	return nil
}

// turn tells the service manager and the log that the trouble began or ended.
func (w *Watchdog) turn(reason error) {
	alarm := ""
	if reason != nil {
		alarm = "watchdog withheld: " + reason.Error()
	}
	err := w.Notifier.Alarm(alarm)
	if w.Report == nil {
		return
	}
	if reason != nil && err != nil {
		reason = fmt.Errorf("%w (and %w)", reason, err)
	}
	w.Report(reason)
}
