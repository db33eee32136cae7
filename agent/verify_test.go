package agent

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// tested is an agent that verifies itself by the test given.
func tested(t *testing.T, test func() error) *rigged {
	r := &rigged{log: &journal{}}
	r.Agent = New(Options{Config: config.Defaults(), Log: zerolog.New(r.log), Notifier: systemd.NewNotifier()})
	r.selfTest = test
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go r.verify(ctx)
	return r
}

func TestWrongAnswersAreToldOnceUntilTheyAreRight(t *testing.T) {
	wrong := errors.New("self-test of the preprocessor: resize: a value is off\nand more")
	synctest.Test(t, func(t *testing.T) {
		var runs atomic.Int32
		r := tested(t, func() error {
			if n := runs.Add(1); n > 3 && n <= 8 {
				return wrong
			}
			return nil
		})
		time.Sleep(3*selfTestPeriod + selfTestPeriod/2)
		if n := runs.Load(); n != 3 || r.Healthy() != nil {
			t.Errorf("%d tests in 3 minutes, healthy: %v", n, r.Healthy())
		}
		if err := r.monitor.Check(); err != nil {
			t.Errorf("between two tests: %v", err)
		}
		time.Sleep(5 * selfTestPeriod)
		if err := r.Healthy(); !errors.Is(err, wrong) {
			t.Errorf("healthy: %v", err)
		}
		if s := r.statusLine(); s != "self-test of the preprocessor: resize: a value is off; no camera configured" {
			t.Errorf("STATUS=%s", s)
		}
		time.Sleep(2 * selfTestPeriod)
		if err := r.Healthy(); err != nil || strings.Contains(r.statusLine(), "self-test") {
			t.Errorf("after right answers: %v, %s", err, r.statusLine())
		}
		began, ended := r.log.entries(t, "preprocessor gives wrong answers"), r.log.entries(t, "preprocessor gives right answers again")
		if len(began) != 1 || len(ended) != 1 {
			t.Errorf("told %d times of wrong answers and %d times of right ones", len(began), len(ended))
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
		never := make(chan struct{})
		r := tested(t, func() error { <-never; return nil })
		time.Sleep(selfTestPeriod + verifyLimit + time.Second)
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
