package v4l2

import (
	"slices"
	"strings"
)

// A Kind is what a video node is for. Not every /dev/videoN is a camera.
type Kind string

// The kinds of nodes.
const (
	// KindCamera: pictures come out of it.
	KindCamera Kind = "camera"
	// KindPipeline: pictures come out of it once another program has set up the sensor,
	// and what lies between, through the media controller, as libcamera does.
	KindPipeline Kind = "pipeline"
	// KindISP: it belongs to an image signal processor, which makes pictures of raw
	// ones that a program hands to it.
	KindISP Kind = "isp"
	// KindCodec: it makes data of data, from memory to memory: codecs, scalers.
	KindCodec Kind = "codec"
	// KindMetadata: data about pictures come out of it; each UVC camera has one.
	KindMetadata Kind = "metadata"
	// KindOutput: pictures go into it.
	KindOutput Kind = "output"
	// KindOther: none of these, or it cannot be asked.
	KindOther Kind = "other"
)

// Capabilities by which kinds are told apart, as in videodev2.h.
const (
	capVideoOutputMplane = 0x00002000
	capMetaCapture       = 0x00800000
	capMetaOutput        = 0x08000000
	capIOMC              = 0x20000000
)

// isps are drivers whose nodes are those of an image signal processor. Their capture
// nodes have the capabilities of cameras.
var isps = []string{"bcm2835-isp", "pispbe", "rkisp1", "rkisp", "ipu3-imgu", "mali-c55"}

// receivers are drivers that hand on what a sensor on CSI sends, once somebody has
// set up all that lies between. By now the kernel says so itself (V4L2_CAP_IO_MC); these are
// older than that, or can do both.
var receivers = []string{"rp1-cfe", "ipu3-cio2", "isys", "qcom-camss", "imx7-csi", "sun6i-csi"}

// kind tells by its driver and its own capabilities what a node is.
func (c *capability) kind() Kind {
	caps, driver := c.caps(), text(c.driver[:])
	switch {
	case caps&(capVideoM2M|capVideoM2MMplane) != 0:
		return KindCodec
	case slices.Contains(isps, driver):
		return KindISP
	case c.bufType() != 0 && (caps&capIOMC != 0 || slices.Contains(receivers, driver)):
		return KindPipeline
	case c.bufType() != 0:
		return KindCamera
	case caps&(capMetaCapture|capMetaOutput) != 0:
		return KindMetadata
	case caps&(capVideoOutput|capVideoOutputMplane) != 0:
		return KindOutput
	}
	return KindOther
}

// kindByName guesses the kind of a node that cannot be asked by what sysfs says of it:
// UVC puts metadata second.
func kindByName(name string, index int) Kind {
	is := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
	switch {
	case is("bcm2835-codec"), is("rpivid"), is("rpi-hevc-dec"):
		return KindCodec
	case slices.ContainsFunc(isps, is):
		return KindISP
	case slices.ContainsFunc(receivers, is):
		return KindPipeline
	case index == 0:
		return KindCamera
	}
	return KindOther
}
