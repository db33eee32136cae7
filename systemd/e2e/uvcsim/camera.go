package main

import (
	"fmt"
	"sync"
	"time"
)

type mode struct {
	format, frame int
	interval      time.Duration
}

func (m mode) size() size { return sizes[m.frame-1] }

func (m mode) String() string {
	name := map[int]string{formatMJPG: "MJPG", formatYUYV: "YUYV"}[m.format]
	return fmt.Sprintf("%s %dx%d every %v", name, m.size().width, m.size().height, m.interval)
}

type camera struct {
	serial    string
	committed func() // called when the driver is about to start a stream

	mu         sync.Mutex // guards what follows
	mode       mode
	brightness uint16
	faults     faults
	changed    chan struct{} // closed and made anew when a command has changed something
}

func newCamera(serial string, committed func()) *camera {
	return &camera{serial: serial, committed: committed, brightness: 128, faults: faults{slow: 1},
		mode: nearest(formatMJPG, 1, 0), changed: make(chan struct{})}
}

// next waits for as long as the camera is stalled and says what to do with the next frame.
func (c *camera) next() (mode, fault) {
	for {
		c.mu.Lock()
		m, f, changed := c.mode, c.faults.next(), c.changed
		c.mu.Unlock()
		if !f.stall {
			m.interval = time.Duration(float64(m.interval) * f.slow)
			return m, f
		}
		<-changed
	}
}

// stream sends a frame every interval for as long as the driver wants any.
func (c *camera) stream(l *link) {
	var id byte // bit 0 of the payload header, it toggles with each frame
	number := 0
	due := time.Now()
	for {
		stream := l.current()
		m, f := c.next()
		time.Sleep(time.Until(due))
		if due = due.Add(m.interval); time.Until(due) < 0 { // after a pause or when too slow
			due = time.Now().Add(m.interval)
		}
		if !f.freeze {
			number++
		}
		if f.pipe && !l.transfer(stream, statusPipe, nil) {
			continue
		}
		id ^= 1
		sendFrame(l, stream, f.damage(c.picture(m, number)), id, f.headerError)
	}
}

func (c *camera) picture(m mode, number int) []byte {
	if m.format == formatYUYV {
		return yuyv(m.size(), number)
	}
	return jpeg(m.size(), number)
}

// sendFrame cuts a frame into payloads, each behind a header of its own (UVC
// 1.0, 2.4.3.3), for as long as the stream lasts.
func sendFrame(l *link, stream int, data []byte, id byte, headerError bool) {
	const endOfHeader, errorBit, endOfFrame, headerLength = 0x80, 0x40, 0x02, 2
	buf := make([]byte, maxPayload)
	for last := false; !last; {
		n := copy(buf[headerLength:], data)
		data = data[n:]
		last = len(data) == 0
		buf[0], buf[1] = headerLength, endOfHeader|id
		if headerError {
			buf[1] |= errorBit
		}
		if last {
			buf[1] |= endOfFrame
		}
		if !l.transfer(stream, statusOK, buf[:headerLength+n]) {
			return
		}
	}
}
