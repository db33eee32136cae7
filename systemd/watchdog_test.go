package systemd

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bench runs a Watchdog of 10 s inside a bubble and lets a test set its health.
type bench struct {
	rec recorder
	dog Watchdog

	mu      sync.Mutex
	health  error
	gate    chan struct{} // that the check waits at, if there is one
	reports []error
}

func (b *bench) check() error {
	b.mu.Lock()
	health, gate := b.health, b.gate
	b.mu.Unlock()
	if gate != nil {
		<-gate
	}
	return health
}

func (b *bench) report(reason error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reports = append(b.reports, reason)
}

// become sets what the next checks return.
func (b *bench) become(health error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.health = health
}

// expectReports compares what was reported, nil being "healthy again".
func (b *bench) expectReports(t *testing.T, want ...error) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.EqualFunc(b.reports, want, errors.Is) {
		t.Errorf("reports %v, want %v", b.reports, want)
	}
}

func runBench(t *testing.T, interval time.Duration, test func(*bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{}
		b.dog = Watchdog{
			Interval: interval,
			Check:    b.check,
			Notifier: &Notifier{send: b.rec.send},
			Report:   b.report,
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- b.dog.Run(ctx) }()
		synctest.Wait()
		test(b)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func TestWatchdogPingsAtHalfTheInterval(t *testing.T) {
	runBench(t, 10*time.Second, func(b *bench) {
		b.rec.expect(t, "WATCHDOG=1")
		pass(20 * time.Second)
		b.rec.expect(t, "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1", "WATCHDOG=1")
		if b.dog.Pings() != 5 {
			t.Errorf("%d pings counted, want 5", b.dog.Pings())
		}
	})
}

func TestWatchdogWithholdsThePingAndNamesTheStageOnce(t *testing.T) {
	silent := errors.New("front/capture silent for 4s")
	runBench(t, 10*time.Second, func(b *bench) {
		b.become(silent)
		b.rec.expect(t, "WATCHDOG=1")
		pass(2 * time.Second)
		b.rec.expect(t, "STATUS=watchdog withheld: front/capture silent for 4s")
		b.expectReports(t, silent)
	})
}

func TestTroubleThatLastsHasTheProcessKilledOnce(t *testing.T) {
	silent := errors.New("front/process silent")
	runBench(t, 10*time.Second, func(b *bench) {
		b.become(silent)
		pass(3 * time.Second)
		b.rec.expect(t, "WATCHDOG=1", "STATUS=watchdog withheld: front/process silent",
			"STATUS=killed by its watchdog: front/process silent\nWATCHDOG=trigger")
		pass(time.Minute)
		b.rec.expect(t)
	})
}

// On a lock that the check takes too, for instance.
func TestCheckThatHangsHasTheProcessKilled(t *testing.T) {
	runBench(t, 10*time.Second, func(b *bench) {
		gate := make(chan struct{})
		b.mu.Lock()
		b.gate = gate
		b.mu.Unlock()
		pass(6 * time.Second)
		close(gate)
		b.rec.expect(t, "WATCHDOG=1", "STATUS=watchdog withheld: the check of all stages does not return",
			"STATUS=killed by its watchdog: the check of all stages does not return\nWATCHDOG=trigger")
		pass(2 * time.Second)
		b.expectReports(t, errNoAnswer, nil)
	})
}

func TestWatchdogResumesBeforeTheLimit(t *testing.T) {
	runBench(t, 10*time.Second, func(b *bench) {
		pass(4400 * time.Millisecond)
		silent := errors.New("front/preproc silent")
		b.become(silent)
		pass(1700 * time.Millisecond) // the checks at 5 and 6 s fail
		b.become(nil)
		pass(time.Second) // the check at 7 s is good
		b.rec.expect(t, "WATCHDOG=1", "STATUS=watchdog withheld: front/preproc silent", "WATCHDOG=1", "STATUS=")
		b.expectReports(t, silent, nil)
	})
}

func TestWatchdogWithoutIntervalChecksAndReportsOnly(t *testing.T) {
	runBench(t, 0, func(b *bench) {
		silent := errors.New("front/capture silent")
		b.become(silent)
		pass(checkPeriod)
		b.become(nil)
		pass(checkPeriod)
		b.rec.expect(t, "STATUS=watchdog withheld: front/capture silent", "STATUS=")
		b.expectReports(t, silent, nil)
	})
}

func TestWatchdogReportsAPingThatCannotBeSent(t *testing.T) {
	runBench(t, 10*time.Second, func(b *bench) {
		b.rec.fail(os.ErrPermission)
		pass(10 * time.Second)
		b.expectReports(t, os.ErrPermission)
	})
}

func TestWatchdogIntervalIsForThisProcessOnly(t *testing.T) {
	self := os.Getpid()
	for _, c := range []struct {
		usec, pid string
		want      time.Duration
		bad       bool
	}{
		{"", "", 0, false},
		{"10000000", "", 10 * time.Second, false},
		{"10000000", strconv.Itoa(self), 10 * time.Second, false},
		{"10000000", strconv.Itoa(self + 1), 0, false},
		{"ten", "", 0, true},
	} {
		t.Setenv("WATCHDOG_USEC", c.usec)
		t.Setenv("WATCHDOG_PID", c.pid)
		got, err := WatchdogInterval()
		if got != c.want || (err != nil) != c.bad {
			t.Errorf("usec %q pid %q: %v, %v", c.usec, c.pid, got, err)
		}
	}
	if !slices.Contains(os.Environ(), "WATCHDOG_USEC=ten") {
		t.Error("the environment was changed")
	}
}
