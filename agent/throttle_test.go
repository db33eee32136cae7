package agent

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

// A pacer is a source with a driver that changes its rate, or does not.
type pacer struct {
	capture.Source
	interval time.Duration // as the mode has it
	refuses  bool
	now      time.Duration // between frames
}

func (p *pacer) Format() capture.Format { return capture.Format{Interval: p.interval} }

func (p *pacer) Pace(interval time.Duration) (time.Duration, error) {
	if p.refuses {
		return 0, errors.New("busy")
	}
	p.now = interval
	return interval, nil
}

// drive gives a throttle a camera's frames for so long; each one that is let in
// takes cost, and those that come meanwhile are evicted. It returns how many
// came and how many were let in.
func drive(t *throttle, p *pacer, at *time.Duration, d, cost time.Duration) (came, admitted int) {
	var free time.Duration
	for end := *at + d; *at < end; *at += p.now {
		came++
		if interval, ok := t.wish(); ok {
			t.answered(p.Pace(interval))
		}
		if !t.admits(&capture.Frame{Timestamp: *at, Dequeued: *at + time.Millisecond}) {
			continue
		}
		admitted++
		if *at < free {
			t.evicted++
			continue
		}
		free = *at + cost
		t.worked(cost)
	}
	return came, admitted
}

const tenth = 100 * time.Millisecond

func TestThrottleAsksTheDriverAndSkipsOtherwise(t *testing.T) {
	for _, refuses := range []bool{false, true} {
		th := &throttle{adaptive: true, imposed: new(atomic.Int32)}
		p := &pacer{interval: tenth, refuses: refuses, now: tenth}
		th.open(p)
		at := time.Hour
		drive(th, p, &at, 8*time.Second, 250*time.Millisecond)
		if th.effective() < 3 {
			t.Fatalf("refuses %v: 1 of %d frames after 8 s", refuses, th.effective())
		}
		came, admitted := drive(th, p, &at, 8*time.Second, 250*time.Millisecond)
		if refuses && admitted*th.effective() > came+th.effective() || !refuses && came != admitted {
			t.Errorf("refuses %v: %d of %d came through at 1 of %d", refuses, admitted, came, th.effective())
		}
		if th.paced == refuses || !refuses && p.now != time.Duration(th.effective())*tenth {
			t.Errorf("refuses %v: the driver is at %v, paced is %v", refuses, p.now, th.paced)
		}
		drive(th, p, &at, 30*time.Second, 10*time.Millisecond)
		if th.effective() != 1 || p.now != tenth {
			t.Errorf("refuses %v: not restored: 1 of %d, every %v", refuses, th.effective(), p.now)
		}
	}
}

// A camera that is opened again is in the mode of the config: its driver has
// to be asked once more.
func TestThrottleOutlivesTheStream(t *testing.T) {
	th := &throttle{imposed: new(atomic.Int32)}
	th.imposed.Store(2)
	first := &pacer{interval: tenth, now: tenth}
	th.open(first)
	at := time.Hour
	drive(th, first, &at, time.Second, time.Millisecond)
	second := &pacer{interval: tenth, now: tenth}
	th.open(second)
	if drive(th, second, &at, tenth, time.Millisecond); second.now != 2*tenth {
		t.Errorf("after it was opened again frames come every %v", second.now)
	}
	th.imposed.Store(0)
	th.steps.Store(1) // relieved while it was away: its stream is restarted, its rate is as it was
	th.open(second)
	drive(th, second, &at, time.Second, time.Millisecond)
	if second.now != tenth || th.effective() != 1 {
		t.Errorf("not restored: %v, 1 of %d", second.now, th.effective())
	}
}

func TestThrottleKnowsItsCamera(t *testing.T) {
	// Dim light halves the rate of a camera whose exposure is automatic; one of
	// so many is of what it really has.
	th := &throttle{adaptive: true, imposed: new(atomic.Int32)}
	p := &pacer{interval: tenth / 2, refuses: true, now: tenth}
	th.open(p)
	at := time.Hour
	drive(th, p, &at, 20*time.Second, 150*time.Millisecond)
	if came, admitted := drive(th, p, &at, 10*time.Second, 150*time.Millisecond); th.effective() != 2 || admitted != came/2 {
		t.Errorf("%d of %d came through at 1 of %d", admitted, came, th.effective())
	}
}

// scriptedCamera is a camera on a script that nobody serves yet.
func scriptedCamera(t *testing.T, s *script, policy config.Policy) (*Agent, *camera, *journal) {
	t.Helper()
	origins = func(config.Camera) (origin, error) { return s, nil }
	t.Cleanup(func() { origins = newOrigin })
	cfg := config.Defaults()
	cfg.Isolation = config.None
	cfg.AddPattern().Queue = config.Queue{Capacity: 2, Policy: policy}
	dir, err := os.MkdirTemp("", "agent")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	log := &journal{}
	a := New(Options{Config: cfg, Log: zerolog.New(log), RuntimeDir: dir, StateDir: dir, Notifier: systemd.NewNotifier()})
	c, err := a.newCamera(cfg.Cameras[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	a.cameras = append(a.cameras, c)
	return a, c, log
}

func TestSkippedFramesAreAccountedFor(t *testing.T) {
	list := frames()
	for n := range uint64(300) {
		list = append(list, scripted{sequence: n, at: time.Duration(n+1) * 10 * time.Millisecond})
	}
	for _, policy := range []config.Policy{config.DropOldest, config.Block} {
		format := grey
		format.Interval = 10 * time.Millisecond
		s := &script{format: format, openings: []opening{{frames: list, end: io.EOF}}}
		_, c, log := scriptedCamera(t, s, policy)
		c.throttle.imposed.Store(3)
		_ = c.Serve(t.Context()) // its end is that of the script
		a := c.ledger.Account()
		if err := a.Balanced(); err != nil || a.InFlight != 0 || s.returned.Load() != 300 {
			t.Errorf("%v: %+v (%v), %d returned", policy, a, err, s.returned.Load())
		}
		want := uint64(200)
		if policy == config.Block {
			want = 0 // nothing may be lost
		}
		if got := a.Dropped["skipped"]; got != want {
			t.Errorf("%v: %d skipped, want %d", policy, got, want)
		}
		if n := len(log.entries(t, "frame dropped")); a.Dropped["evicted"] == 0 && n > 0 {
			t.Errorf("%v: skipping is told as trouble %d times", policy, n)
		}
	}
}

func TestAdmittingAllocatesNothing(t *testing.T) {
	th := &throttle{adaptive: true, imposed: new(atomic.Int32)}
	th.open(&pacer{interval: tenth, refuses: true})
	f := &capture.Frame{Timestamp: time.Hour, Dequeued: time.Hour}
	if n := testing.AllocsPerRun(1000, func() {
		f.Timestamp += tenth
		f.Dequeued += tenth
		th.evicted++
		th.admits(f)
		th.wish()
		th.worked(time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}
