package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// tested is an agent whose self-test says what the test wants, and runs.
func tested(t *testing.T, answer *error) (*rigged, *int) {
	runs := new(int)
	r := &rigged{log: &journal{}}
	r.Agent = New(Options{Config: config.Defaults(), Log: zerolog.New(r.log), Notifier: systemd.NewNotifier()})
	r.selfTest = func() error {
		*runs++
		return *answer
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go r.verify(ctx)
	return r, runs
}

func TestWrongAnswersAreToldOnceUntilTheyAreRight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer error
		r, runs := tested(t, &answer)
		pass := func(minutes int) {
			time.Sleep(time.Duration(minutes) * selfTestPeriod)
			synctest.Wait()
		}
		pass(3)
		if *runs != 3 || r.Healthy() != nil {
			t.Errorf("%d tests in 3 minutes, healthy: %v", *runs, r.Healthy())
		}
		answer = errors.New("self-test of the preprocessor: resize: a value is off\nand more")
		pass(5)
		if err := r.Healthy(); !errors.Is(err, answer) {
			t.Errorf("healthy: %v", err)
		}
		if s := r.status(); s != "self-test of the preprocessor: resize: a value is off; no camera configured" {
			t.Errorf("STATUS=%s", s)
		}
		answer = nil
		pass(2)
		if err := r.Healthy(); err != nil || strings.Contains(r.status(), "self-test") {
			t.Errorf("after right answers: %v, %s", err, r.status())
		}
		wrong, right := r.log.entries(t, "preprocessor gives wrong answers"), r.log.entries(t, "preprocessor gives right answers again")
		if len(wrong) != 1 || len(right) != 1 {
			t.Errorf("told %d times of wrong answers and %d times of right ones", len(wrong), len(right))
		}
	})
}

func TestSelfTestThatPanicsIsAWrongAnswer(t *testing.T) {
	a := New(Options{Config: config.Defaults(), Log: zerolog.Nop(), Notifier: systemd.NewNotifier()})
	a.selfTest = func() error { panic("a bug") }
	a.verified(contained(a.selfTest))
	if err := a.Healthy(); err == nil || !strings.Contains(err.Error(), "a bug") {
		t.Errorf("healthy: %v", err)
	}
}

// A stuck answer is a stuck stage.
func TestSelfTestThatHangsStopsTheWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer error
		r, _ := tested(t, &answer)
		never := make(chan struct{})
		r.selfTest = func() error { <-never; return nil }
		time.Sleep(selfTestPeriod + processLimit + time.Second)
		if err := r.monitor.Check(); err == nil || !strings.Contains(err.Error(), "self-test: no progress") {
			t.Errorf("%v", err)
		}
		close(never)
	})
}

// BenchmarkSelfTest is what a minute of checking costs.
func BenchmarkSelfTest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := preproc.SelfTest(); err != nil {
			b.Fatal(err)
		}
	}
}
