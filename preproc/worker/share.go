package worker

import (
	"encoding/json"
	"slices"

	"github.com/edge-agent/agent/capture"
)

// A child is told of all memory before its first frame, and never again: it has
// the descriptors for no longer than it takes to map them, and when a frame
// takes it over there is nothing left to be had. Where memory changes, which is
// when the camera is opened and when a compressed frame is larger than any
// before, another child takes its place.

// Share tells of memory in which images will lie; they are then written in place
// by the child. It stays the caller's and must stand until Forget.
func (p *Processor) Share(m Memory) {
	p.share(memory{fd: m.FD, data: m.Data, windows: windows{m.First, m.Step, m.Length}})
}

// Forget undoes Share, of the memory that data lies in.
func (p *Processor) Forget(data []byte) {
	p.forget(func(m memory) bool {
		_, found := m.find(data)
		return found
	})
}

// ShareFrames tells of all memory in which frames will lie; the child then reads
// them in place, and they are not copied. It stays the source's and must stand
// until ForgetFrames.
func (p *Processor) ShareFrames(memories []capture.Memory) {
	if len(p.memories)+len(memories) > maxMemories {
		return
	}
	for _, m := range memories {
		p.share(memory{fd: m.FD, data: m.Data, frames: true})
	}
}

// ForgetFrames undoes ShareFrames. When it returns, nobody maps that memory: a
// driver may have to take it from a scarce stock for the next stream.
func (p *Processor) ForgetFrames() {
	p.forget(func(m memory) bool { return m.frames })
	_ = p.refresh() // the next frame tries again, and tells
}

func (p *Processor) share(m memory) {
	p.memories = append(p.memories, m)
	p.version++
}

func (p *Processor) forget(which func(memory) bool) {
	before := len(p.memories)
	if p.memories = slices.DeleteFunc(p.memories, which); len(p.memories) != before {
		p.version++
	}
}

// refresh puts a child in the place of one that was told of other memory.
func (p *Processor) refresh() error {
	if p.child == nil || p.child.knows == 0 || p.child.knows == p.version {
		return nil
	}
	p.child.end()
	p.child = nil
	return p.spawn()
}

// hand gives the child the request, and before it what it does not know yet.
func (p *Processor) hand() error {
	if p.child.knows == 0 {
		if err := p.introduce(); err != nil {
			return err
		}
		p.child.knows = p.version
	}
	if err := p.limit(); err != nil {
		return err
	}
	return p.child.send(memoryOf(&p.request))
}

// introduce tells the child of the outputs and of every memory.
func (p *Processor) introduce() error {
	s := setup{View: p.cfg.View, Specs: p.cfg.Specs}
	var descriptors []int
	for _, m := range p.memories {
		s.Memories = append(s.Memories, told{len(m.data), m.frames, m.windows})
		descriptors = append(descriptors, m.fd)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	announcement := request{Ask: askMemory}
	if err := p.child.send(memoryOf(&announcement)); err != nil {
		return err
	}
	return p.child.send(text, descriptors...)
}

// limit sets the memory budget, if it is another one for this format.
func (p *Processor) limit() error {
	bytes := budget(p.format, p.shapes)
	if !limited || p.child.allowed == bytes {
		return nil
	}
	p.child.allowed = bytes
	return p.child.allow(bytes)
}
