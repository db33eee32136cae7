package capture

import (
	"errors"
	"time"
)

// Pace asks the device of s for another time between frames while it streams,
// and returns what it agreed to. The goroutine that reads calls it. The error is
// errors.ErrUnsupported where there is no device to ask; a device that cannot do
// so while it streams answers with its own, and goes on as before. It may block
// for as long as the driver does.
func Pace(s Source, interval time.Duration) (time.Duration, error) {
	if p, ok := inner(s).(interface {
		Pace(time.Duration) (time.Duration, error)
	}); ok {
		return p.Pace(interval)
	}
	return 0, errors.ErrUnsupported
}

// inner is the room's own source below that of [OpenDriver].
func inner(s Source) Source {
	if r, ok := s.(*recording); ok {
		return r.Source
	}
	return s
}
