package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/systemd"
)

// journal collects what is logged, one line an entry.
type journal struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.buf.Write(p)
}

// entries are the logged objects with this message.
func (j *journal) entries(t *testing.T, message string) []map[string]any {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	var found []map[string]any
	for line := range strings.Lines(j.buf.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		if e["message"] == message {
			found = append(found, e)
		}
	}
	return found
}

// rigged is an agent under test with the real parts below it.
type rigged struct {
	*Agent
	log  *journal
	dir  string
	stop context.CancelFunc
	done chan error
}

func start(t testing.TB, yaml string) *rigged {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return startConfig(t, cfg)
}

func startConfig(t testing.TB, cfg *config.Config) *rigged {
	t.Helper()
	return startWith(t, cfg, func(*Agent) {})
}

// startWith changes the agent before it runs.
func startWith(t testing.TB, cfg *config.Config, change func(*Agent)) *rigged {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	r := &rigged{log: &journal{}, dir: dir, done: make(chan error, 1)}
	if cfg.HTTP.Listen.Port() == 9810 {
		cfg.HTTP.Listen = netip.AddrPort{} // of all packages' tests, one would get it
	}
	r.Agent = New(Options{
		Config: cfg, Log: zerolog.New(r.log), RuntimeDir: dir, StateDir: filepath.Join(dir, "state"),
		Notifier: systemd.NewNotifier(),
	})
	change(r.Agent)
	ctx, cancel := context.WithCancel(t.Context())
	r.stop = cancel
	go func() { r.done <- r.Run(ctx) }()
	t.Cleanup(func() { cancel(); os.RemoveAll(dir) })
	return r
}

// finished waits for the agent's end, after which its account must be balanced
// and nothing in flight.
func (r *rigged) finished(t testing.TB) {
	t.Helper()
	select {
	case err := <-r.done:
		if err != nil {
			t.Fatal(err)
		}
	case <-time.After(time.Minute): // a busy machine starts a process in a second
		buf := make([]byte, 1<<20)
		t.Fatalf("the agent does not end:\n%s", buf[:runtime.Stack(buf, true)])
	}
	for _, c := range r.list() {
		a := c.ledger.Account()
		if err := a.Balanced(); err != nil || a.InFlight != 0 {
			t.Errorf("%s: %+v: %v", c.cfg.Name, a, err)
		}
	}
}

func TestFramesReachAConsumerWithTheirNumbers(t *testing.T) {
	r := start(t, `
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x240, rate: 100, format: NV12}
    outputs:
      model: {size: 320x240, color: gray, layout: hwc, dtype: uint8}
`)
	r.until(t, "publishing", func() bool { return r.publishedBy() > 0 })
	frames, err := reader.Dial(filepath.Join(r.dir, "front/model.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	var last uint64
	for range 50 {
		f, err := frames.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		luma := func(x, y int) byte { return f.Data[y*320+x] }
		number, ok := replay.ReadFrameNumber(luma, 320, 240)
		if !f.Valid() {
			continue
		}
		if !ok || uint64(number) != f.Sequence&0xffff {
			t.Fatalf("the picture says %d (%v), the message says %d", number, ok, f.Sequence)
		}
		if last != 0 && f.Sequence <= last {
			t.Fatalf("frame %d after %d", f.Sequence, last)
		}
		if f.Age() > 5*time.Second || f.Published < f.Timestamp {
			t.Fatalf("captured at %v, published at %v, age %v", f.Timestamp, f.Published, f.Age())
		}
		last = f.Sequence
	}
	r.stop()
	r.finished(t)
	if n := len(r.log.entries(t, "accounting")); n != 1 {
		t.Errorf("%d summaries", n)
	}
	if _, err := os.Stat(filepath.Join(r.dir, "front/model.sock")); !os.IsNotExist(err) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestRecordingIsPublishedWholeAndTheAgentEnds(t *testing.T) {
	r := start(t, `
cameras:
  tape:
    device: {replay: ../testdata/jpeg/stream-160x120.mjpg, pace: fastest}
    queue: {capacity: 1, policy: block}
    outputs:
      model: {size: 64x64}
      stills: {encode: jpeg, files: {dir: tape, keep: 1MiB}}
`)
	r.finished(t)
	a := r.list()[0].ledger.Account()
	if a.Captured != 8 || a.Published != 8 {
		t.Errorf("%+v", a)
	}
	names, err := filepath.Glob(filepath.Join(r.dir, "state/tape/*.jpg"))
	if err != nil || len(names) == 0 {
		t.Errorf("files: %v, %v", names, err)
	}
}

func TestOutputsKeepTheirInterval(t *testing.T) {
	r := start(t, `
cameras:
  tape:
    device: {replay: ../testdata/jpeg/stream-160x120.mjpg}
    mode: {rate: 20}
    queue: {policy: block}
    outputs: {slow: {size: 64x64, every: 100ms}}
`)
	r.finished(t)
	a := r.list()[0].ledger.Account()
	if a.Captured != 8 || a.Published != 4 || a.Dropped["not-due"] != 4 {
		t.Errorf("8 frames in 400 ms, one due each 100 ms: %+v", a)
	}
	if n := len(r.log.entries(t, "frame dropped")); n != 0 {
		t.Errorf("%d log lines about frames that were not due", n)
	}
}

func TestNothingIsLeftAfterTheEnd(t *testing.T) {
	const yaml = `
http: {listen: 127.0.0.1:0}
cameras:
  a: {device: {pattern: bars}, mode: {size: 64x64, rate: 200}, outputs: {model: {size: 32x32}, still: {size: 32x32, encode: jpeg, files: {dir: a, keep: 1MiB}}}}
`
	once := func() {
		r := start(t, yaml)
		r.until(t, "3 frames", func() bool { return r.publishedBy() >= 3 })
		// Two clients that never say anything, and one that is answered.
		for range 2 {
			c, err := net.Dial("tcp", strings.TrimPrefix(r.address(t), "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		ask(t, r.address(t)+"/healthz")
		r.stop()
		r.finished(t)
	}
	once() // what is made once and kept: the poller, the vDSO, OpenCV's tables
	goroutines, descriptors := runtime.NumGoroutine(), openFiles(t)
	for range 5 {
		once()
	}
	if now := openFiles(t); now > descriptors {
		t.Errorf("%d descriptors, %d before", now, descriptors)
	}
	// A goroutine that has said that it is done may still be on its last line.
	for last := time.Now().Add(time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(last); {
		runtime.Gosched()
	}
	if now := runtime.NumGoroutine(); now > goroutines {
		buf := make([]byte, 1<<16)
		t.Errorf("%d goroutines, %d before:\n%s", now, goroutines, buf[:runtime.Stack(buf, true)])
	}
}

// until waits for something that the running agent brings about.
func (r *rigged) until(t testing.TB, what string, reached func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(time.Millisecond), time.After(time.Minute) // a busy machine takes its time
	defer tick.Stop()
	for !reached() {
		select {
		case err := <-r.done:
			t.Fatalf("the agent ended before %s: %v", what, err)
		case <-limit:
			t.Fatalf("never: %s", what)
		case <-tick.C:
		}
	}
}

// publishedBy is the number of frames published by all cameras so far.
func (r *rigged) publishedBy() (n uint64) {
	for _, c := range r.list() {
		n += c.ledger.published.Load()
	}
	return n
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestSteadyStateAllocatesNothingPerFrame(t *testing.T) {
	r := start(t, `
http: {listen: 127.0.0.1:0}
cameras:
  a:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true, pace: fastest}
    queue: {policy: block}
    outputs: {model: {size: 320x320, dtype: float32, layout: chw}}
`)
	r.until(t, "50 frames", func() bool { return r.publishedBy() >= 50 })
	published := &r.list()[0].ledger.published
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, since := published.Load(), time.Now()
	r.until(t, "300 frames", func() bool { return published.Load() >= began+300 })
	frames, seconds := published.Load()-began, time.Since(since).Seconds()
	runtime.ReadMemStats(&after)
	r.stop()
	r.finished(t)
	// The watchdog and others look around once a second, with some 20 each.
	if n := after.Mallocs - before.Mallocs; n > frames/10+uint64(60*seconds) {
		t.Errorf("%d allocations in %d frames and %.1f s", n, frames, seconds)
	}
}
