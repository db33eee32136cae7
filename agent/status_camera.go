package agent

import (
	"time"

	"github.com/edge-agent/agent/agent/recovery"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// status is the camera now.
func (c *camera) status(b *budget) status.Camera {
	now, state := time.Now(), c.state.Load()
	s := status.Camera{
		Name: c.cfg.Name, Device: c.cfg.Device.String(),
		State: state.Phase.String(), Since: state.Since,
		Format: state.Format, Mode: c.modeOf(state.Fallback).String(), Fallback: state.Fallback, Fallbacks: state.Fallbacks,
		Verdict: state.Verdict.String(), KnownFrame: brief(state.Wrong),
		Throttle: c.throttle.String(), Drift: c.drift.String(),
		Account: c.ledger.Account().status(), Rates: c.meter.rates(&c.ledger),
		Age: c.meter.latency(&c.ledger.total), Queue: c.queue(),
		Worker: c.workerStatus(b), Recoveries: map[string]uint64{}, Verdicts: map[string]uint64{},
		Outputs: c.outputs(),
	}
	if state.Verdict != preproc.Good {
		s.VerdictSince = &state.BadSince
	}
	s.LastCaptured, s.LastPublished = ago(c.ledger.lastCaptured.Load()), ago(c.ledger.lastPublished.Load())
	s.Reason, s.ReasonSince = c.fault(state, now)
	s.Healthy = s.ReasonSince == nil
	if rung := recovery.Rung(c.tried.Load()); state.Phase != Publishing && rung != recovery.Wait {
		s.Remedy = rung.String()
	}
	s.NextTry = c.nextTry.Load()
	for i := range c.ledger.stages {
		h := c.ledger.stages[i].Histogram()
		s.Stages = append(s.Stages, status.Stage{Name: stage(i).String(), Histogram: histogram(&h)})
	}
	for r := range c.ledger.recoveries {
		s.Recoveries[recovery.Rung(r).String()] = c.ledger.recoveries[r].Load()
	}
	for i := range c.quality.counts {
		s.Verdicts[bit(i).String()] = c.quality.counts[i].Load()
	}
	return s
}

// silent is for how long no frame has been published, or was as good as that,
// when that is too long for frames to be fresh, else 0. Where frames are skipped,
// the others come as much later.
func (c *camera) silent() time.Duration {
	limit := c.cfg.StallAfter * time.Duration(min(c.throttle.effective(), slowest))
	if age := capture.Monotonic() - time.Duration(c.fresh.Load()); age > limit {
		return age
	}
	return 0
}

// fault is why the camera does not publish good, fresh frames, and since when;
// without a time it does.
func (c *camera) fault(s *State, now time.Time) (text string, since *time.Time) {
	silent := c.silent()
	switch {
	case s.Phase == Publishing && silent > 0:
		began := now.Add(-silent)
		return status.Silent, &began
	case s.Healthy():
		return "", nil
	case s.Phase != Publishing && s.Err != nil:
		return brief(s.Err), &s.Since
	case s.Phase != Publishing:
		return s.Phase.String(), &s.Since
	case s.Wrong != nil:
		return "not to be trusted: " + brief(s.Wrong), &s.Since
	}
	return "pictures are " + s.Verdict.String(), &s.BadSince
}

func (a Account) status() status.Account {
	s := status.Account{Captured: a.Captured, KernelLost: a.KernelLost, Published: a.Published, InFlight: a.InFlight, Dropped: a.Dropped}
	for _, name := range dropNames {
		if _, ok := s.Dropped[name]; !ok {
			s.Dropped[name] = 0
		}
	}
	return s
}

// ago is how long ago a time of the monotonic clock was, nil for never.
func ago(at int64) *float64 {
	if at == 0 {
		return nil
	}
	return seconds(max(0, capture.Monotonic()-time.Duration(at)))
}

// queue is that of the newest session.
func (c *camera) queue() status.Queue {
	q := status.Queue{Capacity: c.cfg.Queue.Capacity}
	if frames := c.frames.Load(); frames != nil {
		q.Length = frames.Stats().Len
	}
	return q
}

func (c *camera) workerStatus(b *budget) *status.Worker {
	if c.worker == nil {
		return nil
	}
	w := &status.Worker{PID: c.worker.PID(), Replaced: map[string]uint64{}}
	for cause := range c.ledger.replaced {
		w.Replaced[replacementCauses[cause]] = c.ledger.replaced[cause].Load()
	}
	if held, ok := b.use().workers[c.cfg.Name]; ok {
		w.MemoryBytes = held.Private + held.Shared
	}
	w.Leaking = b.leaking(series{"memory", c.cfg.Name})
	return w
}

// outputs are those that are open.
func (c *camera) outputs() []status.Output {
	list := []status.Output{}
	for _, s := range c.sinks {
		for _, r := range s.reports() {
			list = append(list, status.Output{
				Name: s.cfg.Spec.Name, Kind: r.Kind, Address: r.Address, Consumers: r.Consumers,
				Delivered: r.Delivered, Missed: r.Missed, Error: brief(r.Err),
				Paused: s.paused != nil && s.paused.Load(),
			})
		}
	}
	return list
}
