package pipe

import (
	"errors"
	"fmt"
	"os"
	"time"
)

// errNewStream: the next image cannot follow those before it.
var errNewStream = errors.New("another size or rate")

// run is the goroutine that waits for the command, until the output is closed.
func (p *Pipe) run() {
	defer close(p.done)
	have := false // an image is at hand
	for have || p.next(nil) {
		err := p.feed()
		if have = errors.Is(err, errNewStream); have {
			continue
		}
		if err == nil || !p.failed(err) {
			break
		}
	}
	p.forget()
}

// next waits for an image, and makes it the one at hand. It is false when there
// is none to come: the output was closed, or the command ended.
func (p *Pipe) next(c *command) bool {
	var ended <-chan struct{}
	if c != nil {
		ended = c.ended
	}
	for {
		select {
		case <-ended: // first: no image for one that is not there
			return false
		default:
		}
		if p.take() {
			return true
		}
		select {
		case <-p.wake:
		case <-ended:
		case <-p.closing:
			return p.take()
		}
	}
}

// feed starts the command and gives it the image at hand and those after it. It
// returns why it had to stop, nil for the output having been closed.
func (p *Pipe) feed() error {
	p.header = p.encoder.AppendHeader(p.header[:0], &p.image)
	c, err := p.start()
	if err != nil {
		p.miss()
		return err
	}
	defer p.let(nil, 0)
	p.let(c.stdin, c.pid())
	began := time.Now()
	if err := p.write(c, p.header); err != nil {
		p.miss()
		return c.fail(err)
	}
	for {
		if err := p.write(c, p.bytes()); err != nil {
			p.miss()
			return c.fail(err)
		}
		p.delivered(time.Since(began) >= p.cfg.limits.settled)
		switch {
		case !p.next(c):
			if c.gone() {
				return c.fail(nil)
			}
			c.finish(p.cfg.limits.ending)
			return nil
		case !p.sameStream():
			c.finish(p.cfg.limits.ending)
			return errNewStream
		}
	}
}

// chunk is how much is written at a time: what a pipe holds. Each must be taken
// within the limit.
const chunk = 64 << 10

func (p *Pipe) write(c *command, b []byte) error {
	for len(b) > 0 {
		n := min(len(b), chunk)
		if err := p.allow(c); err != nil {
			return err
		}
		if _, err := c.stdin.Write(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// allow sets how long the next write may take.
func (p *Pipe) allow(c *command) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return c.stdin.SetWriteDeadline(p.until)
	}
	return c.stdin.SetWriteDeadline(time.Now().Add(p.cfg.limits.stall))
}

// let says which command runs.
func (p *Pipe) let(c *os.File, pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stdin, p.stats.PID = c, pid
}

func (p *Pipe) delivered(settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Delivered++
	if settled {
		p.stats.Err, p.pause = nil, 0
	}
}

func (p *Pipe) miss() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.Missed++
}

// failed notes why the command ended, and waits before the next start. It is
// false when the output was closed meanwhile.
func (p *Pipe) failed(why error) bool {
	l := &p.cfg.limits
	p.mu.Lock()
	p.pause = min(max(2*p.pause, l.first), l.longest)
	p.stats.Ends++
	p.stats.Err = fmt.Errorf("command %s: %w", p.name(), why)
	p.mu.Unlock()
	after := time.NewTimer(p.pause)
	defer after.Stop()
	select {
	case <-after.C:
		return true
	case <-p.closing:
		return false
	}
}

// forget counts what nobody will get.
func (p *Pipe) forget() {
	if p.take() {
		p.miss()
	}
}
