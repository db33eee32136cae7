package gst

import (
	"errors"
	"math/bits"
	"time"
)

// A slot is the memory of one buffer.
type slot struct {
	*area
	id      uint32 // of the area, in the protocol
	offset  int    // of the buffer in its area
	holders int    // clients that have it
	since   time.Duration
	// doomed: a client that was hung up on may still read it.
	doomed bool
}

// slotAlign keeps the offsets of slots apart, and pixels on cache lines.
const slotAlign = 64

func (s *Sink) reserve() error {
	size := s.picture.bytes(s.cfg.MaxBytes) + s.cfg.Slots*slotAlign
	for i := range s.cfg.Slots {
		a, err := s.names.newArea(size, s.cfg.Group)
		if err != nil {
			return err
		}
		s.nextID++
		s.slots = append(s.slots, slot{area: a, id: s.nextID, offset: i * slotAlign})
	}
	s.command = make([]byte, 0, 3*commandSize+len(s.slots[0].name)+2)
	return nil
}

func (s *Sink) closeSlots() (err error) {
	for i := range s.slots {
		err = errors.Join(err, s.slots[i].close(s.names.dir))
	}
	s.slots = nil
	return err
}

func (t *slot) buffer(n int) []byte { return t.data[t.offset:][:n:n] }

// free is the first slot that nobody has, whose memory is thus the likeliest to
// be in a cache, or -1.
func (s *Sink) free() int {
	for i := range s.slots {
		if t := &s.slots[i]; t.holders == 0 && !t.doomed {
			return i
		}
	}
	return -1
}

// send gives slot i to every client that has room for it.
func (s *Sink) send(i, size int) {
	t := &s.slots[i]
	t.since = s.now()
	for _, c := range s.clients {
		switch {
		case c.gone:
			continue
		case bits.OnesCount64(s.heldBeside(c)|1<<i) > s.cfg.hold() || !s.tell(c, i, size):
			s.stats.Missed++
		default:
			c.held |= 1 << i
			t.holders++
			s.stats.Sent++
		}
	}
}

// heldBeside are the slots of c and of the other clients of its process.
func (s *Sink) heldBeside(c *client) uint64 {
	held := c.held
	for _, other := range s.clients {
		if c.process != 0 && other.process == c.process {
			held |= other.held
		}
	}
	return held
}

// makeRoom hangs up on who holds the frame that is held for the longest, if that
// is too long. The loop does the rest.
func (s *Sink) makeRoom() {
	oldest := -1
	for i := range s.slots {
		if t := &s.slots[i]; t.holders > 0 && (oldest < 0 || t.since < s.slots[oldest].since) {
			oldest = i
		}
	}
	if oldest >= 0 && s.now()-s.slots[oldest].since > patience {
		for _, c := range s.clients {
			if c.held&(1<<oldest) != 0 {
				s.stats.HungUp++
				s.letGo(c, true)
				c.hangUp()
			}
		}
	}
	s.loop.Wake()
}

// patience is how long a frame may be held when others need its memory.
const patience = time.Second

// letGo takes back all that c holds. With doom, c may still read it.
func (s *Sink) letGo(c *client, doom bool) {
	for held := c.held; held != 0; held &= held - 1 {
		t := &s.slots[bits.TrailingZeros64(held)]
		t.holders--
		t.doomed = t.doomed || doom
	}
	c.held = 0
}
