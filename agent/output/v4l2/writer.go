package v4l2

import (
	"errors"
	"time"

	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
)

// run is the goroutine that waits for the driver, until stop.
func (s *Sink) run() {
	defer close(s.done)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		began := time.Now()
		err := s.serve()
		s.end(err)
		if time.Since(began) > lastPause { // it had been well
			pause = firstPause
		}
		select {
		case <-s.stop:
			return
		case <-time.After(pause):
		}
	}
}

// serve opens the node and feeds it, until that fails or the Sink is closed.
func (s *Sink) serve() error {
	c := &s.cfg
	d, err := c.open(c.Device, s.pixels, c.Width, c.Height, c.Rate)
	if err != nil {
		return err
	}
	s.begin()
	return errors.Join(s.feed(d), d.Close())
}

// feed writes each image that waits.
func (s *Sink) feed(d device) error {
	stride := d.Format().Stride[0]
	var made []byte
	if s.cfg.Spec.Encode == preproc.Raw {
		made = make([]byte, stride*s.cfg.Height)
	}
	for {
		select {
		case <-s.stop:
			return nil
		case <-s.ready:
		}
		if !s.take() {
			continue // it was taken before, by way of an older one's signal
		}
		bytes := s.taken.bytes
		if made != nil {
			s.encode(made, stride, bytes, s.cfg.Width, s.cfg.Height)
			bytes = made
		}
		err := d.Write(bytes, writeLimit)
		s.count(err)
		if err != nil && !errors.Is(err, v4l2.ErrFull) {
			return err
		}
	}
}

// take exchanges the frame that was written for the one that waits.
func (s *Sink) take() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waiting == nil {
		return false
	}
	s.taken, s.spare, s.waiting = s.waiting, s.taken, nil
	return true
}

// begin drops an image that waited for a node to come: it is old by now. What
// Err says of the node is over with the first frame that it takes, not before, or
// one that can be opened and not written to would be told of again and again.
func (s *Sink) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.since = true, time.Now()
	if s.waiting != nil {
		s.spare, s.waiting = s.waiting, nil
		s.missed++
	}
}

func (s *Sink) count(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.delivered++
		s.err, s.since = nil, time.Now()
		return
	case !errors.Is(err, v4l2.ErrFull) || time.Since(s.since) > fullAfter:
		s.err = err
	}
	s.missed++
}

func (s *Sink) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open, s.err = false, err
}
