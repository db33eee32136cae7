package agent

import (
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/systemd"
)

// troubles reports the drops of one camera without repeating itself: the first
// of a kind at once, how many more once a period, and its end.
type troubles struct {
	log    zerolog.Logger
	ledger *Ledger

	mu       sync.Mutex
	active   [dropCount]bool
	reported [dropCount]uint64 // how many the lines told of so far
	since    [dropCount]time.Time
}

// dropped counts a drop and, when it is the first of its kind, says so.
func (t *troubles) dropped(d Drop, stage string, sequence uint64, cause error) {
	t.ledger.drop(d)
	if d.expected() {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.active[d] {
		t.log.Debug().Str("stage", stage).Stringer("drop_reason", d).Uint64("frame_seq", sequence).Err(cause).Msg("frame dropped, too")
		return
	}
	t.active[d], t.since[d] = true, time.Now()
	t.reported[d]++ // of this one; others may have been counted since
	t.log.Warn().Str("stage", stage).Str("drop_reason", d.String()).Uint64("frame_seq", sequence).
		Str("message_id", systemd.MessageFramesDropped).Err(cause).Msg("frame dropped")
}

// report tells of what goes on and of what has ended. It is called once a period, which
// is never exact: what was told of less than half of one ago waits for the next.
func (t *troubles) report(period time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for d := range Drop(dropCount) {
		if !t.active[d] || time.Since(t.since[d]) < period/2 {
			continue
		}
		total := t.ledger.drops[d].Load()
		more := total - t.reported[d]
		t.reported[d], t.since[d] = total, time.Now()
		if more == 0 {
			t.active[d] = false
			t.log.Info().Str("drop_reason", d.String()).Uint64("total", total).Msg("frames no longer dropped")
			continue
		}
		t.log.Warn().Str("drop_reason", d.String()).Uint64("more", more).Uint64("total", total).
			Str("message_id", systemd.MessageFramesDropped).Msg("frames dropped")
	}
}
