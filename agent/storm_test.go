package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/systemd"
)

// 100,000 damaged frames, a thousand a second, are told of at once, once in ten
// seconds, and at their end; and the entries tell of each one.
func TestStormOfDamagedFramesIsToldOnceAPeriod(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		storm := troubles{log: zerolog.New(log), ledger: &Ledger{}}
		const damaged = 100_000
		for i := range uint64(damaged + 30_000) { // 30 s without
			time.Sleep(time.Millisecond)
			if i < damaged {
				storm.dropped(DropCorrupt, "capture", i, capture.ErrStalled)
			}
			if i%10_000 == []uint64{5001, 5000}[i/10_000%2] { // a clock is never exact
				storm.report(reportPeriod)
			}
		}
		first, more := log.entries(t, "frame dropped"), log.entries(t, "frames dropped")
		told := float64(len(first))
		for _, e := range more {
			told += e["more"].(float64)
		}
		if len(first) != 1 || len(more) != 11 || told != damaged {
			t.Errorf("%d and %d entries tell of %.0f", len(first), len(more), told)
		}
		end := log.entries(t, "frames no longer dropped")
		if len(end) != 1 || end[0]["total"].(float64) != damaged {
			t.Errorf("the end: %v", end)
		}
	})
}

// A pipeline that takes over from another, at a reload, goes on telling of its drops:
// each is told of once, and a trouble that goes on is no new one.
func TestTroubleIsToldOfAcrossAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &journal{}
		before := &camera{annals: newAnnals(nil, zerolog.New(log))}
		for i := range uint64(5) {
			before.troubles.dropped(DropCorrupt, "capture", i, capture.ErrStalled)
		}
		after := &camera{annals: newAnnals(before, zerolog.New(log))}
		for i := range uint64(3) {
			after.troubles.dropped(DropCorrupt, "capture", 5+i, capture.ErrStalled)
		}
		time.Sleep(reportPeriod)
		after.troubles.report(reportPeriod)
		first, more := log.entries(t, "frame dropped"), log.entries(t, "frames dropped")
		if len(first) != 1 || len(more) != 1 || more[0]["more"].(float64) != 7 {
			t.Errorf("told of %v, and then of %v", first, more)
		}
	})
}

// A camera that comes and goes as fast as it can, for which each time is news, is
// logged a few times by the log that the agent has; the rest is counted.
func TestFlappingCameraIsCountedInTheLog(t *testing.T) {
	const flaps = 200
	gone := fmt.Errorf("dequeue: %w", capture.ErrGone)
	var openings []opening
	for i := range uint64(flaps) {
		openings = append(openings, opening{frames: frames(2*i, 2*i+1), end: gone}, opening{err: fmt.Errorf("open: %w", capture.ErrNotFound)})
	}
	s := &script{format: grey, openings: openings}
	origins = func(config.Camera) (origin, error) { return s, nil }
	t.Cleanup(func() { origins = newOrigin })
	file := filepath.Join(t.TempDir(), "log")
	log, sink := logTo(t, file)
	cfg := config.Defaults()
	cfg.AddPattern().Name = "front"
	r := startWith(t, cfg, func(a *Agent) { a.Log, a.LogCounts = log, sink.Counts })
	r.finished(t)
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	entries, sums := tally(t, file)
	t.Logf("%d flaps, %d entries: %v", flaps, entries, sums)
	if sums["camera publishes again"]+sums["camera publishes"] != flaps || sums["camera not available, trying again"] < flaps {
		t.Errorf("the entries tell of %v", sums)
	}
	all := 0
	for _, n := range sums {
		all += n
	}
	if s := r.Status(); s.Log.LeftOut == 0 || int(s.Log.LeftOut) > all || s.Log.Lost != 0 {
		t.Errorf("the status has %+v", s.Log)
	}
	if entries > 250 {
		t.Errorf("%d entries", entries)
	}
}

// logTo makes the agent's own logger write to a file.
func logTo(t *testing.T, path string) (zerolog.Logger, *systemd.Log) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	return systemd.NewLogger(systemd.NewLevel(zerolog.InfoLevel), nil)
}

// tally counts the entries in a file, and how often each message was to be logged.
func tally(t *testing.T, path string) (entries int, sums map[string]int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sums = map[string]int{}
	for line := range strings.Lines(string(text)) {
		var e struct {
			Message, Kind string
			ID            string `json:"message_id"`
			LeftOut       int    `json:"left_out"`
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		entries++
		if e.ID == systemd.MessageLogStorm {
			sums[e.Kind] += e.LeftOut
			continue
		}
		sums[e.Message]++
	}
	return entries, sums
}
