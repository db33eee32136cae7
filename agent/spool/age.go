package spool

import (
	"os"
	"time"
)

// The age of a file is counted by the monotonic clock while the process runs, so
// that a clock on the wall that is set makes no file older or younger. What the
// next run will take for its age is the time of its last modification, by the
// clock on the wall: when that clock has been set, all those times are set as
// well. A device without a clock of its own may write for weeks in 1970 before it
// learns the time; nothing is deleted for that.
const (
	// step is by how much the clock on the wall must have been set.
	step = time.Minute
	// implausible is how long before the start the newest file can have been
	// written, beyond the time for which files are kept. A clock that says so is
	// wrong, or was, and the newest file counts as new.
	implausible = 365 * 24 * time.Hour
)

// A clock is the two of them.
type clock struct {
	base  time.Time // with a monotonic reading
	wall  func() time.Time
	ahead time.Duration // of the monotonic one, the clock on the wall is, since base
}

func newClock() clock {
	return clock{base: time.Now(), wall: func() time.Time { return time.Now().Round(0) }}
}

// now is the monotonic time.
func (c *clock) now() time.Duration { return time.Since(c.base) }

// stepped says whether the clock on the wall was set since it was last asked.
func (c *clock) stepped() bool {
	ahead := c.wall().Sub(c.base.Round(0)) - c.now()
	if (ahead - c.ahead).Abs() < step {
		return false
	}
	c.ahead = ahead
	return true
}

// age gives the kept files their birth, from when they were written. One that
// comes from the future is new, until that clock is set.
func (d *Directory) age(files []found) {
	d.clock.stepped() // they are of the clock as it is now
	now, wall := d.clock.now(), d.clock.wall()
	reference := wall
	if n := len(files); n > 0 && d.cfg.KeepFor > 0 && wall.Sub(files[n-1].modified) > d.cfg.KeepFor+implausible {
		reference = files[n-1].modified
	}
	for i, f := range files {
		age := reference.Sub(f.modified)
		d.kept[i].born, d.kept[i].ahead = now-max(0, age), age < 0
	}
	if reference != wall {
		d.stamp()
	}
}

// stamp writes the age of all files for the next run. Of one that came from the
// future the time of writing stands, when it is in the past now. Where nothing can
// be written, the next file will tell.
func (d *Directory) stamp() {
	now, wall := d.clock.now(), d.clock.wall()
	for i := range d.kept {
		f := &d.kept[i]
		if !f.ahead {
			_ = os.Chtimes(d.at(f.name), time.Time{}, wall.Add(f.born-now))
			continue
		}
		info, err := os.Lstat(d.at(f.name))
		if err != nil {
			continue
		}
		if age := wall.Sub(info.ModTime()); age >= 0 && age <= d.cfg.KeepFor+implausible {
			f.born, f.ahead = min(f.born, now-age), false
		}
	}
}

// Expire deletes the files whose time is over. It says after what time there
// will be more of them, 0 for never; after an error, when to try again.
func (d *Directory) Expire() (next time.Duration, err error) {
	if d.cfg.KeepFor == 0 {
		return 0, nil
	}
	if !d.pause.over() {
		return d.pause.left(), d.pause.err
	}
	err = d.Open()
	if err == nil {
		if d.clock.stepped() {
			d.stamp()
		}
		err = d.expire()
	}
	if err != nil {
		d.pause.start(err)
		return d.pause.left(), err
	}
	if len(d.kept) == 0 {
		return d.cfg.KeepFor, nil
	}
	return d.cfg.KeepFor - (d.clock.now() - d.kept[0].born), nil
}

func (d *Directory) expire() error {
	now := d.clock.now()
	for d.cfg.KeepFor > 0 && len(d.kept) > 0 && now-d.kept[0].born >= d.cfg.KeepFor {
		if err := d.removeFirst(); err != nil {
			return err
		}
	}
	return nil
}
