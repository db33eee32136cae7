package worker

import (
	"fmt"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A shape is what is known of an output once the format is, by our own
// calculation and not by the child's.
type shape struct {
	width, height int
	maxBytes      int
	exact         bool // maxBytes is the length
	geometry      preproc.Geometry
	room, roomy   int           // where the area has room for it, and how much; 0 for none yet
	drawn         preproc.Drawn // the mark of what is in the room
}

// unplaced is a room that has no place yet, but needs one.
const unplaced = 1

// plan calculates the shapes for frames of format f, unless they stand.
func (p *Processor) plan(f capture.Format) error {
	f.Interval = 0
	if p.planned && f == p.format {
		return nil
	}
	p.planned = false
	if err := preproc.CheckSize(f); err != nil {
		return &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
	}
	var err error
	if p.lens, err = p.cfg.View.ScaledLens(f); err != nil {
		return &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
	}
	for i := range p.cfg.Specs {
		s := &p.cfg.Specs[i]
		width, height, err := preproc.OutputSize(p.cfg.View, s, f)
		if err != nil {
			return &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
		}
		g, err := p.cfg.View.Geometry(s, f)
		if err != nil {
			return &preproc.Error{Reason: preproc.ReasonGeometry, Detail: err.Error()}
		}
		before := p.shapes[i]
		p.shapes[i] = shape{
			width: width, height: height, maxBytes: s.MaxBytes(width, height),
			exact: s.Encode == preproc.Raw, geometry: g,
		}
		if before.roomy >= p.shapes[i].maxBytes {
			p.shapes[i].room, p.shapes[i].roomy = before.room, before.roomy
		}
	}
	p.format, p.planned, p.drawn = f, true, preproc.NewDrawn()
	p.reserve = reserve(f)
	return nil
}

// reserve is the room that the area has for a frame in any case, though all come
// in memory that is shared: a known one does not. Memory that is never written to
// costs nothing.
func reserve(f capture.Format) (bytes int) {
	l := f.PixelFormat.Layout()
	if l == nil || l.Compressed() {
		return pages(max(1<<20, f.Width*f.Height)) // a JPEG of 8 bits a pixel
	}
	for i := range l.Planes {
		bytes += pages(max(0, f.PlaneBytes(i)))
	}
	return bytes
}

// budget is how much writable private memory a child may have for frames of
// format f: what an idle one maps, thread stacks above all, and for each pixel
// what a progressive JPEG takes to decode (6 bytes of coefficients, 3 of
// planes) and an output to encode.
func budget(f capture.Format, shapes []shape) uint64 {
	const idle = 160 << 20
	bytes := 16 * f.Width * f.Height
	for _, s := range shapes {
		bytes += 8 * s.width * s.height
	}
	return uint64(idle + bytes)
}

// lay says where the frame lies, which may be in a copy, and where the images go.
func (p *Processor) lay(f *capture.Frame, images []*preproc.Image) error {
	if len(images) != len(p.shapes) {
		return &preproc.Error{Reason: preproc.ReasonFailed, Detail: fmt.Sprintf("%d images for %d outputs", len(images), len(p.shapes))}
	}
	homeless := false
	p.request.Bordered = 0
	for i, img := range images {
		p.request.Images[i] = place{Memory: notDue}
		if img == nil {
			continue
		}
		s := &p.shapes[i]
		if cap(img.Data) < s.maxBytes {
			return &preproc.Error{Reason: preproc.ReasonFailed, Detail: fmt.Sprintf("output %q has room for %d bytes, needs %d",
				p.cfg.Specs[i].Name, cap(img.Data), s.maxBytes)}
		}
		p.request.Images[i] = p.locate(img.Data, s)
		// Where the image lies in the area, it is copied with its border.
		mark := &img.Drawn
		if p.request.Images[i].Memory == 0 {
			mark = &s.drawn
		}
		if *mark == p.drawn+preproc.Drawn(i) {
			p.request.Bordered |= 1 << i
		}
		img.Drawn, *mark = 0, 0 // until it is known that all went well
		if p.request.Images[i].Memory == 0 && s.room == 0 {
			s.room, homeless = unplaced, true
		}
	}
	need := p.point(f)
	if need > max(p.frame, p.reserve) {
		need *= 2 // frames of that format vary
	}
	need = max(need, p.reserve)
	if homeless || need > p.frame || p.memories[0].data == nil {
		if err := p.rebuild(need); err != nil {
			return &preproc.Error{Reason: preproc.ReasonFailed, Detail: err.Error()}
		}
	}
	p.fill(f)
	return nil
}

// locate finds the memory that an image lies in, or else gives it the area's.
func (p *Processor) locate(data []byte, s *shape) place {
	if m, offset := p.find(data[:0:s.maxBytes]); m > 0 && !p.memories[m].frames {
		return place{int64(m), span{uint64(offset), uint64(s.maxBytes)}}
	}
	return place{0, span{uint64(s.room), uint64(s.maxBytes)}}
}

// find is the memory that b lies in, and where; 0 when it is none that is shared.
func (p *Processor) find(b []byte) (m, offset int) {
	for m := 1; m < len(p.memories); m++ {
		if offset, ok := p.memories[m].find(b); ok {
			return m, offset
		}
	}
	return 0, 0
}

// rebuild makes an area with room for frames of the given size, and for the
// images that need it.
func (p *Processor) rebuild(need int) error {
	p.frame = pages(need)
	size := p.frame + pageSize // offset 0 means none, and is the frame's
	for i := range p.shapes {
		s := &p.shapes[i]
		if s.room == 0 {
			continue
		}
		s.room, s.roomy, s.drawn = size, pages(s.maxBytes), 0
		p.request.Bordered &^= 1 << i
		size += s.roomy
		if p.request.Images[i].Memory == 0 {
			p.request.Images[i].Offset = uint64(s.room)
		}
	}
	area, err := newArea(size)
	if err != nil {
		p.planned, p.frame = false, 0 // the next frame begins anew
		for i := range p.shapes {
			p.shapes[i].room, p.shapes[i].roomy = 0, 0
		}
		return err
	}
	err = p.memories[0].close()
	p.memories[0] = area
	p.version++
	return err
}

// point says where each plane lies: in memory that is shared, or one after the
// other in the area, of which it returns how much they need.
func (p *Processor) point(f *capture.Frame) (need int) {
	for i, plane := range f.Planes {
		n := bytesOf(f, i)
		m, offset := p.find(plane[:n:n])
		if m == 0 {
			offset = need
			need += pages(n)
		}
		p.request.Planes[i] = place{int64(m), span{uint64(offset), uint64(n)}}
	}
	return need
}

// fill describes the frame, and copies the planes that the child cannot reach.
func (p *Processor) fill(f *capture.Frame) {
	r := &p.request
	r.PixelFormat, r.Matrix, r.Range = uint32(f.Format.PixelFormat), uint16(f.Format.Matrix), uint16(f.Format.Range)
	r.Width, r.Height = int64(f.Format.Width), int64(f.Format.Height)
	for i, plane := range f.Planes {
		r.Stride[i] = int64(f.Format.Stride[i])
		if at := &r.Planes[i]; at.Memory == 0 {
			copy(p.memories[0].data[at.Offset:], plane[:at.Length])
		}
	}
}

// bytesOf is how much of plane i carries pixels: drivers add to it.
func bytesOf(f *capture.Frame, i int) int {
	l := f.Format.PixelFormat.Layout()
	if l == nil || l.Compressed() || i >= len(l.Planes) {
		return len(f.Planes[i])
	}
	return min(len(f.Planes[i]), max(0, f.Format.PlaneBytes(i)))
}

// deliver describes the images, once the answer has passed its check.
func (p *Processor) deliver(f *capture.Frame, images []*preproc.Image) {
	for i, img := range images {
		if img == nil {
			continue
		}
		s, at := &p.shapes[i], &p.request.Images[i]
		length := int(p.answer.Lengths[i])
		img.Data = img.Data[:length]
		mark := &img.Drawn
		if at.Memory == 0 {
			copy(img.Data, p.memories[0].data[at.Offset:])
			mark = &s.drawn
		}
		if p.request.Ask == askFrame { // of a known one, another plan drew the border
			*mark = p.drawn + preproc.Drawn(i)
		}
		img.Spec = &p.cfg.Specs[i]
		img.Width, img.Height, img.Geometry, img.Lens = s.width, s.height, s.geometry, p.lens
		img.CameraWidth, img.CameraHeight = f.Format.Width, f.Format.Height
		img.Sequence, img.Timestamp, img.Dequeued = f.Sequence, f.Timestamp, f.Dequeued
		img.Interval = f.Format.Interval
		img.Verdict = preproc.Good
	}
}
