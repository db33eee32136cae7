package v4l2

import (
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// What `v4l2-ctl --info` shows of nodes on devices: the driver, the name in sysfs,
// "Capabilities" and "Device Caps". Those of unicam (5.10), bcm2835-codec and the Jetson
// (L4T 5.10) are their users' reports; the others are put together from the capabilities
// that the drivers are documented to have.
var nodesOfDevices = []struct {
	driver, name     string
	caps, deviceCaps uint32
	want             Kind
}{
	{"uvcvideo", "HD Pro Webcam C920", 0x84a00001, 0x04200001, KindCamera},
	{"uvcvideo", "HD Pro Webcam C920", 0x84a00001, 0x04a00000, KindMetadata},
	{"vivid", "vivid-000-vid-out", 0xa4a50043, 0x05200002, KindOutput},
	{"tegra-video", "vi-output, imx219 10-0010", 0x84200001, 0x04200001, KindCamera},
	{"unicam", "unicam-image", 0x85a00001, 0x05200001, KindCamera},      // 5.10: the sensor is its own
	{"unicam", "unicam-image", 0xa5a00001, 0x25200001, KindPipeline},    // 6.1: with the media controller
	{"unicam", "unicam-embedded", 0xa5a00001, 0x24a00000, KindMetadata}, // what the sensor says of its frames
	{"rp1-cfe", "rp1-cfe-csi2_ch0", 0xaca00001, 0x24a00001, KindPipeline},
	{"pispbe", "pispbe-output0", 0xac203003, 0x24201000, KindISP},
	{"bcm2835-codec", "bcm2835-codec-decode", 0x84204000, 0x04204000, KindCodec},
	{"bcm2835-isp", "bcm2835-isp-output0", 0x84200002, 0x04200002, KindISP},
	{"bcm2835-isp", "bcm2835-isp-capture0", 0x84200001, 0x04200001, KindISP},
	{"bcm2835-isp", "bcm2835-isp-stats2", 0x84a00000, 0x04a00000, KindISP},
	{"rpivid", "rpivid", 0x84204000, 0x04204000, KindCodec},
	{"v4l2 loopback", "Dummy", 0x85208003, 0x85200002, KindOutput}, // exclusive_caps=1, nobody writes
	{"v4l2 loopback", "Dummy", 0x85208003, 0x85200001, KindCamera}, // and somebody does
	{"tuner", "a radio", 0x84010000, 0x04010000, KindOther},
}

func TestNodesOfDevicesAreToldApart(t *testing.T) {
	for _, n := range nodesOfDevices {
		c := &capability{capabilities: n.caps, deviceCaps: n.deviceCaps}
		copy(c.driver[:], n.driver)
		if got := c.kind(); got != n.want {
			t.Errorf("%s of %s is taken for %s, want %s", n.name, n.driver, got, n.want)
		}
	}
}

func TestTheKindOfANodeThatCannotBeAskedIsGuessed(t *testing.T) {
	for _, n := range []struct {
		name  string
		index int
		want  Kind
	}{
		{"HD Pro Webcam C920", 0, KindCamera},
		{"HD Pro Webcam C920", 1, KindOther},
		{"bcm2835-codec-encode", 0, KindCodec},
		{"bcm2835-isp-capture0", 1, KindISP},
		{"rp1-cfe-csi2_ch0", 0, KindPipeline},
	} {
		if got := kindByName(n.name, n.index); got != n.want {
			t.Errorf("%s, number %d: %s, want %s", n.name, n.index, got, n.want)
		}
	}
}

// To ask whether a camera is busy takes no buffer from it.
func TestBusyIsWhoseBuffersAreAnothers(t *testing.T) {
	k := newKernel(t, capture.YUYV)
	if busy, err := k.host().busy("/dev/video0"); busy || err != nil {
		t.Errorf("a camera at rest: %v, %v", busy, err)
	}
	if k.requested != 0 || !k.closed {
		t.Errorf("%d buffers asked for, closed: %v", k.requested, k.closed)
	}
	for errno, want := range map[unix.Errno]bool{unix.EBUSY: true, unix.EIO: false} {
		k := newKernel(t, capture.YUYV)
		k.always[vidiocReqbufs] = errno
		if busy, err := k.host().busy("/dev/video0"); busy != want || (err == nil) != want {
			t.Errorf("%v: %v, %v", errno, busy, err)
		}
	}
}

// Who lists nodes hears of each before it is opened, which may hang.
func TestNodesAreToldBeforeTheyAreAsked(t *testing.T) {
	var told []string
	list, err := twoWebcams(t).describeAll(func(path string) { told = append(told, filepath.Base(path)) })
	if err != nil || len(list) != 5 || strings.Join(told, " ") != "video0 video1 video2 video10 video11" {
		t.Errorf("%d nodes, told of %v, %v", len(list), told, err)
	}
}
