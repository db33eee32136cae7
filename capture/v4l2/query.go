package v4l2

import (
	"errors"
	"fmt"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

// queryCapability asks what the node is.
func queryCapability(d device) (*capability, error) {
	c := new(capability)
	if err := d.ioctl(vidiocQuerycap, unsafe.Pointer(c)); err != nil {
		return nil, explain(err)
	}
	return c, nil
}

// caps are those of this node: capabilities are those of all nodes of the
// device together, which makes UVC's metadata nodes look like cameras.
func (c *capability) caps() uint32 {
	if c.capabilities&capDeviceCaps != 0 {
		return c.deviceCaps
	}
	return c.capabilities
}

// bufType is the buffer type to capture with, 0 when the node is no camera.
func (c *capability) bufType() uint32 {
	caps := c.caps()
	switch {
	case caps&(capVideoM2M|capVideoM2MMplane) != 0 || caps&capStreaming == 0:
		return 0
	case caps&capVideoCapture != 0:
		return bufTypeVideoCapture
	case caps&capVideoCaptureMplane != 0:
		return bufTypeVideoCaptureMplane
	}
	return 0
}

// An offer is a mode with what the driver calls it.
type offer struct {
	capture.Mode
	fourcc   uint32
	interval fract // 0/0 when unknown
}

// enumeration bounds lists that a broken driver never ends.
const enumeration = 1024

// enumerate calls f with 0, 1, 2 and so on until the driver says EINVAL, which
// is how V4L2 ends a list; ENOTTY is a list that the driver does not have.
func enumerate(f func(index uint32) error) error {
	for i := range uint32(enumeration) {
		err := f(i)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTTY) {
			return nil
		}
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

func enumFormats(d device, bufType uint32) ([]fmtdesc, error) {
	var list []fmtdesc
	err := enumerate(func(i uint32) error {
		f := &fmtdesc{index: i, typ: bufType}
		if err := d.ioctl(vidiocEnumFmt, unsafe.Pointer(f)); err != nil {
			return err
		}
		list = append(list, *f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("enumerate formats: %w", err)
	}
	return list, nil
}

// offers lists the modes of one format of the driver. want is listed as well
// where the device has ranges and not lists.
func offers(d device, fourcc uint32, want capture.Request) ([]offer, error) {
	sizes, err := enumSizes(d, fourcc, want)
	if err != nil {
		return nil, err
	}
	var list []offer
	for _, s := range sizes {
		intervals, err := enumIntervals(d, fourcc, s, want)
		if err != nil {
			return nil, err
		}
		for _, iv := range intervals {
			list = append(list, offer{
				capture.Mode{PixelFormat: logical(fourcc), Width: s.width, Height: s.height, Rate: iv.rate()}, fourcc, iv,
			})
		}
	}
	return list, nil
}

type size struct{ width, height int }

// commonSizes and commonRates are what ranges are sampled at.
var (
	commonSizes = []size{
		{320, 240}, {640, 360}, {640, 480}, {800, 600}, {1024, 768}, {1280, 720}, {1280, 960},
		{1600, 1200}, {1920, 1080}, {2560, 1440}, {3840, 2160},
	}
	commonRates = []float64{5, 10, 15, 20, 25, 30, 50, 60, 90, 120}
)

func enumSizes(d device, fourcc uint32, want capture.Request) ([]size, error) {
	var list []size
	err := enumerate(func(i uint32) error {
		e := &frmsizeenum{index: i, pixelformat: fourcc}
		if err := d.ioctl(vidiocEnumFramesizes, unsafe.Pointer(e)); err != nil {
			return err
		}
		if e.typ == frmTypeDiscrete {
			list = append(list, size{int(e.minWidth), int(e.maxWidth)})
			return nil
		}
		list = e.sample(want)
		return unix.EINVAL // a range is the whole list
	})
	if err != nil {
		return nil, fmt.Errorf("enumerate frame sizes: %w", err)
	}
	if list == nil {
		return currentSize(d)
	}
	return list, nil
}

// sample lists sizes of a range: its largest, the wished one, and common ones.
func (e *frmsizeenum) sample(want capture.Request) []size {
	list := []size{{int(e.maxWidth), int(e.maxHeight)}}
	for _, s := range append(slices.Clone(commonSizes), size{want.Width, want.Height}) {
		if within(s.width, e.minWidth, e.maxWidth, e.stepWidth) && within(s.height, e.minHeight, e.maxHeight, e.stepHeight) && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

func within(v int, low, high, step uint32) bool {
	return v >= int(low) && v <= int(high) && (v-int(low))%int(max(step, 1)) == 0
}

// currentSize is the only size known of a driver that lists none.
func currentSize(d device) ([]size, error) {
	for _, typ := range []uint32{bufTypeVideoCapture, bufTypeVideoCaptureMplane} {
		f := &format{typ: typ}
		err := d.ioctl(vidiocGFmt, unsafe.Pointer(f))
		if err == nil {
			// width and height lie first in both members of the union.
			return []size{{int(f.pix().width), int(f.pix().height)}}, nil
		}
		if !errors.Is(err, unix.EINVAL) {
			return nil, fmt.Errorf("get format: %w", explain(err))
		}
	}
	return nil, nil
}

// enumIntervals lists the frame intervals of a size, or one unknown interval.
func enumIntervals(d device, fourcc uint32, s size, want capture.Request) ([]fract, error) {
	var list []fract
	err := enumerate(func(i uint32) error {
		e := &frmivalenum{index: i, pixelformat: fourcc, width: uint32(s.width), height: uint32(s.height)}
		if err := d.ioctl(vidiocEnumFrameintervals, unsafe.Pointer(e)); err != nil {
			return err
		}
		if e.typ == frmTypeDiscrete {
			list = append(list, e.min)
			return nil
		}
		list = e.sample(want)
		return unix.EINVAL
	})
	if err != nil {
		return nil, fmt.Errorf("enumerate frame intervals: %w", err)
	}
	if list == nil {
		list = []fract{{}}
	}
	return list, nil
}

// sample lists intervals of a range: its shortest and longest, the wished one,
// and common ones. Steps are left to the driver, which rounds.
func (e *frmivalenum) sample(want capture.Request) []fract {
	list := []fract{e.min}
	if e.max != e.min {
		list = append(list, e.max)
	}
	for _, rate := range append(slices.Clone(commonRates), want.Rate) {
		iv := intervalOf(rate)
		if rate > e.max.rate() && rate < e.min.rate() && !slices.Contains(list, iv) {
			list = append(list, iv)
		}
	}
	return list
}

// rate is frames per second, 0 for an unknown interval.
func (f fract) rate() float64 {
	if f.numerator == 0 {
		return 0
	}
	return float64(f.denominator) / float64(f.numerator)
}

// intervalOf is the interval of a rate, exact to a thousandth of a frame per
// second, 0/0 for none.
func intervalOf(rate float64) fract {
	if rate <= 0 {
		return fract{}
	}
	if whole := uint32(rate); float64(whole) == rate {
		return fract{1, whole}
	}
	return fract{1000, uint32(rate*1000 + 0.5)}
}
