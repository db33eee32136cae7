package bench

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

// turn is how long one thing is measured at a time.
const turn = 100 * time.Millisecond

// A scale adds up what one way to treat frames took.
type scale struct {
	frame func(context.Context) (cpu time.Duration, err error)
	cpu   time.Duration
	n     int
	walls []time.Duration // by frame
}

// mean is the CPU time of a frame.
func (s *scale) mean() time.Duration {
	if s.n == 0 {
		return 0
	}
	return s.cpu / time.Duration(s.n)
}

// take treats frames for a turn.
func (s *scale) take(ctx context.Context) error {
	for began := time.Now(); time.Since(began) < turn; {
		before := time.Now()
		cpu, err := s.frame(ctx)
		if err != nil {
			return err
		}
		s.walls = append(s.walls, time.Since(before))
		s.cpu += cpu
		s.n++
	}
	return nil
}

// weights are the scales of one camera.
type weights struct {
	whole   *scale   // with all outputs
	without []*scale // with all but one; none when there is one only
	probes  []*scale // with next to nothing
}

// weigh measures in turns until the time is over, and each thing twice at
// least.
func (s *subject) weigh(ctx context.Context, limit time.Duration, progress func(float64)) (*weights, error) {
	w := &weights{whole: &scale{frame: func(ctx context.Context) (time.Duration, error) { return s.frame(ctx, -1) }}}
	if len(s.outputs) > 1 {
		for i := range s.outputs {
			w.without = append(w.without, &scale{frame: func(ctx context.Context) (time.Duration, error) { return s.frame(ctx, i) }})
		}
	}
	for _, p := range s.probes {
		w.probes = append(w.probes, &scale{frame: func(ctx context.Context) (time.Duration, error) { return p.frame(ctx, -1) }})
	}
	all := slices.Concat([]*scale{w.whole}, w.without, w.probes)
	for _, one := range all { // workers start, tables are made
		if _, err := one.frame(ctx); err != nil {
			return nil, err
		}
	}
	for began, rounds := time.Now(), 0; rounds < 2 || time.Since(began) < limit; rounds++ {
		for _, one := range all {
			progress(min(1, float64(time.Since(began))/float64(limit)))
			if err := one.take(ctx); err != nil {
				return nil, err
			}
		}
	}
	return w, nil
}

// describe puts what was weighed into words of a frame.
func (c *Camera) describe(cfg config.Camera, w *weights) {
	whole := w.whole.mean()
	shared := time.Duration(0)
	for _, p := range w.probes {
		shared = min(max(shared, p.mean()), whole)
	}
	c.FrameMS, c.SharedMS = milliseconds(whole), milliseconds(shared)
	for i, o := range cfg.Outputs {
		add := whole - shared
		if w.without != nil {
			add = whole - w.without[i].mean()
		}
		c.Outputs = append(c.Outputs, Output{Name: o.Spec.Name, AddMS: milliseconds(max(0, add)), Every: o.Every.Seconds()})
	}
	c.Load = c.load()
	walls := w.whole.walls
	slices.Sort(walls)
	c.Measured = len(walls)
	total := time.Duration(0)
	for _, t := range walls {
		total += t
	}
	c.FramesPerSecond = float64(len(walls)) / total.Seconds()
	c.P50MS, c.P99MS = milliseconds(walls[len(walls)/2]), milliseconds(walls[len(walls)*99/100])
}

// load is how many CPUs the camera takes: frames are preprocessed when an
// output is due at all, and outputs that are seldom due cost little.
func (c *Camera) load() float64 {
	always, seldom, due := c.FrameMS, 0.0, 0.0
	for _, o := range c.Outputs {
		if o.Every > 1/c.Rate {
			always -= o.AddMS
			seldom += o.AddMS / o.Every
			due += 1 / o.Every
		}
	}
	rate := c.Rate
	if !slices.ContainsFunc(c.Outputs, func(o Output) bool { return o.Every <= 1/c.Rate }) {
		rate = min(rate, due)
	}
	return (max(0, always)*rate + seldom) / 1000
}

// holds compares what a camera takes with what there is.
func (c *Camera) holds(r *Report) {
	if c.Error != "" || c.Load <= 0 || c.Memory <= 0 {
		return
	}
	h := &c.Holds
	h.ByCPU = int(Headroom * float64(r.CPUs) / c.Load)
	h.ByMemory = int(max(0, Headroom*float64(r.MemoryLimit)-float64(r.AgentMemory)) / float64(c.Memory))
	h.Cameras, h.Binds = h.ByCPU, "cpu"
	if h.ByMemory < h.ByCPU {
		h.Cameras, h.Binds = h.ByMemory, "memory"
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// String is the camera's mode in a line.
func (c *Camera) String() string {
	return fmt.Sprintf("%s %dx%d at %.4g/s", c.Format, c.Width, c.Height, c.Rate)
}
