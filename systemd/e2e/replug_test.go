//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// status waits for words in the service's STATUS.
func (l *lab) status(words string) time.Duration {
	l.Helper()
	return l.await("STATUS with "+words, 30*time.Second, func() bool {
		return strings.Contains(l.property("StatusText"), words)
	})
}

// Pulled and plugged again, the camera is published again by the same process.
func replugUVC(l *lab) {
	c := l.plug("CAM1")
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	pid := l.property("MainPID")
	reader := l.read("front/model", 90, "-within", "2m")
	l.publishes(10)
	c.pull()
	l.figure("waiting %.1f s after the pull", l.status("front: waiting").Seconds())
	c = l.plug("CAM1")
	l.figure("publishing %.1f s after the plug", l.status("front: publishing").Seconds())
	defer c.pull()
	s := reader.wait()
	s.sound(l)
	if now := l.property("MainPID"); now != pid {
		l.Errorf("the agent's PID was %s and is %s", pid, now)
	}
	l.figure("%v", l.stop()["front"])
}

// Two cameras, one of them pulled: the other one loses nothing by it.
func twoUVC(l *lab) {
	c1, c2 := l.plug("CAM1"), l.plug("CAM2")
	defer c2.pull()
	l.configure(`cameras:
  front: {device: {serial: CAM1}, mode: {format: MJPG, size: 320x180, rate: 10}, outputs: {model: {size: 320x180}}}
  back: {device: {serial: CAM2}, mode: {format: MJPG, size: 320x180, rate: 10}, outputs: {model: {size: 320x180}}}
`)
	l.publishes(10)
	back := l.read("back/model", 60, "-numbered", "-bars", "rgb")
	c1.pull()
	l.status("front: waiting")
	s := back.wait()
	s.sound(l)
	s.colours(l)
	accounts := l.stop()
	l.figure("back: %v", accounts["back"])
	if s.Lost > uint64(accounts["back"].dropped["evicted"]+accounts["back"].lost) {
		l.Errorf("the camera that stayed lost %d frames", s.Lost)
	}
}

// The driver unbound and bound again, with the stream running.
func rebindVivid(l *lab) {
	l.configure(vividCamera)
	pid := l.property("MainPID")
	l.publishes(10)
	l.run("bash", "-c", "echo vivid.0 >/sys/bus/platform/drivers/vivid/unbind")
	l.figure("waiting %.1f s after unbind", l.status("front: waiting").Seconds())
	l.run("bash", "-c", "echo vivid.0 >/sys/bus/platform/drivers/vivid/bind")
	l.figure("publishing %.1f s after bind", l.status("front: publishing").Seconds())
	l.publishes(20)
	if now := l.property("MainPID"); now != pid {
		l.Errorf("the agent's PID was %s and is %s", pid, now)
	}
	l.figure("%v", l.stop()["front"])
}

// A camera that stops sending, but stays plugged in.
func stallUVC(l *lab) {
	c := l.plug("CAM1")
	defer c.pull()
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	l.publishes(10)
	c.say("stall")
	l.figure("waiting %.1f s after the stall", l.status("front: waiting").Seconds())
	c.say("go")
	l.figure("publishing %.1f s after it ended", l.status("front: publishing").Seconds())
	l.publishes(20)
	l.figure("%v", l.stop()["front"])
}

// A camera that sends one and the same picture: its frames are published, and
// say so.
func freezeUVC(l *lab) {
	c := l.plug("CAM1")
	defer c.pull()
	l.configure(fmt.Sprintf(uvcCamera, "MJPG"))
	pid := l.property("MainPID")
	l.publishes(10)
	c.say("freeze")
	l.figure("told %.1f s after the freeze", l.status("front: publishing, frozen for ").Seconds())
	if s := l.read("front/model", 10).wait(); s.BadVerdict != s.Frames {
		l.Errorf("%d of %d frames of the frozen camera have a verdict", s.BadVerdict, s.Frames)
	}
	c.say("thaw")
	l.figure("good %.1f s after the thaw", l.await("a good camera", 30*time.Second, func() bool {
		return l.property("StatusText") == "All is well; front: publishing"
	}).Seconds())
	l.publishes(10)
	for _, event := range []string{"picture is bad", "picture is no longer bad"} {
		if n := len(l.journal("_PID="+pid, "EVENT="+event, "VERDICT=frozen")); n != 1 {
			l.Errorf("the journal has %q %d times", event, n)
		}
	}
	l.figure("%v", l.stop()["front"])
}

func TestReplug(t *testing.T) {
	l := newLab(t)
	l.scenario("uvc pulled and plugged", replugUVC)
	l.scenario("uvc, one of two pulled", twoUVC)
	l.scenario("vivid unbound and bound", rebindVivid)
	l.scenario("uvc stalls", stallUVC)
	l.scenario("uvc freezes", freezeUVC)
}
