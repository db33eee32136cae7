package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/systemd"
)

// Whatever a worker does, each frame it takes with it is a named drop, and
// consumers stay connected and see none of it. Another camera loses nothing.
func TestWorkerThatGoesCostsItsFramesOnly(t *testing.T) {
	for _, test := range []struct {
		camera, drop, cause string
	}{
		{"crash-10", "crashed", "panic: runtime error"},
		{"lie-10", "crashed", "output 0 of 1 bytes"},
		{"hang-10", "timed-out", "no answer within 100ms"},
	} {
		t.Run(test.camera, func(t *testing.T) {
			r := start(t, fmt.Sprintf(`
cameras:
  %s:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 20}
    recovery: {process-deadline: 100ms}
    outputs: {model: {size: 320x320}}
  other:
    device: {replay: ../testdata/jpeg/stream-160x120.mjpg, loop: true}
    mode: {rate: 20}
    queue: {capacity: 20} # the deadline is for a machine that has nothing else to do
    outputs: {model: {size: 64x64}}
    recovery: {process-deadline: 2s}
`, test.camera))
			r.until(t, "publishing", func() bool { return len(r.list()) == 2 && r.list()[0].ledger.published.Load() > 0 })
			faulty := r.list()[0]
			frames, err := reader.Dial(filepath.Join(r.dir, test.camera, "model.sock"))
			if err != nil {
				t.Fatal(err)
			}
			defer frames.Close()
			first, err := frames.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			description := first.Description
			for faulty.ledger.replaced.Load() < 3 {
				f, err := frames.Next(t.Context())
				if err != nil || f.Description != description {
					t.Fatalf("the consumer had to connect again: %v", err)
				}
				if f.Sequence != 0 && f.Sequence%10 == 0 {
					t.Fatalf("frame %d was published", f.Sequence)
				}
			}
			r.stop()
			r.finished(t)
			a := faulty.ledger.Account()
			if n := a.Dropped[test.drop]; n < 3 {
				t.Errorf("%d dropped as %s: %+v", n, test.drop, a)
			}
			if b := r.list()[1].ledger.Account(); b.Published+b.Dropped["shutdown"] != b.Captured {
				t.Errorf("the other camera: %+v", b)
			}
			kept := entries(t, r.StateDir)
			if want := min(int(a.Dropped[test.drop]), quarantine.PerHour); len(kept) != want {
				t.Errorf("%d frames quarantined of %d", len(kept), want)
			}
			for _, file := range kept {
				if !strings.HasSuffix(file, "0-"+test.drop+".frame") {
					t.Errorf("quarantined: %s, which did nothing", file)
				}
			}
			told := r.log.entries(t, "worker replaced")
			if len(told) != int(faulty.ledger.replaced.Load()) {
				t.Errorf("%d events for %d workers", len(told), faulty.ledger.replaced.Load())
			}
			e := told[0]
			if e["camera"] != test.camera || e["message_id"] != systemd.MessageStageRestarted || !strings.Contains(e["error"].(string), test.cause) {
				t.Errorf("told: %v", e)
			}
		})
	}
}

// A worker maps of a ring what images are written to, and no header: whatever
// takes it over cannot tell consumers of frames that are none.
func TestWorkerMapsNoHeader(t *testing.T) {
	r := start(t, `
cameras: {front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, outputs: {model: {size: 64x64, ring: {slots: 3}}}}}
`)
	r.until(t, "publishing", func() bool { return r.publishedBy() > 5 })
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", r.list()[0].worker.PID()))
	if err != nil {
		t.Fatal(err)
	}
	var offsets []string
	for line := range strings.Lines(string(maps)) {
		if fields := strings.Fields(line); strings.Contains(line, "memfd:edge-agent:front/model") {
			offsets = append(offsets, fields[2])
		}
	}
	// The ring's header, then three slots: a page for the header, and three of data.
	if want := []string{"00002000", "00006000", "0000a000"}; !slices.Equal(offsets, want) {
		t.Errorf("mapped at %q, want %q", offsets, want)
	}
	r.stop()
	r.finished(t)
}

// With isolation none there is no child.
func TestNoWorkerWithoutIsolation(t *testing.T) {
	r := start(t, `
isolation: none
cameras: {crash-2: {device: {pattern: bars}, mode: {size: 64x64, rate: 200}, outputs: {model: {size: 32x32}}}}
`)
	r.until(t, "10 frames", func() bool { return r.publishedBy() >= 10 })
	if children := childrenOf(t); children != "" {
		t.Errorf("there are children: %s", children)
	}
	r.stop()
	r.finished(t)
}

// A worker that is killed or stopped from outside, again and again.
func TestWorkerKilledFromOutsideIsReplaced(t *testing.T) {
	r := start(t, `
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 64x64, rate: 50}
    recovery: {process-deadline: 100ms}
    outputs: {model: {size: 32x32}}
`)
	for n, signal := range []unix.Signal{unix.SIGKILL, unix.SIGSTOP, unix.SIGKILL, unix.SIGSTOP} {
		published := r.publishedBy()
		r.until(t, "publishing", func() bool { return r.publishedBy() > published+2 })
		// Not just any child: there is one that learns the known answer, too.
		pid := r.list()[0].worker.PID()
		if pid == 0 {
			t.Fatal("there is no worker")
		}
		if err := unix.Kill(pid, signal); err != nil {
			t.Fatal(err)
		}
		r.until(t, "replaced", func() bool { return r.list()[0].ledger.replaced.Load() > uint64(n) })
	}
	published := r.publishedBy()
	r.until(t, "publishing again", func() bool { return r.publishedBy() > published+2 })
	r.stop()
	r.finished(t)
	if children := childrenOf(t); children != "" {
		t.Errorf("left over: %s", children)
	}
}

// childrenOf are the children of this process, zombies included.
func childrenOf(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil || len(paths) == 0 {
		t.Fatal("the kernel does not list children", err)
	}
	var all strings.Builder
	for _, path := range paths {
		if text, err := os.ReadFile(path); err == nil { // a thread may end
			all.Write(text)
		}
	}
	return strings.TrimSpace(all.String())
}
