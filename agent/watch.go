package agent

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/systemd"
)

const (
	// probePeriod is how often it is tried whether what every camera needs
	// can be had.
	probePeriod = time.Second
	// probeLimit is how long that may take, and how long a report may.
	probeLimit = 2 * time.Second
	// maxLastWords bounds what the next process is told.
	maxLastWords = 1024
)

// watch pings systemd's watchdog while every stage is fresh.
func (a *Agent) watch(ctx context.Context) {
	_ = a.guard.Run(ctx) // returns only ctx's error
}

// A silence is that of a stage that is stuck.
type silence struct {
	err   error
	since time.Time // when that was found
}

// stuck tells that a stage does not make progress, or, with nil, that all do
// again. The words are for the next process as well, since systemd forgets the
// status of one that it killed.
func (a *Agent) stuck(err error) {
	if err == nil {
		a.silent.Store(nil)
		a.Log.Info().Msg("every stage is alive again")
		_ = os.Remove(a.lastWordsFile())
		return
	}
	a.silent.Store(&silence{err, time.Now()})
	a.Log.Error().Str("message_id", systemd.MessageWatchdogWithheld).Err(err).Msg("a stage is stuck")
	words := fmt.Sprintf("%s: %v", time.Now().Format(time.RFC3339), err)
	_ = os.WriteFile(a.lastWordsFile(), []byte(words), 0o640) // in memory; the journal has them, too
}

// lastWordsFile lies where it outlives a crash and not a stop. No camera has a
// name with a dot.
func (a *Agent) lastWordsFile() string { return filepath.Join(a.RuntimeDir, ".stuck") }

// readLastWords learns whether the process before was stuck when it ended.
func (a *Agent) readLastWords() {
	words, err := os.ReadFile(a.lastWordsFile())
	if err != nil {
		return
	}
	_ = os.Remove(a.lastWordsFile())
	a.lastWords = strings.ToValidUTF8(string(words[:min(len(words), maxLastWords)]), "?")
}

// every calls do once a period until ctx ends, under the eyes of the watchdog: it
// counts as stuck when do takes longer than limit.
func every(ctx context.Context, m *health.Monitor, name string, period, limit time.Duration, do func()) {
	pulse := m.Pulse(name, limit, nil)
	defer m.Remove(pulse)
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		pulse.Rest()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			pulse.Beat()
			do()
		}
	}
}

// probe beats for what is no stage and can still stop them all: a lock that
// everybody takes, and the goroutine that supervises them.
func (a *Agent) probe(ctx context.Context) {
	cameras := a.monitor.Pulse("list of cameras", probeLimit, nil)
	defer a.monitor.Remove(cameras)
	supervisor := a.monitor.Pulse("supervisor", probeLimit, nil)
	defer a.monitor.Remove(supervisor)
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			cameras.Beat()
			a.list()
			cameras.Rest()
			supervisor.Beat()
			a.tree.Services()
			supervisor.Rest()
		}
	}
}
