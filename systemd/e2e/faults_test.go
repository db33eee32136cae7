//go:build e2e

package e2e

import (
	"fmt"
	"testing"
)

const vividCamera = `cameras:
  front:
    device: {path: /dev/video0}
    mode: {format: YUYV, size: 320x180, rate: 15}
    controls: {timestamp_source: 1}
    outputs: {model: {size: 320x180}}
`

const uvcCamera = `cameras:
  front:
    device: {serial: CAM1}
    mode: {format: %s, size: 320x180, rate: 15}
    outputs: {model: {size: 320x180}}
`

// publishes says that frames arrive now.
func (l *lab) publishes(n int) seen {
	l.Helper()
	s := l.read("front/model", n).wait()
	s.sound(l)
	return s
}

// Buffers that vivid flags, and buffers that it loses.
func injectVivid(l *lab) {
	l.configure(vividCamera)
	l.publishes(5)
	whole := l.read("front/model", 150)
	for range 3 {
		l.run("v4l2-ctl", "-d", "/dev/video0", "-c", "inject_v4l2_buf_flag_error=1")
	}
	l.run("v4l2-ctl", "-d", "/dev/video0", "-c", "percentage_of_dropped_buffers=40")
	s := whole.wait()
	s.sound(l)
	l.run("v4l2-ctl", "-d", "/dev/video0", "-c", "percentage_of_dropped_buffers=0")
	l.publishes(20)
	l.dropsLogged("front", "error-flag")
	a := l.stop()["front"]
	l.figure("%v", a)
	if a.dropped["error-flag"] != 3 {
		l.Errorf("3 flagged buffers, %d counted", a.dropped["error-flag"])
	}
	if a.lost == 0 {
		l.Error("the driver dropped buffers, none counted as kernel lost")
	}
}

// nodrop tells uvcvideo, for cameras plugged from now on, whether to hand on
// frames that it knows to be damaged.
func (l *lab) nodrop(on bool) {
	l.Helper()
	value := map[bool]string{true: "1", false: "0"}[on]
	l.run("bash", "-c", "echo "+value+" >/sys/module/uvcvideo/parameters/nodrop")
}

// Frames that the UVC camera damages; the driver's nodrop says whether it keeps
// those that it knows of to itself.
func damageUVC(nodrop bool) func(*lab) {
	return func(l *lab) {
		l.nodrop(nodrop)
		c := l.plug("CAM1")
		defer c.pull()
		l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
		l.publishes(5)
		for _, fault := range []string{"truncate 3", "corrupt 4", "err 2"} {
			c.say(fault)
			l.publishes(30)
		}
		l.dropsLogged("front", "corrupt")
		a := l.stop()["front"]
		l.figure("%v", a)
		if a.dropped["corrupt"] != 3+4 {
			l.Errorf("3 truncated and 4 holed frames, %d counted as corrupt", a.dropped["corrupt"])
		}
		if flagged := a.dropped["error-flag"]; nodrop && flagged != 2 {
			l.Errorf("2 frames with the error bit, %d counted as error-flag", flagged)
		}
		if !nodrop && a.lost < 2 {
			l.Errorf("2 frames that the driver drops, %d counted as kernel lost", a.lost)
		}
	}
}

// Raw frames that are too short: uvcvideo flags them.
func shortenUVC(l *lab) {
	l.nodrop(true)
	c := l.plug("CAM1")
	defer c.pull()
	l.configure(fmt.Sprintf(uvcCamera, "YUYV"))
	l.publishes(5)
	c.say("truncate 3")
	l.publishes(30)
	a := l.stop()["front"]
	l.figure("%v", a)
	if n := a.dropped["error-flag"] + a.dropped["short"]; n != 3 {
		l.Errorf("3 short frames, %d counted", n)
	}
}

func TestFaults(t *testing.T) {
	l := newLab(t)
	l.scenario("vivid flags and drops buffers", injectVivid)
	l.scenario("uvc damaged, driver drops", damageUVC(false))
	l.scenario("uvc damaged, driver hands on", damageUVC(true))
	l.scenario("uvc short raw frames", shortenUVC)
}
