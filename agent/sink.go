package agent

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// A sink is where one configured output of a camera goes: its image, the
// memory that the image is written into, and the outputs that take it.
// Only the stage that preprocesses uses it.
type sink struct {
	cfg     config.Output
	open    func(width, height int) ([]output.Output, error)
	tap     *web.Tap // for HTTP and commands
	outputs []output.Output
	opened  atomic.Pointer[[]output.Output] // outputs, for any goroutine
	lender  output.Lender                   // one of outputs, or nil
	// share tells a worker of the lender's memory, forget undoes it; both are
	// nil without a worker.
	share  func(output.Memory)
	forget func(memory []byte)
	buffer []byte // used when nobody lends
	image  preproc.Image
	// drawn is the mark of the border in each memory that images are written
	// into; 0 of the one that is being written.
	drawn   map[*byte]preproc.Drawn
	log     zerolog.Logger
	ailing  []bool        // by output: nothing came of the last images, which was told
	due     time.Duration // of the next image, by the frames' clock
	adopted bool          // its outputs are those of an earlier pipeline
	// paused says that no image is to be made for now; nil unless the output is
	// a preview.
	paused *atomic.Bool
}

// fit makes the outputs ready for a source of the given format: their memory
// depends on its size when the config gives none.
func (s *sink) fit(view preproc.View, format capture.Format) error {
	width, height, err := preproc.OutputSize(view, &s.cfg.Spec, format)
	if err != nil {
		return err
	}
	if s.outputs != nil && width == s.image.Width && height == s.image.Height {
		return nil
	}
	if err := s.close(output.Output.Close); err != nil {
		return err
	}
	outputs, err := s.open(width, height)
	if err != nil {
		return err
	}
	s.outputs, s.ailing = outputs, make([]bool, len(outputs))
	s.opened.Store(&outputs)
	s.lender, s.buffer = nil, nil
	i := slices.IndexFunc(outputs, func(o output.Output) bool { _, ok := o.(output.Lender); return ok })
	if i >= 0 {
		s.lender = outputs[i].(output.Lender)
		if m, ok := s.lender.(output.Sharer); ok && s.share != nil {
			s.share(m.Memory())
		}
	} else {
		s.buffer = make([]byte, s.cfg.Spec.MaxBytes(width, height))
	}
	s.image = preproc.Image{Spec: &s.cfg.Spec, Width: width, Height: height}
	s.drawn = map[*byte]preproc.Drawn{}
	return nil
}

// next is the image to fill from a frame of that time, or nil when it is too
// early for one, or nobody wants it.
func (s *sink) next(timestamp time.Duration) *preproc.Image {
	if s.cfg.Every > 0 && timestamp < s.due || s.paused != nil && s.paused.Load() || s.unwanted() {
		return nil
	}
	return s.blank()
}

// unwanted says that every output waits for somebody to look.
func (s *sink) unwanted() bool {
	return len(s.outputs) > 0 && !slices.ContainsFunc(s.outputs, output.Wanted)
}

// blank is the image that a frame would fill, which need not be published.
func (s *sink) blank() *preproc.Image {
	s.image.Data = s.buffer
	if s.lender != nil {
		s.image.Data = s.lender.Lend()
	}
	s.image.Drawn = 0
	if at := unsafe.SliceData(s.image.Data); at != nil {
		s.image.Drawn, s.drawn[at] = s.drawn[at], 0
	}
	return &s.image
}

// write hands the filled image to every output; one that fails does not keep
// it from the others. It is [output.ErrUnwanted] when none had a use for it: then
// the next image is due as soon.
func (s *sink) write(ctx context.Context) error {
	s.image.Published = capture.Monotonic()
	if at := unsafe.SliceData(s.image.Data); at != nil {
		s.drawn[at] = s.image.Drawn
	}
	var errs []error
	taken := false
	for _, o := range s.outputs {
		switch err := o.Write(ctx, &s.image); err {
		case nil:
			taken = true
		case output.ErrUnwanted:
		default:
			errs = append(errs, err)
		}
	}
	s.tell()
	if !taken && len(errs) == 0 {
		return output.ErrUnwanted
	}
	s.due = nextDue(s.due, s.image.Timestamp, s.cfg.Every)
	if taken {
		return nil
	}
	return errors.Join(errs...)
}

// tell logs when the images that an output took begin to come to nothing, and
// when they no longer do.
func (s *sink) tell() {
	for i, o := range s.outputs {
		a, ok := o.(output.Ailing)
		if !ok {
			continue
		}
		err := a.Err()
		if (err != nil) == s.ailing[i] {
			continue
		}
		if s.ailing[i] = err != nil; s.ailing[i] {
			s.log.Warn().Str("message_id", systemd.MessageFilesFailing).Err(err).Msg("images cannot be written")
		} else {
			s.log.Info().Str("message_id", systemd.MessageFilesWritten).Msg("images are written again")
		}
	}
}

// reports are how its outputs are doing; any goroutine may ask.
func (s *sink) reports() (reports []output.Report) {
	opened := s.opened.Load()
	if opened == nil {
		return nil
	}
	for _, o := range *opened {
		if r, ok := o.(output.Reporter); ok {
			reports = append(reports, r.Report())
		}
	}
	return reports
}

// nextDue keeps to the grid of the interval, so that a frame that came late
// does not shift all that follow; after a gap the grid begins anew.
func nextDue(due, now, every time.Duration) time.Duration {
	if next := due + every; next > now {
		return next
	}
	return now + every
}

func (s *sink) close(end func(output.Output) error) error {
	if m, ok := s.lender.(output.Sharer); ok && s.forget != nil {
		s.forget(m.Memory().Data)
	}
	err := closeAll(s.outputs, end)
	s.outputs, s.lender = nil, nil
	s.opened.Store(nil)
	return err
}

func closeAll(outputs []output.Output, end func(output.Output) error) error {
	var errs []error
	for _, o := range outputs {
		errs = append(errs, end(o))
	}
	return errors.Join(errs...)
}
