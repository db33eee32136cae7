package worker

import (
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SlowLimit is how long a frame may take by the clock on the wall, however
// busy the machine is. No deadline can be longer.
const SlowLimit = 2 * time.Second

// A deadline is for the child, not for the machine: where many processes want
// the CPU, a frame of 4 ms was seen to take 200. So a child that is past it and
// has not had that time of CPU is left alone for as long as it waits for the CPU
// or the disk. One that sleeps, is stopped or loops gets no more time.

// cpuTime is how long the child has computed so far.
func (c *child) cpuTime() time.Duration {
	var t unix.Timespec
	// The clock of another process, see clock_getcpuclockid(3).
	if err := unix.ClockGettime(int32(^c.pid<<3|2), &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// CPUTime is how long the child of the moment has computed since its start; 0
// while there is none. Whoever calls Process calls it.
func (p *Processor) CPUTime() time.Duration {
	if p.child == nil {
		return 0
	}
	return p.child.cpuTime()
}

// starved says that the child would go on if it were let: it is runnable, or
// waits for a page.
func (c *child) starved() bool {
	path := "/proc/" + strconv.Itoa(c.pid) + "/task/" + strconv.Itoa(c.thread) + "/stat"
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	var buf [512]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return false
	}
	// "PID (NAME) STATE ..."; the name may have anything in it.
	line := string(buf[:n])
	end := strings.LastIndexByte(line, ')')
	return end >= 0 && len(line) > end+2 && (line[end+2] == 'R' || line[end+2] == 'D')
}

// A patience decides how much longer a child is waited for.
type patience struct {
	limit, most time.Duration // by the child's CPU, and by the clock on the wall
	began       time.Time
	cpu         time.Duration // of the child, then
}

func (c *child) patience(limit, most time.Duration) patience {
	return patience{limit: limit, most: max(limit, most), began: time.Now(), cpu: c.cpuTime()}
}

// left is how long to wait before asking again; 0 is the end of it.
func (p *patience) left(c *child) time.Duration {
	const rounding = 10 * time.Millisecond // of what a loop had of a whole CPU
	const again = 20 * time.Millisecond
	took := time.Since(p.began)
	switch {
	case took < p.limit:
		return p.limit - took
	case took >= p.most, c.cpuTime()-p.cpu >= p.limit-rounding, !c.starved():
		return 0
	}
	return min(again, p.most-took)
}
