package systemd

import (
	"context"
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
	// names the stage. It must not block: a Check that hangs withholds the ping.
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

// Run pings at half the interval until ctx is done, and returns its error.
// After a failed check it looks again at a tenth of the interval: a stage that
// recovers just before the limit is not killed for the rhythm of the pings.
func (w *Watchdog) Run(ctx context.Context) error {
	period := w.Interval
	if period <= 0 {
		period = 2 * checkPeriod
	}
	next := time.NewTimer(0)
	defer next.Stop()
	var trouble error
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-next.C:
		}
		err := w.beat()
		if (err == nil) != (trouble == nil) {
			w.turn(err)
		}
		trouble = err
		if trouble == nil {
			next.Reset(period / 2)
		} else {
			next.Reset(period / 10)
		}
	}
}

// beat makes one check and, when it is good, sends one ping.
func (w *Watchdog) beat() error {
	if err := w.Check(); err != nil {
		return err
	}
	if w.Interval <= 0 {
		return nil
	}
	if err := w.Notifier.Ping(); err != nil {
		return err
	}
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
