package health

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

const samplePeriod = 5 * time.Second

// follow gives a Trend samples once a period for so long, and returns when it
// told of growth, and what, until it was told once.
func follow(tr *Trend, d time.Duration, value func(at time.Duration) float64) (at time.Duration, g Growth, found bool) {
	for at := time.Duration(0); at < d; at += samplePeriod {
		if g, changed := tr.Observe(value(at), time.Hour+at); changed && g.On {
			return at, g, true
		}
	}
	return 0, Growth{}, false
}

// A heap is the memory of a process that leaks nothing, in MiB: a sawtooth of
// the garbage collector, noise that lasts, a step now and then (a picture that
// is larger than all before, a worker that is replaced), a start that takes its
// time, and day and night.
type heap struct {
	rng                 *rand.Rand
	saw, height, phase  float64
	start, settle, tide float64
	noise, step         float64
}

func newHeap(seed uint64) *heap {
	rng := rand.New(rand.NewPCG(seed, 7))
	return &heap{
		rng: rng, saw: 10 + 290*rng.Float64(), height: 6 * rng.Float64(), phase: 300 * rng.Float64(),
		start: 12 * rng.Float64(), settle: 60 + 1800*rng.Float64(), tide: 3 * rng.Float64(),
	}
}

func (h *heap) at(at time.Duration) float64 {
	s := at.Seconds()
	h.noise = 0.99*h.noise + 0.05*h.rng.NormFloat64()
	if h.rng.Float64() < 5.0/86400 { // once a day
		h.step += 2 * h.rng.NormFloat64()
	}
	_, saw := math.Modf((s + h.phase) / h.saw)
	return 20 + h.height*saw + h.noise + h.step + h.start*(1-math.Exp(-s/h.settle)) + h.tide*math.Sin(s/86400*2*math.Pi)
}

// TREND_DAYS=20000 is the false-alarm rate of agent/doc.go.
func days(t *testing.T, otherwise int) int {
	if s := os.Getenv("TREND_DAYS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	return otherwise
}

func TestNoAlarmWithoutALeak(t *testing.T) {
	alarms, heaps := 0, days(t, 28)/7
	for seed := range uint64(heaps) {
		tr := &Trend{Least: 8}
		if at, g, found := follow(tr, 7*24*time.Hour, newHeap(seed).at); found {
			alarms++
			t.Logf("heap %d: after %v: %+v", seed, at, g)
		}
	}
	t.Logf("%d false alarms in %d days", alarms, heaps*7)
	if alarms*200 > heaps*7 {
		t.Error("more than one false alarm in 200 days")
	}
}

func TestLeaksAreFoundBeforeTheLimit(t *testing.T) {
	const limit = 380 // MiB beyond the start
	for _, perHour := range []float64{0.5, 1, 2, 4, 8, 16, 64, 256} {
		var latest time.Duration
		worst, missed := 0.0, 0
		for seed := range uint64(10) {
			h := newHeap(seed)
			at, g, found := follow(&Trend{Least: 8}, time.Duration(limit/perHour*float64(time.Hour)), func(at time.Duration) float64 {
				return h.at(at) + perHour*at.Hours()
			})
			if !found {
				missed++
				continue
			}
			latest = max(latest, at)
			worst = max(worst, math.Abs(g.PerHour/perHour-1))
		}
		t.Logf("%5.1f MiB an hour: found within %8v of %8v to the limit, %d of 10 missed, told within %.0f %%", perHour, latest.Round(time.Minute),
			time.Duration(limit/perHour*float64(time.Hour)).Round(time.Minute), missed, 100*worst)
		if missed > 0 || latest.Hours() > 0.75*limit/perHour {
			t.Errorf("%v MiB an hour: %d missed, the latest found after %v", perHour, missed, latest)
		}
		if worst > 1 {
			t.Errorf("%v MiB an hour: the slope was off by %.0f %%", perHour, 100*worst)
		}
	}
}

// Descriptors and threads come in whole numbers.
func TestCountsThatLeakAreFound(t *testing.T) {
	for _, perHour := range []float64{1, 4, 30, 400} {
		rng := rand.New(rand.NewPCG(3, 3))
		n := 22.0
		at, g, found := follow(&Trend{Least: 8}, 48*time.Hour, func(at time.Duration) float64 {
			if rng.Float64() < perHour*samplePeriod.Hours() {
				n++
			}
			return n + float64(rng.IntN(3)) // a reload, a consumer
		})
		t.Logf("%v an hour: found after %v at %v of them, told as %.1f an hour", perHour, at.Round(time.Minute), n, g.PerHour)
		if !found || n > 22+perHour+60 {
			t.Errorf("%v an hour: %v, at %v", perHour, found, n)
		}
	}
}

func TestGrowthThatEndsIsTold(t *testing.T) {
	tr := &Trend{Least: 8}
	value := func(at time.Duration) float64 { return 20 + 60*min(at.Hours(), 2) }
	var told []Growth
	for at := time.Duration(0); at < 24*time.Hour; at += samplePeriod {
		if g, changed := tr.Observe(value(at), at); changed {
			told = append(told, g)
			t.Log(at, g)
		}
	}
	if len(told) != 2 || !told[0].On || told[1].On || math.Abs(told[0].PerHour-60) > 1 {
		t.Errorf("%+v", told)
	}
}

// A camera that is added is a step, and what it takes it takes once; with
// several, their owner says that it is another thing now.
func TestAddedCamerasAreNoLeak(t *testing.T) {
	for name, value := range map[string]func(time.Duration) float64{
		"one": func(at time.Duration) float64 { return 10 + 30*math.Floor(min(1, at.Hours()/3)) },
		"one, which takes its time": func(at time.Duration) float64 {
			return 10 + 30*max(0, min(1, (at-3*time.Hour).Minutes()/10))
		},
		"two within an hour": func(at time.Duration) float64 {
			return 10 + 20*math.Floor(min(1, at.Hours()/2)) + 20*math.Floor(min(1, at.Hours()/2.7))
		},
	} {
		if at, g, found := follow(&Trend{Least: 8}, 72*time.Hour, value); found {
			t.Errorf("%s: after %v: %+v", name, at, g)
		}
	}
	tr := &Trend{Least: 8}
	cameras := 0
	for at := time.Duration(0); at < 12*time.Hour; at += samplePeriod {
		if n := int(min(at.Minutes()/10, 20)); n != cameras {
			cameras = n
			tr.Forget()
		}
		if g, changed := tr.Observe(float64(5*cameras), at); changed {
			t.Fatalf("after %v: %+v", at, g)
		}
	}
}

// recorded reads a column of a recording: see testdata/README.md.
func recorded(t *testing.T, file, column string) (values []float64) {
	t.Helper()
	f, err := os.Open("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range rows[0] {
		if name != column {
			continue
		}
		for _, row := range rows[1:] {
			v, err := strconv.ParseFloat(row[i], 64)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, v)
		}
	}
	if len(values) < 600 {
		t.Fatalf("%s has no column %s", file, column)
	}
	return values
}

// What a real agent holds, from its start on and with a camera that comes late,
// is no leak; and a leak that is laid over it is found.
func TestRealAgentsDoNotLeak(t *testing.T) {
	for _, file := range []string{"pattern.csv", "late.csv"} {
		for column, c := range map[string]struct{ least, leak float64 }{
			"agent_kib": {8 << 10, 32 << 10}, "workers_kib": {8 << 10, 32 << 10}, "descriptors": {8, 30}, "threads": {8, 30},
		} {
			values := recorded(t, file, column)
			span := time.Duration(len(values)) * samplePeriod
			sample := func(at time.Duration) float64 { return values[at/samplePeriod] }
			if at, g, found := follow(&Trend{Least: c.least}, span, sample); found {
				t.Errorf("%s, %s: after %v: %+v", file, column, at, g)
			}
			at, g, found := follow(&Trend{Least: c.least}, span, func(at time.Duration) float64 {
				return sample(at) + math.Floor(c.leak*at.Hours())
			})
			if !found || math.Abs(g.PerHour/c.leak-1) > 0.3 {
				t.Errorf("%s, %s: of a leak of %v an hour: %v, %+v", file, column, c.leak, found, g)
			}
			t.Logf("%s, %s: a leak of %v an hour is found after %v as %.1f", file, column, c.leak, at, g.PerHour)
		}
	}
}

func BenchmarkTrend(b *testing.B) {
	b.ReportAllocs()
	tr, at, h := &Trend{Least: 1e9}, time.Duration(0), newHeap(1)
	for b.Loop() {
		tr.Observe(h.at(at), at)
		at += samplePeriod
	}
}
