package files

import (
	"errors"
	"time"
)

const (
	// silence is how long a disk may take for an image until it counts as hung.
	// A flash card that tidies up takes a second or two.
	silence = 5 * time.Second
	// period is how long images are counted until the disk is judged.
	period = 10 * time.Second
)

var (
	errSlow = errors.New("the disk is slower than images come: half of them or more are not written")
	errHung = errors.New("the disk has not answered for five seconds or longer")
)

// A pace says whether the disk keeps up. It is slow from a period on in which
// half of the images had to be dropped, until one in which none had.
type pace struct {
	asked     time.Time // since when the disk is at an image; zero while it is not
	since     time.Time // when the period began
	all, busy int       // images in it
	slow      bool
}

// offered counts an image, which was dropped if the disk is busy.
func (p *pace) offered(busy bool) {
	now := time.Now()
	if now.Sub(p.since) >= period {
		if p.all > 0 {
			p.slow = 2*p.busy >= p.all || p.slow && p.busy > 0
		}
		p.since, p.all, p.busy = now, 0, 0
	}
	p.all++
	if busy {
		p.busy++
	}
}

func (p *pace) err() error {
	switch {
	case !p.asked.IsZero() && time.Since(p.asked) > silence:
		return errHung
	case p.slow:
		return errSlow
	}
	return nil
}
