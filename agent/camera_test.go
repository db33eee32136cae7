package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc/worker"
)

// script is a device whose behaviour a test writes down: what each opening
// finds. It stands at the kernel's boundary; everything above it is real.
type script struct {
	format   capture.Format
	openings []opening
	opened   atomic.Int32
	returned atomic.Int32
	waited   atomic.Int32
}

// opening is what one opening finds: an error, or frames and then an error.
type opening struct {
	err    error
	frames []scripted
	end    error // of Read, after the frames; nil is silence until ctx ends
	panics bool
}

type scripted struct {
	sequence uint64
	lost     uint64
	fault    capture.Fault
	cut      int // bytes missing at the end

	at   time.Duration // arrival, on a clock of the test; 0 is now
	age  time.Duration // at arrival
	draw func(pixels []byte)
}

func (s *script) Open(context.Context, capture.Request) (capture.Source, error) {
	n := int(s.opened.Add(1)) - 1
	if n >= len(s.openings) {
		return nil, io.EOF // the script is at its end, and so is the camera
	}
	o := s.openings[n]
	return &scriptedSource{script: s, opening: o}, o.err
}

func (s *script) Wait(context.Context) error {
	s.waited.Add(1)
	return nil
}

func (s *script) Moved() bool              { return false }
func (s *script) Port() (v4l2.Port, error) { return "", nil }
func (s *script) Close() error             { return nil }

type scriptedSource struct {
	script *script
	opening
	next int
}

func (s *scriptedSource) Read(ctx context.Context) (*capture.Frame, error) {
	if s.next == len(s.frames) {
		if s.panics {
			panic("a bug in a driver's reader")
		}
		if s.end == nil {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return nil, s.end
	}
	w := s.frames[s.next]
	s.next++
	f := &capture.Frame{
		Format: s.script.format, Sequence: w.sequence, Lost: w.lost, Fault: w.fault,
		Timestamp: capture.Monotonic(), Dequeued: capture.Monotonic(),
	}
	if w.at != 0 {
		f.Timestamp, f.Dequeued = epoch+w.at, epoch+w.at
	}
	f.Timestamp -= w.age
	f.Planes[0] = make([]byte, s.script.format.PlaneBytes(0)-w.cut)
	if w.draw != nil {
		w.draw(f.Planes[0])
	}
	f.Lend(s.script)
	return f, nil
}

func (s *script) Return(*capture.Frame)          { s.returned.Add(1) }
func (s *scriptedSource) Format() capture.Format { return s.script.format }
func (s *scriptedSource) Close() error           { return nil }

// epoch is ahead of the real clock, so that frames of a test's clock are young.
var epoch = capture.Monotonic() + time.Hour

var grey = capture.Format{PixelFormat: capture.GREY, Width: 64, Height: 48, Stride: [capture.MaxPlanes]int{64}}

// play runs one camera on a script and returns when the script is at its end.
func play(t *testing.T, policy config.Policy, openings ...opening) (*rigged, *camera, *script) {
	t.Helper()
	cfg := config.Defaults()
	cam := cfg.AddPattern()
	cam.Name = "front"
	cam.Queue = config.Queue{Capacity: 2, Policy: policy}
	s := &script{format: grey, openings: openings}
	origins = func(config.Camera) (origin, error) { return s, nil }
	t.Cleanup(func() { origins = newOrigin })
	r := startConfig(t, cfg)
	r.finished(t)
	return r, r.list()[0], s
}

func frames(sequences ...uint64) []scripted {
	list := make([]scripted, len(sequences))
	for i, n := range sequences {
		list[i].sequence = n
	}
	return list
}

func TestFaultyFramesAreNamedDropsAndTheRestIsPublished(t *testing.T) {
	r, c, s := play(t, config.Block, opening{end: io.EOF, frames: []scripted{
		{sequence: 0},
		{sequence: 1, fault: capture.FaultErrorFlag},
		{sequence: 2, fault: capture.FaultShort},
		{sequence: 3, fault: capture.FaultCorrupt},
		{sequence: 4, fault: capture.FaultStale},
		{sequence: 5, cut: 100}, // the preprocessor finds this one
		{sequence: 9, lost: 3},
		{sequence: 10},
	}})
	a := c.ledger.Account()
	want := map[string]uint64{"error-flag": 1, "short": 2, "corrupt": 1, "stale": 1}
	if a.Captured != 8 || a.KernelLost != 3 || a.Published != 3 || fmt.Sprint(a.Dropped) != fmt.Sprint(want) {
		t.Errorf("%+v", a)
	}
	if s.returned.Load() != 8 {
		t.Errorf("8 frames lent, %d returned", s.returned.Load())
	}
	var named []string
	for _, e := range r.log.entries(t, "frame dropped") {
		named = append(named, e["drop_reason"].(string))
	}
	slices.Sort(named)
	if got := strings.Join(named, " "); got != "corrupt error-flag short stale" {
		t.Errorf("each kind is logged once when it begins, got: %s", got)
	}
}

func TestCameraIsOpenedAgainAfterEveryKindOfFailure(t *testing.T) {
	gone := fmt.Errorf("dequeue: %w", capture.ErrGone)
	r, c, s := play(t, config.Block,
		opening{err: fmt.Errorf("open: %w", capture.ErrNotFound)},
		opening{frames: frames(7, 8), end: gone},
		opening{err: fmt.Errorf("open: %w", capture.ErrBusy)},
		opening{frames: frames(0, 1), panics: true},
		opening{frames: frames(5, 6), end: fmt.Errorf("read: %w", capture.ErrStalled)},
	)
	if a := c.ledger.Account(); a.Captured != 6 || a.Published != 6 {
		t.Errorf("%+v", a)
	}
	if c.last != 12 {
		t.Errorf("7, 8, and then four more: the last sequence number is %d", c.last)
	}
	if n := s.waited.Load(); n != 5 {
		t.Errorf("waited %d times between 6 openings", n)
	}
	if n := len(r.log.entries(t, "camera publishes again")); n != 3 {
		t.Errorf("recovered %d times", n)
	}
}

func TestSameTroubleIsToldOnce(t *testing.T) {
	busy := opening{err: fmt.Errorf("open: %w", capture.ErrBusy)}
	r, _, _ := play(t, config.Block, busy, busy, busy, busy)
	if n := len(r.log.entries(t, "camera not available, trying again")); n != 1 {
		t.Errorf("told %d times", n)
	}
}

func TestSlowPreprocessorCostsTheOldestFrames(t *testing.T) {
	var burst []uint64
	for n := range uint64(500) {
		burst = append(burst, n)
	}
	_, c, s := play(t, config.DropOldest, opening{frames: frames(burst...), end: io.EOF})
	a := c.ledger.Account()
	if a.Captured != 500 || a.Dropped["evicted"] == 0 || a.Dropped["evicted"]+a.Published != 500 {
		t.Errorf("%+v", a)
	}
	if s.returned.Load() != 500 {
		t.Errorf("%d of 500 frames returned", s.returned.Load())
	}
}

func TestStopIsPromptWhateverTheCameraDoes(t *testing.T) {
	cfg := config.Defaults()
	cfg.AddPattern()
	hung := make(chan struct{})
	t.Cleanup(func() { close(hung) })
	origins = func(config.Camera) (origin, error) { return hangs{hung}, nil }
	t.Cleanup(func() { origins = newOrigin })
	r := startConfig(t, cfg)
	r.until(t, "opening", func() bool { return len(r.list()) == 1 })
	began := time.Now()
	r.stop()
	r.finished(t)
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("stopped after %v", d)
	}
}

// hangs is a device whose driver never returns from open.
type hangs struct{ forever chan struct{} }

func (h hangs) Open(context.Context, capture.Request) (capture.Source, error) {
	<-h.forever
	return nil, errors.New("too late")
}
func (h hangs) Wait(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
func (h hangs) Moved() bool                    { return false }
func (h hangs) Port() (v4l2.Port, error)       { return "", nil }
func (h hangs) Close() error                   { return nil }

func TestLimitsLeaveTheWatchdogHalfOfItsTime(t *testing.T) {
	unit, err := os.ReadFile("../systemd/agent.service")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^WatchdogSec=(.+)$`).FindSubmatch(unit)
	if m == nil {
		t.Fatal("the unit has no WatchdogSec")
	}
	watchdog, err := time.ParseDuration(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	cam := config.NewCamera("x", config.Device{Pattern: "bars"})
	longer := fmt.Sprintf("cameras: {x: {device: {pattern: bars}, recovery: {process-deadline: %v}}}", worker.SlowLimit+time.Millisecond)
	if _, err := config.Parse("", []byte(longer)); err == nil {
		t.Error("process-deadline may be longer than a worker is waited for")
	}
	for name, limit := range map[string]time.Duration{
		"capture": cam.StallAfter + stallSlack,
		"process": processLimit,
		"worker":  worker.StartLimit + worker.SlowLimit + workerSlack,
		"probe":   probePeriod + probeLimit,
		"budget":  budgetLimit,
		"sampler": sampleLimit,
	} {
		if limit >= watchdog/2 {
			t.Errorf("%s may be silent for %v, half of WatchdogSec is %v", name, limit, watchdog/2)
		}
	}
	m = regexp.MustCompile(`(?m)^TimeoutStopSec=(.+)$`).FindSubmatch(unit)
	stop, err := time.ParseDuration(string(m[1]))
	if err != nil || stop < 2*stopLimit {
		t.Errorf("TimeoutStopSec=%v (%v) against %v for the cameras", stop, err, stopLimit)
	}
}

func TestCameraWithACropStartsBeforeItsPictureIsKnown(t *testing.T) {
	r := start(t, `
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x240, rate: 100}
    preprocess: {crop: 200x100+8+8}
    outputs: {model: {size: 64x64}}
`)
	r.until(t, "publishing", func() bool { return r.publishedBy() > 0 })
	r.stop()
	r.finished(t)
}

// Whatever ended the process before, and whatever the driver counts.
func TestSequenceNumbersOfANewProcessAreBeyondAllBefore(t *testing.T) {
	for _, driver := range []uint64{0, 5_000_000} {
		before := &camera{annals: &annals{}, firstSequence: SequenceByClock}
		before.resume(driver)
		first, began := before.base+driver, time.Now()
		for time.Since(began) < 5*time.Millisecond { // 100,000 frames a second
		}
		last := first + 500
		after := &camera{annals: &annals{}, firstSequence: SequenceByClock}
		after.resume(0)
		if after.base <= last || first%1024 != 0 || first == 0 {
			t.Errorf("began at %d, ended at %d, begins again at %d", first, last, after.base)
		}
	}
}
