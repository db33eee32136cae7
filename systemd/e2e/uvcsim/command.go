package main

import (
	"bufio"
	"fmt"
	"io"
	"log"
	"strconv"
	"strings"
)

// faults is what the commands have asked for.
type faults struct {
	stall, freeze                         bool
	wedged                                bool
	truncate, corrupt, headerError, epipe int // frames still to be treated so
	slow                                  float64
}

// A fault is what happens to one frame.
type fault struct {
	stall, freeze, truncate, corrupt, headerError, pipe bool
	slow                                                float64
}

func (f *faults) next() fault {
	if f.stall || f.wedged {
		return fault{stall: true}
	}
	take := func(n *int) bool {
		if *n == 0 {
			return false
		}
		*n--
		return true
	}
	return fault{freeze: f.freeze, slow: f.slow, truncate: take(&f.truncate), corrupt: take(&f.corrupt),
		headerError: take(&f.headerError), pipe: take(&f.epipe)}
}

// damage is what loss on the way does to a frame: packets missing from its
// middle, or all from its middle on.
func (f fault) damage(data []byte) []byte {
	if f.corrupt {
		data = append(data[:len(data)/3], data[len(data)*2/3:]...)
	}
	if f.truncate {
		data = data[:len(data)/2]
	}
	return data
}

// obey reads commands, one a line, and ends the process on "unplug":
//
//	stall, go       stop sending frames while the driver waits; go on
//	freeze, thaw    send one and the same picture; go on
//	truncate N      cut the next N frames in the middle
//	corrupt N       lose the middle third of the next N frames
//	err N           set the error bit in the payload headers of the next N frames
//	epipe N         let an URB fail before each of the next N frames
//	slow F          multiply the interval between frames by F
//	wedge           answer nothing about video, and send nothing, until the
//	                device is configured anew
//	unplug          leave
func (c *camera) obey(r io.Reader) {
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if lines.Text() == "unplug" {
			log.Fatal("unplug")
		}
		if err := c.command(lines.Text()); err != nil {
			log.Print("not understood: ", err)
			continue
		}
		log.Print("does: ", lines.Text())
	}
}

func (c *camera) command(line string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	word, argument, _ := strings.Cut(line, " ")
	counts := map[string]*int{"truncate": &c.faults.truncate, "corrupt": &c.faults.corrupt,
		"err": &c.faults.headerError, "epipe": &c.faults.epipe}
	switch word {
	case "stall", "go":
		c.faults.stall = word == "stall"
	case "wedge":
		c.faults.wedged = true
	case "freeze", "thaw":
		c.faults.freeze = word == "freeze"
	case "slow":
		f, err := strconv.ParseFloat(argument, 64)
		if err != nil || f <= 0 {
			return fmt.Errorf("%q: slow wants a factor above 0", line)
		}
		c.faults.slow = f
	default:
		n, err := strconv.Atoi(argument)
		if counts[word] == nil || err != nil {
			return fmt.Errorf("%q", line)
		}
		*counts[word] = n
	}
	c.tell()
	return nil
}

// tell says that a fault began or ended. It needs the lock.
func (c *camera) tell() {
	close(c.changed)
	c.changed = make(chan struct{})
}
