package web

// Waiting is how many wait for the next image.
func (t *Tap) Waiting() int { return int(t.waiting.Load()) }

// Pictures is how many are kept for the next images.
func (t *Tap) Pictures() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.free)
}

// Fill has as many requests at work as there may be.
func (s *Server) Fill() {
	for range maxRequests {
		s.working <- struct{}{}
	}
}

// OfThisMachine is what the guard asks of a Host.
func OfThisMachine(host string) bool { return ofThisMachine(host) }
