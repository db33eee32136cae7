package agent

import (
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// How long frames must agree before a camera counts as bad or as good again,
// and how many of them. A camera's exposure settles within a second of its
// start, and a light that is switched is no fault. Frozen has a time of its own.
const (
	settleTime   = time.Second
	settleFrames = 3
)

// quality turns the verdicts on a camera's frames into the state of the camera.
// It outlives the stream: a camera that comes back is good when its frames are.
// Only the stage that preprocesses uses it, but for the counts.
type quality struct {
	judge      *preproc.Judge
	conditions [preproc.Verdicts]health.Condition
	lasting    preproc.Verdict // the conditions that are on
	measure    preproc.Measure // of the newest frame
	counts     *[preproc.Verdicts]atomic.Uint64
}

func newQuality(q preproc.Quality) *quality {
	made := &quality{judge: preproc.NewJudge(q), counts: new([preproc.Verdicts]atomic.Uint64)}
	for i := range made.conditions {
		made.conditions[i] = health.Condition{Enter: settleTime, Leave: settleTime, Frames: settleFrames}
		if bit(i) == preproc.Frozen {
			made.conditions[i].Enter, made.conditions[i].Frames = 0, 1
		}
	}
	return made
}

func bit(i int) preproc.Verdict { return 1 << i }

// frame judges one frame, and says which conditions changed with it.
func (q *quality) frame(m preproc.Measure, arrived, age time.Duration) (v, changed preproc.Verdict) {
	v, q.measure = q.judge.Frame(m, arrived, age), m
	for i := range q.conditions {
		if q.conditions[i].Observe(v&bit(i) != 0, arrived) {
			changed |= bit(i)
		}
	}
	q.lasting ^= changed
	return v, changed
}

// count counts a frame that was published with this verdict.
func (q *quality) count(v preproc.Verdict) {
	for i := range q.counts {
		if v&bit(i) != 0 {
			q.counts[i].Add(1)
		}
	}
}

// counted are the published frames by verdict, without the zeroes. A frame with
// two verdicts counts for both.
func (q *quality) counted() map[string]uint64 {
	counts := map[string]uint64{}
	for i := range q.counts {
		if n := q.counts[i].Load(); n > 0 {
			counts[bit(i).String()] = n
		}
	}
	return counts
}

// since is when the oldest of the conditions that are on began.
func (q *quality) since() time.Duration {
	oldest := capture.Monotonic()
	for i := range q.conditions {
		if q.lasting&bit(i) != 0 {
			oldest = min(oldest, q.began(i))
		}
	}
	return oldest
}

// began is when condition i became what it is. Frozen is known only after a
// while.
func (q *quality) began(i int) time.Duration {
	if c := &q.conditions[i]; bit(i) != preproc.Frozen || !c.On() {
		return c.Since()
	}
	return q.judge.Unchanged()
}

// pass judges the frame that the images were made of, and gives each its
// verdict.
func (c *camera) pass(m preproc.Measure, arrived, timestamp time.Duration) (v, changed preproc.Verdict) {
	v, changed = c.quality.frame(m, arrived, capture.Monotonic()-timestamp)
	for _, img := range c.images {
		if img != nil {
			img.Verdict = v
		}
	}
	return v, changed
}

// tell logs the conditions that changed, and shows the state.
func (c *camera) tell(changed preproc.Verdict, sequence uint64) {
	if changed == preproc.Good {
		return
	}
	for i := range c.quality.conditions {
		if changed&bit(i) != 0 {
			c.tellCondition(i, sequence)
		}
	}
	s := *c.state.Load()
	c.show(&s)
}

func (c *camera) tellCondition(i int, sequence uint64) {
	e, id, message := c.log.Info(), systemd.MessagePictureGood, "picture is no longer bad"
	if c.quality.lasting&bit(i) != 0 {
		e, id, message = c.log.Warn(), systemd.MessagePictureBad, "picture is bad"
	}
	m := &c.quality.measure
	e.Str("message_id", id).Stringer("verdict", bit(i)).Uint64("frame_seq", sequence).
		Float32("luma_low", m.LumaLow).Float32("luma_mean", m.LumaMean).Float32("luma_high", m.LumaHigh).
		Float32("sharpness", m.Sharpness).Msg(message)
}
