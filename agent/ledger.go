package agent

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A Drop is why a captured frame was not published.
type Drop uint8

// Every way a frame can end other than by being published. The names are those
// of logs, metrics and the summary.
const (
	DropEvicted     Drop = iota // a newer frame took its place in the queue
	DropErrorFlag               // the driver flagged the buffer
	DropShort                   // fewer bytes than the geometry needs
	DropCorrupt                 // damaged bitstream
	DropStale                   // not captured later than the frame before
	DropGeometry                // the picture's size is not the negotiated one
	DropUnsupported             // no code for this variant of the format
	DropFailed                  // the preprocessor failed
	DropTimedOut                // the preprocessor took longer than its deadline
	DropCrashed                 // the preprocessor crashed, or is not back yet
	DropOutput                  // no output could take it
	DropNotDue                  // no output was due by its interval, or wanted the image
	DropSkipped                 // one too many for the preprocessor or for the device
	DropShutdown                // the agent was told to stop, or a reload made its camera anew
	dropCount
)

var dropNames = [dropCount]string{
	"evicted", "error-flag", "short", "corrupt", "stale", "geometry",
	"unsupported", "failed", "timed-out", "crashed", "output", "not-due", "skipped", "shutdown",
}

func (d Drop) String() string { return dropNames[d] }

// expected says that a drop is part of normal work and no trouble.
func (d Drop) expected() bool { return d == DropNotDue || d == DropSkipped || d == DropShutdown }

// dropOfFault is the drop for a frame that its source found faulty.
var dropOfFault = [...]Drop{
	capture.FaultErrorFlag: DropErrorFlag,
	capture.FaultShort:     DropShort,
	capture.FaultCorrupt:   DropCorrupt,
	capture.FaultStale:     DropStale,
}

// dropOfReason is the drop for a frame that the preprocessor refused.
var dropOfReason = [...]Drop{
	preproc.ReasonFailed:      DropFailed,
	preproc.ReasonCorrupt:     DropCorrupt,
	preproc.ReasonShort:       DropShort,
	preproc.ReasonGeometry:    DropGeometry,
	preproc.ReasonUnsupported: DropUnsupported,
	preproc.ReasonTimedOut:    DropTimedOut,
	preproc.ReasonCrashed:     DropCrashed,
}

// A Ledger accounts for every frame of one camera, from the start of the
// process on. Each captured frame ends in exactly one of its columns.
type Ledger struct {
	captured   atomic.Uint64
	kernelLost atomic.Uint64
	published  atomic.Uint64
	sound      atomic.Uint64 // published, or could have been
	inFlight   atomic.Int64
	drops      [dropCount]atomic.Uint64
	replaced   replacements // workers that had to go
	recoveries [recovery.Rungs]atomic.Uint64
	age        health.Latency // from dequeue to publication
	total      health.Latency // from capture to publication
	stages     [stageCount]health.Latency

	// By CLOCK_MONOTONIC, 0 for never: when the newest frame came, and when one
	// was published.
	lastCaptured, lastPublished atomic.Int64
}

// capture counts a frame that was read, and what the driver lost before it.
func (l *Ledger) capture(f *capture.Frame) {
	l.kernelLost.Add(f.Lost)
	l.inFlight.Add(1)
	l.captured.Add(1)
	l.lastCaptured.Store(int64(f.Dequeued))
}

func (l *Ledger) publish(now time.Duration) {
	l.published.Add(1)
	l.inFlight.Add(-1)
	l.lastPublished.Store(int64(now))
}

func (l *Ledger) drop(d Drop) {
	l.drops[d].Add(1)
	l.inFlight.Add(-1)
}

// damaged is how many frames were dropped for what the camera or its bus did to
// them.
func (l *Ledger) damaged() (n uint64) {
	for _, d := range []Drop{DropErrorFlag, DropShort, DropCorrupt, DropStale, DropGeometry} {
		n += l.drops[d].Load()
	}
	return n
}

// An Account is a Ledger at one moment.
type Account struct {
	Captured   uint64
	KernelLost uint64
	Published  uint64
	InFlight   int64
	Dropped    map[string]uint64 // by name, without the zeroes
}

// Account reads the columns. It is exact once the pipeline stands still; while
// it runs, a frame may be between two columns.
func (l *Ledger) Account() Account {
	a := Account{
		Published: l.published.Load(),
		InFlight:  l.inFlight.Load(),
		Dropped:   map[string]uint64{},
	}
	for d := range l.drops {
		if n := l.drops[d].Load(); n > 0 {
			a.Dropped[Drop(d).String()] = n
		}
	}
	a.Captured, a.KernelLost = l.captured.Load(), l.kernelLost.Load()
	return a
}

// Balanced returns an error unless captured = published + drops + in flight.
func (a Account) Balanced() error {
	sum := a.Published
	for _, n := range a.Dropped {
		sum += n
	}
	if int64(a.Captured) != int64(sum)+a.InFlight {
		return fmt.Errorf("accounting: %d captured, but %d published or dropped and %d in flight", a.Captured, sum, a.InFlight)
	}
	return nil
}
