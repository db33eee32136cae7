package preproc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/native"
	"github.com/edge-agent/agent/preproc/lens"
)

// InProcess is the [Processor] that runs the C++ code in this process: a crash
// there is a crash here. Its first frame, and each one of another format than
// the one before, makes the tables anew.
type InProcess struct {
	view  View
	specs []Spec

	format  capture.Format // that handle was made for, its Interval left out
	lens    lens.Lens      // for that format
	handle  *native.Handle // nil until there was a frame that fits
	drawn   Drawn          // the mark of output 0 by that handle
	shapes  []shape
	planes  [native.MaxPlanes][]byte
	outputs [native.MaxOutputs][]byte
	// bordered has a bit for each output whose border stands.
	bordered uint32
	measure  native.Measure
}

// A shape is what is known of an output once the format is.
type shape struct {
	width, height int
	maxBytes      int
	geometry      Geometry
}

// New makes a processor for what a camera's outputs see and want. It reports
// every fault at once. The specs are copied.
func New(view View, specs []Spec) (*InProcess, error) {
	faults := []error{view.Validate()}
	if len(specs) < 1 || len(specs) > MaxOutputs {
		faults = append(faults, fmt.Errorf("%d outputs; allowed: 1 to %d", len(specs), MaxOutputs))
	}
	for i := range specs {
		if err := specs[i].Validate(); err != nil {
			faults = append(faults, fmt.Errorf("output %q: %w", specs[i].Name, err))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return &InProcess{
		view:   view,
		specs:  append([]Spec(nil), specs...),
		shapes: make([]shape, len(specs)),
	}, nil
}

// Open is [New], for who takes a processor of any kind.
func Open(view View, specs []Spec) (Processor, error) { return New(view, specs) }

// Close frees the native memory. It may be called again.
func (p *InProcess) Close() error {
	if p.handle != nil {
		p.handle.Close()
		p.handle = nil
	}
	return nil
}

// Process fills the images that are not nil. It does not watch ctx once the
// C++ code runs.
func (p *InProcess) Process(ctx context.Context, f *capture.Frame, images []*Image) (Measure, error) {
	if err := ctx.Err(); err != nil {
		return Measure{}, err
	}
	if err := p.plan(f.Format); err != nil {
		return Measure{}, err
	}
	defer p.forget()
	if err := p.take(f, images); err != nil {
		return Measure{}, err
	}
	if err := p.handle.Run(f.Sequence, &p.planes, &p.outputs, p.bordered, &p.measure); err != nil {
		return Measure{}, refusal(err)
	}
	p.describe(f, images)
	return Measure(p.measure), nil
}

// forget lets go of the frame's and the images' memory.
func (p *InProcess) forget() {
	clear(p.planes[:])
	clear(p.outputs[:])
}

// plan makes the handle for frames of format f, unless it stands.
func (p *InProcess) plan(f capture.Format) error {
	f.Interval = time.Duration(0)
	if p.handle != nil && f == p.format {
		return nil
	}
	p.Close()
	if err := CheckSize(f); err != nil {
		return &Error{ReasonGeometry, err.Error()}
	}
	scaled, err := p.view.ScaledLens(f)
	if err != nil {
		return &Error{ReasonGeometry, err.Error()}
	}
	p.lens = scaled
	format, err := nativeFormat(&f)
	if err != nil {
		return err
	}
	outputs := make([]native.Output, len(p.specs))
	for i := range p.specs {
		s := &p.specs[i]
		o, err := nativeOutput(p.view, s, f)
		if err != nil {
			return &Error{ReasonGeometry, err.Error()}
		}
		outputs[i] = o
		g, err := p.view.Geometry(s, f)
		if err != nil {
			return &Error{ReasonGeometry, err.Error()}
		}
		p.shapes[i] = shape{o.Width, o.Height, s.MaxBytes(o.Width, o.Height), g}
	}
	handle, err := native.New(format, outputs)
	if err != nil {
		return refusal(err)
	}
	p.handle, p.format, p.drawn = handle, f, NewDrawn()
	return nil
}

// take lays out the memory of the frame and the images for the call.
func (p *InProcess) take(f *capture.Frame, images []*Image) error {
	if len(images) != len(p.specs) {
		return &Error{ReasonFailed, fmt.Sprintf("%d images for %d outputs", len(images), len(p.specs))}
	}
	copy(p.planes[:], f.Planes[:])
	p.bordered = 0
	for i, img := range images {
		p.outputs[i] = nil
		if img == nil {
			continue
		}
		if cap(img.Data) < p.shapes[i].maxBytes {
			return &Error{ReasonFailed, fmt.Sprintf("output %q has room for %d bytes, needs %d",
				p.specs[i].Name, cap(img.Data), p.shapes[i].maxBytes)}
		}
		p.outputs[i] = img.Data[:0]
		if img.Drawn == p.drawn+Drawn(i) {
			p.bordered |= 1 << i
		}
		img.Drawn = 0 // until it is known that all went well
	}
	return nil
}

// describe says in the images what they show, once their pixels stand.
func (p *InProcess) describe(f *capture.Frame, images []*Image) {
	for i, img := range images {
		if img == nil {
			continue
		}
		img.Spec = &p.specs[i]
		img.Data = p.outputs[i]
		img.Drawn = p.drawn + Drawn(i)
		img.Width, img.Height = p.shapes[i].width, p.shapes[i].height
		img.Geometry, img.Lens = p.shapes[i].geometry, p.lens
		img.CameraWidth, img.CameraHeight = f.Format.Width, f.Format.Height
		img.Sequence, img.Timestamp, img.Dequeued = f.Sequence, f.Timestamp, f.Dequeued
		img.Interval = f.Format.Interval
		img.Verdict = Good
	}
}

var reasons = map[native.Status]Reason{
	native.Failed:      ReasonFailed,
	native.Corrupt:     ReasonCorrupt,
	native.Short:       ReasonShort,
	native.Geometry:    ReasonGeometry,
	native.Unsupported: ReasonUnsupported,
	native.Argument:    ReasonFailed,
}

// refusal is the C++ room's error in this room's words.
func refusal(err error) error {
	var e *native.Error
	if !errors.As(err, &e) {
		return err
	}
	return &Error{reasons[e.Status], e.Detail}
}
