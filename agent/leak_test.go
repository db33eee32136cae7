package agent

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/health"
)

func TestLeakIsToldWithItsPaceAndItsEnd(t *testing.T) {
	b := startBudget(t, "limits: {memory: 400MiB}")
	grow := func(d time.Duration, u func(hours float64) usage) {
		for begin := b.at; b.at < begin+d; b.at += budgetPeriod {
			b.u = u((b.at - begin).Hours())
			b.budget.look()
		}
	}
	steady := func(float64) usage {
		return usage{agent: health.Held{Private: 20 * mi}, private: 20 * mi, descriptors: 20, goroutines: 30}
	}
	grow(time.Hour, steady)
	grow(3*time.Hour, func(h float64) usage {
		u := steady(h)
		u.workers = map[string]health.Held{"front": {PID: 7, Private: int64((10 + 60*h) * mi)}}
		u.private += u.workers["front"].Private
		u.descriptors += int(100 * h)
		return u
	})
	if s := b.statusLine(); !strings.HasPrefix(s, "agent leaks descriptors, 99.5 an hour; front leaks memory, 60.0 MiB an hour; front: ") {
		t.Errorf("STATUS is %q", s)
	}
	if s := b.Status(); !slices.Equal(s.Resources.Leaking, []string{"descriptors"}) || !s.Cameras[0].Worker.Leaking {
		t.Errorf("%+v, %+v", s.Resources, s.Cameras[0].Worker)
	}
	grow(3*time.Hour, steady)
	told := map[any]map[string]any{}
	for _, e := range b.log.entries(t, "grows without end") {
		told[e["resource"]] = e
	}
	m, d := told["memory"], told["descriptors"]
	if len(told) != 2 || m["camera"] != "front" || m["per_hour"] != "60.0 MiB" || m["limit_in"] != "5h28m0s" || d["per_hour"] != "99.5" || d["camera"] != nil {
		t.Errorf("%v", told)
	}
	if n := len(b.log.entries(t, "no longer grows without end")); n != 1 {
		t.Errorf("the end of it was told %d times", n) // of the worker, nothing is known any more
	}
	if n := len(b.log.entries(t, "resources")); n != 7 {
		t.Errorf("resources were logged %d times in 7 hours", n)
	}
	b.stop()
	b.finished(t)
}

// proportional sums what the kernel says a set of processes has in RAM, shared
// pages divided among those that map them.
func proportional(t *testing.T, pids ...int) (bytes int64) {
	t.Helper()
	for _, pid := range pids {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "smaps_rollup"))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if f[0] == "Pss_Anon:" || f[0] == "Pss_Shmem:" {
				kib, err := strconv.ParseInt(f[1], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				bytes += kib << 10
			}
		}
	}
	return bytes
}

func TestMemoryIsThatOfAllProcesses(t *testing.T) {
	r := start(t, `
cameras:
  one: {device: {pattern: bars}, mode: {size: 1280x720, rate: 30}, outputs: {model: {size: 640x640, dtype: float32, layout: chw}}}
  two: {device: {pattern: bars}, mode: {size: 640x480, rate: 30}, outputs: {preview: {encode: jpeg}, model: {}}}
`)
	r.until(t, "every slot was written", func() bool { return r.publishedBy() > 40 })
	m := health.NewMachine("/proc", "/sys")
	u, err := r.measure(m)
	if err != nil || len(u.workers) != 2 || u.threads <= u.agent.Threads || u.descriptors < 10 || u.goroutines < 5 {
		t.Fatalf("%+v, %v", u, err)
	}
	pids := []int{os.Getpid()}
	for _, c := range r.list() {
		pids = append(pids, c.worker.PID())
	}
	got, want := u.private+u.shared, proportional(t, pids...)
	t.Logf("%d KiB private, %d KiB shared; the kernel has %d KiB", u.private>>10, u.shared>>10, want>>10)
	if got < want*95/100-mi || got > want*105/100+mi {
		t.Errorf("%d KiB, the kernel has %d", got>>10, want>>10)
	}
	r.stop()
	r.finished(t)
}
