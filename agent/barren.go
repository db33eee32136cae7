package agent

import (
	"fmt"
	"time"

	"github.com/edge-agent/agent/capture"
)

// A stream that brings nothing but damaged frames for so long, so many at least,
// is broken. A damaged frame now and then is only skipped.
const (
	barrenAfter  = 5 * time.Second
	barrenFrames = 5
)

// barren watches the ledger of a stream for frames that are good.
type barren struct {
	since          time.Time // of the last look that saw good ones
	sound, damaged uint64    // as counted then
}

// begin begins with a stream.
func (b *barren) begin(l *Ledger, now time.Time) {
	b.since, b.sound, b.damaged = now, l.sound.Load(), l.damaged()
}

func (b *barren) look(l *Ledger, now time.Time) error {
	if l.sound.Load() != b.sound {
		b.begin(l, now)
		return nil
	}
	if now.Sub(b.since) < barrenAfter || l.damaged()-b.damaged < barrenFrames {
		return nil
	}
	return fmt.Errorf("nothing but damaged frames for %v: %w", barrenAfter, capture.ErrStream)
}
