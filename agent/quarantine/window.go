package quarantine

import "time"

// A source is what may make so many entries an hour.
type source struct{ camera, reason string }

func (e *Entry) source() source { return source{e.Camera, e.Reason} }

// A window holds the times of the entries of one source within the last hour.
type window struct {
	admitted   []time.Time // the oldest first, PerHour at most
	suppressed uint64      // since the last entry that was kept
}

// window is that of a source. The caller holds mu. There are as many as there
// are cameras and reasons.
func (s *Store) window(from source) *window {
	w := s.windows[from]
	if w == nil {
		w = &window{admitted: make([]time.Time, 0, PerHour)}
		s.windows[from] = w
	}
	return w
}

// admit says whether one more is within the bound, and counts it.
func (w *window) admit(now time.Time) bool {
	gone := 0
	for gone < len(w.admitted) && now.Sub(w.admitted[gone]) >= time.Hour {
		gone++
	}
	w.admitted = append(w.admitted[:0], w.admitted[gone:]...)
	if len(w.admitted) == PerHour {
		w.suppressed++
		return false
	}
	w.admitted = append(w.admitted, now)
	return true
}

// refund gives one back that came to nothing.
func (w *window) refund() {
	if n := len(w.admitted); n > 0 {
		w.admitted = w.admitted[:n-1]
	}
}
