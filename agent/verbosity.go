package agent

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/systemd"
)

// How long a level that was asked for may hold. One without an end would be
// forgotten, and fill the journal.
const verboseLeast, verboseMost = time.Second, 24 * time.Hour

// verboseLevels are what may be asked for; asConfigured ends what was.
var verboseLevels = []string{"debug", "info", "warn", "error", asConfigured}

const asConfigured = "config"

// A verbosity is how much is logged: what the config says, or for a while what
// somebody asked for. Any goroutine may use it.
type verbosity struct {
	log   zerolog.Logger
	level *systemd.Level

	mu         sync.Mutex
	configured zerolog.Level
	until      time.Time   // when it is the config's again; zero while it is
	timer      *time.Timer // of until
}

// begin takes what is set for what the config says.
func (v *verbosity) begin(log zerolog.Logger, level *systemd.Level) {
	v.log, v.level = log, level
	if level != nil {
		v.configured = level.Now()
	}
}

// end has no timer outlive the agent.
func (v *verbosity) end() { v.follow(v.configured, "the agent ends") }

// follow takes a level of a config, also where another one was asked for.
func (v *verbosity) follow(configured zerolog.Level, why string) {
	if v.level == nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.configured = configured
	v.set(configured, 0, why)
}

// set is called with v.mu held. A hold of 0 is without an end.
func (v *verbosity) set(level zerolog.Level, hold time.Duration, why string) {
	if v.timer != nil {
		v.timer.Stop()
	}
	v.until, v.timer = time.Time{}, nil
	if hold > 0 {
		until := time.Now().Add(hold)
		v.until = until
		v.timer = time.AfterFunc(hold, func() { v.expire(until) })
	}
	before := v.level.Now()
	if before == level && hold == 0 {
		return
	}
	v.level.Set(min(before, level)) // or nobody would hear of it
	e := v.log.WithLevel(max(zerolog.InfoLevel, v.level.Now())).Str("message_id", systemd.MessageLogLevel).
		Stringer("level_before", before).Stringer("level_now", level).Str("why", why)
	if hold > 0 {
		e = e.Stringer("for", hold)
	}
	e.Msg("log level is another one")
	v.level.Set(level)
}

// expire ends what was to hold until then, and nothing that was asked for since.
func (v *verbosity) expire(until time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.until.Equal(until) {
		v.set(v.configured, 0, "its time is over")
	}
}

func (v *verbosity) status() status.Log {
	if v.level == nil {
		return status.Log{}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now()
}

// now is called with v.mu held.
func (v *verbosity) now() status.Log {
	s := status.Log{Level: v.level.Now().String(), Configured: v.configured.String()}
	if !v.until.IsZero() {
		until := v.until
		s.Until = &until
	}
	return s
}

// change is what POST asks for: level, and for how long it is to hold.
func (v *verbosity) change(r *http.Request) (any, error) {
	if v.level == nil {
		return nil, errors.New("the log of this agent has one level only")
	}
	q := r.URL.Query()
	level, hold, err := verbosityOf(q.Get("level"), q.Get("for"))
	if err != nil {
		return nil, err
	}
	peer, _ := web.PeerOf(r)
	v.mu.Lock()
	defer v.mu.Unlock()
	if hold == 0 {
		level = v.configured
	}
	v.set(level, hold, fmt.Sprintf("user %d asked, by process %d", peer.UID, peer.PID))
	return v.now(), nil
}

// verbosityOf reads what was asked for. A hold of 0 is for the config's level.
func verbosityOf(name, length string) (level zerolog.Level, hold time.Duration, err error) {
	if name == asConfigured {
		return level, 0, nil
	}
	if !slices.Contains(verboseLevels, name) {
		return level, 0, fmt.Errorf("level is %.40q; allowed: %s", name, strings.Join(verboseLevels, ", "))
	}
	if level, err = zerolog.ParseLevel(name); err != nil {
		return level, 0, err
	}
	if hold, err = time.ParseDuration(length); err != nil || hold < verboseLeast || hold > verboseMost {
		return level, 0, fmt.Errorf("for is %.40q; allowed: %v to %v", length, verboseLeast, verboseMost)
	}
	return level, hold, nil
}
