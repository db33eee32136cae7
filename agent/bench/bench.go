// Package bench measures what preprocessing costs on this device: the cameras
// and outputs of a config, with the processor, the sizes and the shared memory
// that the daemon would have, and says how many such cameras the device holds.
//
// What enters: cameras, and a way to get frames of each. What leaves: a
// [Report]. It publishes nothing: its outputs are rings of its own in a
// directory of its own, and files are not written. It never opens a camera
// itself, and never logs.
//
// Time is CPU time, user and system, of this process and the worker together,
// which on a busy device is what stays the same. What is shared by all outputs
// is measured by itself, with an output of next to nothing that needs the same
// decoding; what an output adds is the difference that it makes to be without
// it. Each is measured in short turns, so that a load that comes and goes
// touches all alike.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/capture"
)

// Options say what to measure.
type Options struct {
	Cameras   []config.Camera
	Isolation config.Isolation
	Limits    config.Limits
	// Duration is for each camera.
	Duration time.Duration
	// Frames gives frames of a camera.
	Frames func(context.Context, config.Camera) (Footage, error)
	// Progress is told what is being done, and how much of it is done, 0 to 1;
	// it may be nil.
	Progress func(what string, done float64)
}

// Footage are frames that a camera has delivered, or would.
type Footage struct {
	Format capture.Format
	// Frames holds the planes of one frame at least, as [capture.Frame] does.
	Frames [][capture.MaxPlanes][]byte
	// Rate is in frames a second, 0 when it is not known.
	Rate float64
	// MadeUp says why the frames are not the camera's own, empty when they are.
	MadeUp string
}

// Add takes a copy of a frame.
func (f *Footage) Add(frame *capture.Frame) {
	var planes [capture.MaxPlanes][]byte
	for i, p := range frame.Planes {
		planes[i] = slices.Clone(p)
	}
	f.Format = frame.Format
	f.Frames = append(f.Frames, planes)
}

// defaultRate is where nobody says how fast a camera is.
const defaultRate = 30

// A Report is what came of it.
type Report struct {
	CPUs int `json:"cpus"`
	// MemoryLimit is what the agent may hold in bytes, and MemoryLimitOf whose
	// limit that is.
	MemoryLimit   int64    `json:"memory_limit"`
	MemoryLimitOf string   `json:"memory_limit_of"`
	AgentMemory   int64    `json:"agent_memory"` // without any camera, in bytes
	Cameras       []Camera `json:"cameras"`
	// Load is what all cameras together take of the CPUs, Memory what they take
	// of the limit, the agent included.
	Load   float64 `json:"load"`
	Memory int64   `json:"memory"`
}

// A Camera is what one camera costs.
type Camera struct {
	Name   string  `json:"name"`
	Format string  `json:"format"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Rate   float64 `json:"rate"` // that the camera is meant to have
	MadeUp string  `json:"made_up,omitempty"`
	Error  string  `json:"error,omitempty"` // why there is nothing more

	// In milliseconds of CPU a frame. Shared is what has to be done however
	// many outputs there are: decoding, measuring the picture, the way to the
	// worker and back.
	FrameMS  float64  `json:"frame_cpu_ms"`
	SharedMS float64  `json:"shared_cpu_ms"`
	Outputs  []Output `json:"outputs"`

	// By the clock on the wall, one frame after the other as fast as it goes.
	FramesPerSecond float64 `json:"frames_per_second"`
	P50MS           float64 `json:"p50_ms"`
	P99MS           float64 `json:"p99_ms"`
	Measured        int     `json:"frames_measured"`

	Memory int64   `json:"memory"` // of its worker and its rings, in bytes
	Load   float64 `json:"load"`   // CPUs that it takes at its rate
	Holds  Holds   `json:"holds"`
}

// An Output is what one output adds to a frame.
type Output struct {
	Name  string  `json:"name"`
	AddMS float64 `json:"add_cpu_ms"`
	// Every is how seldom it is due, in seconds; 0 for each frame.
	Every float64 `json:"every,omitempty"`
}

// Holds is how many cameras of a kind the device has room for.
type Holds struct {
	Cameras  int `json:"cameras"`
	ByCPU    int `json:"by_cpu"`
	ByMemory int `json:"by_memory"`
	// Binds is "cpu" or "memory", whichever is short first.
	Binds string `json:"binds"`
}

// Headroom is the part of the CPUs and of the memory limit that is counted on:
// the rest is for what else runs, for bursts, and because the agent gives up
// previews from there on.
const Headroom = 0.8

// Run measures one camera after the other. A camera that cannot be measured is
// part of the report; the error is of the whole.
func Run(ctx context.Context, o Options) (*Report, error) {
	dir, err := os.MkdirTemp("", "agent-bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	m := health.NewMachine("/proc", "/sys")
	r := &Report{CPUs: runtime.GOMAXPROCS(0)} // which knows of control groups
	if err := r.limits(m, o.Limits); err != nil {
		return nil, err
	}
	if o.Progress == nil {
		o.Progress = func(string, float64) {}
	}
	for _, cfg := range o.Cameras {
		c := Camera{Name: cfg.Name}
		if err := c.measure(ctx, cfg, o, dir, m); err != nil {
			c.Error = err.Error()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c.holds(r)
		r.Cameras = append(r.Cameras, c)
		r.Load += c.Load
		r.Memory += c.Memory
	}
	r.Memory += r.AgentMemory
	return r, nil
}

// limits finds the memory that the agent may have, as its budget does, and what
// it holds already.
func (r *Report) limits(m *health.Machine, l config.Limits) error {
	bounds, err := m.Bounds()
	if err != nil {
		return fmt.Errorf("limits of the device: %w", err)
	}
	r.MemoryLimit, r.MemoryLimitOf = l.Memory, "limits.memory"
	if most := bounds.SafeMemory(); most > 0 && (r.MemoryLimit == 0 || most < r.MemoryLimit) {
		r.MemoryLimit, r.MemoryLimitOf = most, "the machine or control group, less a fifth"
	}
	held, err := m.Process(0)
	r.AgentMemory = held.Private
	return err
}

// measure fills in what a camera costs.
func (c *Camera) measure(ctx context.Context, cfg config.Camera, o Options, dir string, m *health.Machine) error {
	o.Progress(c.Name+": getting frames", 0)
	footage, err := o.Frames(ctx, cfg)
	if err != nil {
		return err
	}
	f := footage.Format
	c.Format, c.Width, c.Height, c.MadeUp = f.PixelFormat.String(), f.Width, f.Height, footage.MadeUp
	c.Rate = cmp.Or(footage.Rate, cfg.Mode.Rate, defaultRate)
	s, err := newSubject(cfg, o.Isolation, footage, dir)
	if err != nil {
		return err
	}
	w, err := s.weigh(ctx, o.Duration, func(done float64) { o.Progress(c.Name, done) })
	if err == nil {
		c.Memory, err = s.memory(m)
	}
	if err == nil {
		c.describe(cfg, w)
	}
	return errors.Join(err, s.close())
}
