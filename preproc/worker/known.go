package worker

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// knownSequence is the number of the known frame.
const knownSequence = 0

// A Known is a frame of some format, and what becomes of it.
type Known struct {
	format capture.Format
	file   []byte   // of a compressed format
	sums   []uint64 // of the images
}

var seed = maphash.MakeSeed()

// ErrNone: there is no child to be asked.
var ErrNone = errors.New("no worker at the moment")

// Learn makes a known frame of format f and has another process, which ends
// with it, preprocess it. That process has passed the self-test, as each of
// ours, and has seen no other frame. An error may be a [preproc.Error], as for
// every frame of that format. Any goroutine may call it.
func Learn(ctx context.Context, view preproc.View, specs []preproc.Spec, f capture.Format) (*Known, error) {
	f.Interval = 0
	l := f.PixelFormat.Layout()
	if l == nil {
		return nil, &preproc.Error{Reason: preproc.ReasonUnsupported, Detail: fmt.Sprintf("pixel format %s: %s", f.PixelFormat, f.PixelFormat.Unreadable())}
	}
	if err := preproc.CheckSize(f); err != nil {
		return nil, &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
	}
	k := &Known{format: f}
	if l.Compressed() {
		file, err := encodedPicture(ctx, f)
		if err != nil {
			return nil, err
		}
		k.file = file
	}
	var room scratch
	defer room.free()
	images := make([]*preproc.Image, len(specs))
	for i := range specs {
		width, height, err := preproc.OutputSize(view, &specs[i], f)
		if err != nil {
			return nil, &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
		}
		images[i] = &preproc.Image{Data: room.bytes(specs[i].MaxBytes(width, height))[:0]}
	}
	if err := once(ctx, view, specs, k.frame(&room), images); err != nil {
		return nil, err
	}
	for _, img := range images {
		k.sums = append(k.sums, maphash.Bytes(seed, img.Data))
	}
	return k, nil
}

// Of says whether k is a frame of format f.
func (k *Known) Of(f capture.Format) bool {
	f.Interval = 0
	return k.format == f
}

// Verify sends a known frame to the camera's child, on the
// way of every other frame, and into images, all that were learnt, which may be
// followed by nil: the scale at which a JPEG is decoded depends on what is due. A child that makes something else of
// it is replaced, and the error says what. Nothing in the images is to be used.
// The error is [ErrNone] while there were too many children of late.
func (p *Processor) Verify(ctx context.Context, k *Known, images []*preproc.Image) error {
	if p.child == nil && !p.closed {
		if wait, err := p.launch(); err != nil || wait > 0 {
			return ErrNone
		}
	}
	var room scratch
	defer room.free()
	defer p.giveBack()
	if _, err := p.process(ctx, askKnown, k.frame(&room), images); err != nil {
		return fmt.Errorf("known-answer frame: %w", err)
	}
	for i, img := range images {
		if img == nil || maphash.Bytes(seed, img.Data) == k.sums[i] {
			continue
		}
		err := fmt.Errorf("known-answer frame: output %q is not as it should be", p.cfg.Specs[i].Name)
		p.replace(Replacement{Reason: preproc.ReasonFailed, Cause: err.Error()})
		return err
	}
	return nil
}

// giveBack frees what a known frame took, where no other lies.
func (p *Processor) giveBack() {
	if slices.ContainsFunc(p.memories, func(m memory) bool { return m.frames }) && p.memories[0].data != nil {
		_ = unix.Madvise(p.memories[0].data[:p.frame], unix.MADV_REMOVE) // or it stays
	}
}

// once preprocesses one frame in a process of its own.
func once(ctx context.Context, view preproc.View, specs []preproc.Spec, f *capture.Frame, images []*preproc.Image) error {
	p, err := New(Config{Name: "reference", View: view, Specs: specs, Deadline: time.Second})
	if err != nil {
		return err
	}
	_, err = p.Process(ctx, f, images)
	return errors.Join(err, p.Close())
}

// encodedPicture is a known picture of a format's size as a JPEG.
func encodedPicture(ctx context.Context, f capture.Format) ([]byte, error) {
	raw := Known{format: capture.DefaultFormat(capture.RGB3, f.Width, f.Height)}
	raw.format.Stride[0] = 3 * f.Width
	s := preproc.Spec{Encode: preproc.JPEG, Quality: 90}
	var room scratch
	defer room.free()
	img := &preproc.Image{Data: room.bytes(s.MaxBytes(f.Width, f.Height))[:0]}
	if err := once(ctx, preproc.View{}, []preproc.Spec{s}, raw.frame(&room), []*preproc.Image{img}); err != nil {
		return nil, err
	}
	return append([]byte(nil), img.Data...), nil
}

// frame makes the known frame: slopes, and an edge here and there. Raw ones are
// made each time, rather than kept, for their size.
func (k *Known) frame(room *scratch) *capture.Frame {
	f := &capture.Frame{Format: k.format, Sequence: knownSequence}
	if k.file != nil {
		f.Planes[0] = k.file
		return f
	}
	for i := range k.format.PixelFormat.Layout().Planes {
		f.Planes[i] = room.bytes(k.format.PlaneBytes(i))
		stride := max(1, k.format.Stride[i])
		slope := make([]byte, stride)
		for x := range slope {
			slope[x] = byte(x/3 + x/97*31)
		}
		for y := 0; y*stride < len(f.Planes[i]); y++ {
			row := f.Planes[i][y*stride:]
			for x, v := range slope[:min(stride, len(row))] {
				row[x] = v + byte(y*(i+1))
			}
		}
	}
	return f
}
