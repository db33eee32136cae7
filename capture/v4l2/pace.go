package v4l2

import (
	"fmt"
	"time"
	"unsafe"
)

// Pace sets another frame interval while the camera streams, and returns what
// the driver made of it. Some drivers do that from the next frame on (vivid,
// the Raspberry Pi's); uvcvideo answers EBUSY (uvc_v4l2_set_streamparm), so that
// it would have to stop, which costs more frames than it is worth.
func (s *stream) Pace(interval time.Duration) (time.Duration, error) {
	p := &streamparm{typ: s.buffers.typ}
	if err := s.device.ioctl(vidiocGParm, unsafe.Pointer(p)); err != nil {
		return 0, fmt.Errorf("pace %s: get interval: %w", s.path, explain(err))
	}
	p.timeperframe = intervalOf(1 / interval.Seconds())
	if err := s.device.ioctl(vidiocSParm, unsafe.Pointer(p)); err != nil {
		return 0, fmt.Errorf("pace %s: set interval: %w", s.path, explain(err))
	}
	rate := p.timeperframe.rate()
	if rate == 0 {
		return 0, fmt.Errorf("pace %s: the driver does not say its interval", s.path)
	}
	return time.Duration(float64(time.Second) / rate), nil
}
