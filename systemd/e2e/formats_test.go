//go:build e2e

package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// Frames that each format is read for: 300, and 100 in the short form.
const frames, framesShort = 300, 100

// uvcFormat: n frames of the UVC camera pass through uvcvideo and the agent to a consumer.
func uvcFormat(format, size string, rate, n int) func(*lab) {
	return func(l *lab) {
		c := l.plug("CAM1")
		defer c.pull()
		l.configure(fmt.Sprintf(`cameras:
  front:
    device: {serial: CAM1}
    mode: {format: %s, size: %s, rate: %d}
    outputs: {model: {size: 320x180, fit: stretch}}
`, format, size, rate))
		reader := l.read("front/model", n, "-numbered", "-bars", "rgb", "-within", "3m")
		inPlace(l)
		s := reader.wait()
		complete(l, s, l.stop()["front"], n)
	}
}

// vividFormat: the same of vivid, on its single-planar or its multi-planar
// node. Its time stamps are those of the start of exposure, because those of the
// end of frame lie ahead of the frame's delivery, and the agent bounds them. Its
// bars without the text and without noise are what a frozen camera shows.
func vividFormat(format, node, bars string, n int) func(*lab) {
	return func(l *lab) {
		l.configure(fmt.Sprintf(`cameras:
  front:
    device: {path: %s}
    mode: {format: %s, size: 320x180, rate: 15}
    controls: {test_pattern: 0, osd_text_mode: 2, timestamp_source: 1}
    quality: {frozen-after: off}
    outputs: {model: {size: 320x180, fit: stretch}}
`, node, format))
		reader := l.read("front/model", n, "-bars", bars, "-within", "3m")
		inPlace(l)
		s := reader.wait()
		complete(l, s, l.stop()["front"], n)
	}
}

// inPlace checks that the worker reads frames where the driver has them: it has
// mapped its buffers, and cannot write to them.
func inPlace(l *lab) {
	l.Helper()
	l.publishes(1)
	maps := l.run("bash", "-c", "cat /proc/$(pgrep -nxf 'agent worker front')/maps")
	n := 0
	for line := range strings.Lines(maps) {
		if strings.Contains(line, "/dmabuf:") {
			if n++; !strings.Contains(line, " r--s ") {
				l.Errorf("the worker has mapped %s", line)
			}
		}
	}
	if n < 2 {
		l.Errorf("the worker has mapped %d of the driver's buffers:\n%s", n, maps)
	}
}

// complete checks a run without faults: every frame that the driver made is
// accounted for, and what the consumer missed is among the drops.
func complete(l *lab, s seen, a account, n int) {
	l.Helper()
	l.figure("%d frames every %.1f ms, age %.0f ms", s.Frames, s.IntervalMS, s.AgeP50MS)
	s.sound(l)
	s.colours(l)
	if a.published < n {
		l.Errorf("the consumer had %d frames, the agent published %d", n, a.published)
	}
	named := a.lost
	for _, k := range a.dropped {
		named += k
	}
	if int(s.Lost) > named {
		l.Errorf("the sequence has gaps of %d, the account names %d", s.Lost, named)
	}
	l.figure("%v", a)
}

func TestFormatsOfUVC(t *testing.T) {
	l := newLab(t)
	l.scenario("uvc MJPG 1280x720", uvcFormat("MJPG", "1280x720", 15, frames))
	l.scenario("uvc YUYV 640x360", uvcFormat("YUYV", "640x360", 10, frames))
}

func TestFormatsOfVivid(t *testing.T) {
	l := newLab(t)
	for _, format := range []string{"YUYV", "NV12", "RGB3", "BGR3", "UYVY"} {
		l.scenario("vivid "+format, vividFormat(format, "/dev/video0", "rgb", frames))
	}
	l.scenario("vivid GREY", vividFormat("GREY", "/dev/video0", "gray", frames))
	l.scenario("vivid NV12 multi-planar", vividFormat("NV12", "/dev/video1", "rgb", frames))
}

// The short form: one guest, the main ways.
func TestShortForm(t *testing.T) {
	l := newLab(t)
	l.scenario("uvc MJPG 1280x720", uvcFormat("MJPG", "1280x720", 15, framesShort))
	l.scenario("vivid YUYV", vividFormat("YUYV", "/dev/video0", "rgb", framesShort))
	l.scenario("uvc pulled and plugged", replugUVC)
}
