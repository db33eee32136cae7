package spool

import "time"

// After an error the disk is left alone for a while, which doubles up to a
// limit.
const (
	minPause = time.Second
	maxPause = time.Minute
)

// pause is the time after an error.
type pause struct {
	err   error // that began it, nil if there is none
	long  time.Duration
	until time.Time
}

func (p *pause) start(err error) {
	p.err = err
	p.long = min(max(2*p.long, minPause), maxPause)
	p.until = time.Now().Add(p.long)
}

func (p *pause) over() bool { return p.err == nil || !time.Now().Before(p.until) }

func (p *pause) left() time.Duration { return max(0, time.Until(p.until)) }
