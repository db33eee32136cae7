package agent

import (
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A stage is a part of a frame's way. Together they are the time from capture
// to publication.
type stage uint8

const (
	stageCapture    stage = iota // from the driver's time stamp to the dequeue
	stageQueue                   // until it is taken from the queue
	stagePreprocess              // in the preprocessor
	stagePublish                 // writing the images that were made
	stageCount
)

func (s stage) String() string {
	return [stageCount]string{"capture", "queue", "preprocess", "publish"}[s]
}

// replacements count the workers that had to go, by replacementCauses.
type replacements [3]atomic.Uint64

// replacementCauses are why workers have to go. One is renewed when it holds too
// much, or gave a wrong answer.
var replacementCauses = [len(replacements{})]string{"crashed", "timed-out", "renewed"}

func (r *replacements) count(why preproc.Reason) {
	switch why {
	case preproc.ReasonCrashed:
		r[0].Add(1)
	case preproc.ReasonTimedOut:
		r[1].Add(1)
	default:
		r[2].Add(1)
	}
}

// Load is how many there were in all.
func (r *replacements) Load() uint64 { return r[0].Load() + r[1].Load() + r[2].Load() }

// taken notes that a frame was taken from the queue.
func (l *Ledger) taken(f *capture.Frame, now time.Duration) {
	l.stages[stageCapture].Observe(f.Dequeued - f.Timestamp)
	l.stages[stageQueue].Observe(now - f.Dequeued)
}

// lap notes how long a stage took that began then, and returns its end.
func (l *Ledger) lap(s stage, began time.Duration) time.Duration {
	now := capture.Monotonic()
	l.stages[s].Observe(now - began)
	return now
}
