package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/health"
	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/worker"
)

// A subject is a camera's preprocessor with all that surrounds it in the
// daemon: the worker, the rings, and frames in memory that both share.
type subject struct {
	proc    preproc.Processor
	worker  *worker.Processor // proc, where it is one
	footage *reel
	outputs []*recipient
	images  []*preproc.Image
	next    int
	probes  []*subject // that share the footage

	shared int64 // bytes of the rings
	before int64 // private memory of this process, before there was a processor
}

// A recipient is where images of one output go.
type recipient struct {
	ring   *ring.Ring // nil for an output without one
	buffer []byte
	image  preproc.Image
}

func newSubject(cfg config.Camera, isolation config.Isolation, f Footage, dir string) (*subject, error) {
	s := &subject{}
	var err error
	if s.footage, err = newReel(f); err != nil {
		return nil, err
	}
	if held, err := health.NewMachine("/proc", "/sys").Process(0); err == nil {
		s.before = held.Private
	}
	if err := s.open(cfg, isolation, filepath.Join(dir, cfg.Name)); err != nil {
		return nil, errors.Join(err, s.close())
	}
	for i, spec := range probesOf(cfg, f.Format) {
		p := &subject{footage: s.footage}
		one := cfg
		one.Outputs = []config.Output{{Spec: spec}}
		if err := p.open(one, isolation, filepath.Join(dir, fmt.Sprint(cfg.Name, ".", i))); err != nil {
			return nil, errors.Join(err, p.close(), s.close())
		}
		s.probes = append(s.probes, p)
	}
	return s, nil
}

// open makes the processor and the outputs.
func (s *subject) open(cfg config.Camera, isolation config.Isolation, dir string) (err error) {
	specs := cfg.Specs()
	if isolation == config.None {
		s.proc, err = preproc.New(cfg.View, specs)
	} else {
		s.worker, err = worker.New(worker.Config{Name: cfg.Name, View: cfg.View, Specs: specs, Deadline: worker.SlowLimit})
		s.proc = s.worker
	}
	if err != nil {
		s.proc, s.worker = nil, nil
		return err
	}
	for i := range cfg.Outputs {
		if err := s.receive(&cfg, i, dir); err != nil {
			return fmt.Errorf("output %s: %w", specs[i].Name, err)
		}
	}
	s.images = make([]*preproc.Image, len(s.outputs))
	if s.worker != nil {
		s.worker.ShareFrames([]capture.Memory{s.footage.memory()})
	}
	return nil
}

// receive makes what takes the images of output i.
func (s *subject) receive(cfg *config.Camera, i int, dir string) error {
	o := &cfg.Outputs[i]
	width, height, err := preproc.OutputSize(cfg.View, &o.Spec, s.footage.format)
	if err != nil {
		return err
	}
	r := &recipient{image: preproc.Image{Spec: &o.Spec, Width: width, Height: height}}
	if o.Ring == nil {
		r.buffer = make([]byte, o.Spec.MaxBytes(width, height))
		s.outputs = append(s.outputs, r)
		return nil
	}
	r.ring, err = ring.New(ring.Config{
		Socket: filepath.Join(dir, o.Spec.Name+".sock"), Slots: o.Ring.Slots,
		Camera: cfg.Name, Spec: o.Spec, Width: width, Height: height,
	})
	if err != nil {
		return err
	}
	s.outputs = append(s.outputs, r)
	m := r.ring.Memory()
	s.shared += int64(len(m.Data))
	if s.worker != nil {
		s.worker.Share(worker.Memory(m))
	}
	return nil
}

// frame preprocesses the next frame to all outputs but one, -1 for none, and
// publishes it. cpu is what that took here and in the worker.
func (s *subject) frame(ctx context.Context, but int) (cpu time.Duration, err error) {
	before := s.cpuTime()
	f := s.footage.frame(s.next)
	s.next++
	for i, r := range s.outputs {
		s.images[i] = nil
		if i == but {
			continue
		}
		if r.image.Data = r.buffer; r.ring != nil {
			r.image.Data = r.ring.Lend()
		}
		s.images[i] = &r.image
	}
	if _, err := s.proc.Process(ctx, f, s.images); err != nil {
		return 0, err
	}
	for i, r := range s.outputs {
		if i == but || r.ring == nil {
			continue
		}
		if err := r.ring.Write(ctx, &r.image); err != nil {
			return 0, err
		}
	}
	return s.cpuTime() - before, nil
}

// cpuTime is that of this process and of the worker.
func (s *subject) cpuTime() time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		return 0 // cannot fail
	}
	total := time.Duration(use.Utime.Nano() + use.Stime.Nano())
	if s.worker != nil {
		total += s.worker.CPUTime()
	}
	return total
}

// memory is what the camera adds to what the agent holds: its rings, in full,
// and its worker.
func (s *subject) memory(m *health.Machine) (int64, error) {
	pid := 0
	if s.worker != nil {
		pid = s.worker.PID()
	}
	held, err := m.Process(pid)
	if err != nil {
		return 0, err
	}
	if pid == 0 {
		held.Private = max(0, held.Private-s.before)
	}
	return held.Private + s.shared, nil
}

func (s *subject) close() error {
	var errs []error
	for _, p := range s.probes {
		errs = append(errs, p.shut())
	}
	return errors.Join(append(errs, s.shut(), s.footage.close())...)
}

// shut undoes open.
func (s *subject) shut() error {
	var errs []error
	if s.proc != nil {
		errs = append(errs, s.proc.Close())
	}
	for _, r := range s.outputs {
		if r.ring != nil {
			errs = append(errs, r.ring.Close())
		}
	}
	return errors.Join(errs...)
}

// probesOf are outputs that cost next to nothing and need the frame decoded as
// the camera's own do: as fine as the widest of them, or as the highest.
func probesOf(cfg config.Camera, f capture.Format) []preproc.Spec {
	width, height, color := 1, 1, preproc.Gray
	for i := range cfg.Outputs {
		if cfg.Outputs[i].Spec.Color != preproc.Gray {
			color = preproc.RGB // or chroma need not be decoded
		}
		w, h, err := preproc.OutputSize(cfg.View, &cfg.Outputs[i].Spec, f)
		if err == nil {
			width, height = max(width, w), max(height, h)
		}
	}
	line := preproc.Spec{Name: "probe", Fit: preproc.Stretch, Filter: preproc.Linear, Color: color, Width: width, Height: 1}
	column := line
	column.Width, column.Height = 1, height
	return []preproc.Spec{line, column}
}
