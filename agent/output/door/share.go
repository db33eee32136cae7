package door

import "time"

// atOnce is how long consumers may be let in without a pause: some hundred, as
// after a restart of the agent.
const atOnce = 20 * time.Millisecond

// A Share is the part of one CPU that may be spent on who comes. What is not taken
// is saved, up to atOnce. The zero time is long ago. One goroutine uses it.
type Share struct {
	Part  float64
	saved time.Duration
	at    time.Duration
}

// Spend takes what was just spent, now being after it, and gives the pause after
// which something is saved again, 0 for none. A pause is not shorter than it takes
// to save a tenth of what may be spent at once: many short ones would cost more than
// they save.
func (s *Share) Spend(now, took time.Duration) (pause time.Duration) {
	if gained := time.Duration(float64(now-s.at) * s.Part); s.at == 0 || gained > atOnce-s.saved {
		s.saved = atOnce
	} else {
		s.saved += gained
	}
	s.at = now
	// By the clock on the wall: of what took longer, the process had to wait.
	if s.saved -= min(took, atOnce); s.saved > 0 {
		return 0
	}
	return time.Duration(float64(atOnce/10-s.saved) / s.Part)
}
