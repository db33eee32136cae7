//go:build e2e

package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/systemd"
)

// vividLoop loads vivid as one HDMI input and one HDMI output, of which the
// former shows what the latter is given: what an agent writes, it captures.
const vividLoop = "n_devs=1 node_types=0x101 num_inputs=1 input_types=0x3 num_outputs=1 output_types=0x1 multiplanar=1 vid_cap_nr=0 vid_out_nr=10"

// loop is a camera that draws, an output that writes to vivid, and a camera that
// captures what comes out of it, whose pictures the consumer looks at.
const loop = `cameras:
  front:
    device: {pattern: bars}
    mode: {size: 640x360, rate: 5}
    outputs:
      call: {size: 1280x720, fit: stretch, color: %[1]s, ring: {}, v4l2: {device: /dev/video10, format: %[2]s}}
  back:
    device: {path: /dev/video0}
    mode: {format: %[2]s, size: 1280x720}
    controls: {loop_video: 1}
    quality: {frozen-after: off}
    outputs: {model: {size: 640x360, fit: stretch}}
`

func TestV4L2Output(t *testing.T) {
	l := newLab(t)
	l.run("bash", "-c", "modprobe -r vivid && modprobe vivid "+vividLoop)
	for _, c := range [][2]string{{"rgb", "RGB3"}, {"bgr", "BGR3"}, {"rgb", "YUYV"}} {
		l.scenario("v4l2 output, "+c[1]+" through vivid and back", func(l *lab) { throughVivid(l, c[0], c[1]) })
	}
	l.scenario("v4l2 output, through v4l2loopback", throughLoopback)
	l.scenario("v4l2 output, module taken away and back", moduleGone)
}

// throughVivid compares what comes back with what was drawn: colours and number.
func throughVivid(l *lab, color, format string) {
	l.configure(fmt.Sprintf(loop, color, format))
	l.sees("back/model", 4)
	l.stop()
}

// sees looks at the bars of the last of 20 frames. Those before the first picture
// of the loop are noise.
func (l *lab) sees(output string, allowed int) {
	l.Helper()
	s := l.read(output, 20, "-bars", "rgb", "-within", "3m").wait()
	worst := 0
	for i, want := range replay.BarColors() {
		got := s.Bars[i]
		for c, level := range []uint8{want.R, want.G, want.B} {
			worst = max(worst, got[c]-int(level), int(level)-got[c])
		}
	}
	if s.Frames != 20 || worst > allowed {
		l.Errorf("%d frames, bars are %d levels off: %v", s.Frames, worst, s.Bars)
	}
	l.figure("bars at most %d levels off", worst)
}

// throughLoopback is how programs that only know cameras get pictures: the agent
// itself is one, which finds no camera there until the first picture.
func throughLoopback(l *lab) {
	kernel := l.run("uname", "-r")
	module := filepath.Join(bin, "v4l2loopback-"+kernel+".ko")
	if said, err := exec.Command("rig/loopback.sh", kernel, module).CombinedOutput(); err != nil {
		l.Fatalf("%v: %s", err, said)
	}
	l.put(module)
	l.run("insmod", "/share/bin/"+filepath.Base(module), "video_nr=20", "card_label=front", "exclusive_caps=1")
	for _, output := range []string{"color: rgb", "color: bgr, v4l2: {device: /dev/video20, format: BGR3}", "encode: jpeg"} {
		if !strings.Contains(output, "v4l2") {
			output += ", v4l2: {device: /dev/video20}"
		}
		l.configure(fmt.Sprintf(`cameras:
  front:
    device: {pattern: bars}
    mode: {size: 640x360, rate: 5}
    outputs: {call: {size: 640x360, %s}}
  back:
    device: {path: /dev/video20}
    quality: {frozen-after: off}
    outputs: {model: {size: 640x360, fit: stretch}}
`, output))
		l.sees("back/model", 6)
		l.stop()
	}
}

// moduleGone: without the node the other kind of the output goes on, one entry
// tells of it, and with it frames flow again. Nothing was restarted.
func moduleGone(l *lab) {
	l.run("modprobe", "-r", "vivid")
	l.configure(`cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 5}
    outputs: {call: {size: 1280x720, ring: {}, v4l2: {device: /dev/video10}}}
`)
	pid := l.property("MainPID")
	told := func(id string) int { return len(l.journal("_PID="+pid, "MESSAGE_ID="+id)) }
	s := l.read("front/call", 10, "-within", "2m").wait()
	if s.Frames != 10 {
		l.Errorf("%d frames", s.Frames)
	}
	l.await("the entry", 30*time.Second, func() bool { return told(systemd.MessageFilesFailing) == 1 })
	l.run("modprobe", "vivid", "n_devs=1", "node_types=0x100", "num_outputs=1", "output_types=0x1", "multiplanar=1", "vid_out_nr=10")
	took := l.await("the entry that it is over", time.Minute, func() bool { return told(systemd.MessageFilesWritten) == 1 })
	l.figure("written again %.1f s after the module was loaded", took.Seconds())
	// A driver that goes away while it is written to.
	l.run("bash", "-c", "echo vivid.0 > /sys/bus/platform/drivers/vivid/unbind")
	l.await("the entry", 30*time.Second, func() bool { return told(systemd.MessageFilesFailing) == 2 })
	l.run("bash", "-c", "echo vivid.0 > /sys/bus/platform/drivers/vivid/bind")
	l.await("the entry that it is over", time.Minute, func() bool { return told(systemd.MessageFilesWritten) == 2 })
	s = l.read("front/call", 10, "-within", "2m").wait()
	if now := l.property("MainPID"); s.Frames != 10 || now != pid {
		l.Errorf("%d frames; the agent's PID was %s and is %s", s.Frames, pid, now)
	}
	l.stop()
}

// What shmsrc opens is there for the group, in the service's sandbox, and does not
// pile up when the agent is killed.
func TestGStreamerOutput(t *testing.T) {
	l := newLab(t)
	l.scenario("gst-shm, memory and socket", func(l *lab) {
		l.configure(`cameras: {front: {device: {pattern: bars}, outputs: {video: {size: 320x180, gst-shm: {}}}}}
`)
		areas := func() int {
			out := l.run("bash", "-c", "stat -c '%A %U:%G' /dev/shm/edge-agent-front-video-* /run/agent/front/video.gst || true")
			if strings.Count(out, "srw-rw---- edge-agent:edge-agent") != 1 {
				l.Errorf("%s", out)
			}
			return strings.Count(out, "-rw-r----- edge-agent:edge-agent")
		}
		opened := func() bool { return l.run("bash", "-c", "ls /run/agent/front/video.gst || true") != "" }
		l.await("the socket", time.Minute, opened)
		if n := areas(); n != 8 {
			l.Errorf("%d areas of 8 slots", n)
		}
		pid := l.property("MainPID")
		l.run("kill", "-KILL", pid)
		l.replaced(pid)
		l.await("the next agent's areas", time.Minute, func() bool { return opened() && areas() == 8 })
		l.run("systemctl", "stop", "agent")
		if left := l.run("bash", "-c", "ls /dev/shm"); left != "" {
			l.Errorf("left behind: %s", left)
		}
		l.figure("8 areas, 8 after a kill, 0 after a stop")
	})
}
