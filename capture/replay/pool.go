package replay

import "github.com/edge-agent/agent/capture"

// A pool holds the frames of a source that are not on loan.
type pool struct{ free chan *slot }

// A slot is one frame and the memory of its pixels. It is the frame's lender.
type slot struct {
	frame  capture.Frame
	home   *pool
	memory []byte
	// drawn is how far the pattern has got in this memory, see pattern.
	drawn drawn
}

func newPool(slots int) *pool {
	if slots == 0 {
		slots = defaultBuffers
	}
	p := &pool{free: make(chan *slot, slots)}
	for range slots {
		p.free <- &slot{home: p}
	}
	return p
}

// Return makes the memory free for the next frame. It cannot block: there is
// room for each slot of the pool.
func (s *slot) Return(*capture.Frame) { s.home.free <- s }

// bytes is n bytes of the slot's memory, the same as before if they suffice.
func (s *slot) bytes(n int) []byte {
	if cap(s.memory) < n {
		s.memory = make([]byte, n)
	}
	s.memory = s.memory[:n]
	return s.memory
}

// set describes what lies in memory, cut into the planes of format. A plane
// that is not all there makes the frame short.
func (s *slot) set(format capture.Format, data []byte) {
	f := &s.frame
	f.Format, f.Planes, f.Fault = format, [capture.MaxPlanes][]byte{}, capture.FaultNone
	for i := range format.PixelFormat.Layout().Planes {
		n := min(format.Stride[i]*format.Rows(i), len(data))
		if n < format.PlaneBytes(i) {
			f.Fault = capture.FaultShort
		}
		f.Planes[i], data = data[:n:n], data[n:]
	}
}

// setJPEG describes a bitstream.
func (s *slot) setJPEG(width, height int, fault capture.Fault) {
	f := &s.frame
	f.Planes, f.Fault = [capture.MaxPlanes][]byte{s.memory}, fault
	f.Format = capture.Format{PixelFormat: capture.MJPG, Width: width, Height: height, Range: capture.Full}
}
