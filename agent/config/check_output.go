package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

func checkOutput(d *decoder, key string, o *Output) {
	s := &o.Spec
	refuse := func(name, found, allowed string) {
		if at := key + "." + name; d.has(at) && !d.rejected(at) {
			d.fault(d.place(at), at, found, allowed)
		}
	}
	if s.Encode == preproc.JPEG {
		if s.DType != preproc.Uint8 {
			refuse("dtype", "found "+s.DType.String(), "allowed with encode: jpeg: uint8")
		}
		if s.Layout != preproc.HWC {
			refuse("layout", "found "+s.Layout.String(), "allowed with encode: jpeg: hwc")
		}
	} else {
		refuse("quality", "given without encode: jpeg", "allowed: only with encode: jpeg")
	}
	if !s.DType.Float() && s.Scale == 0 {
		found, allowed := fmt.Sprintf("given with dtype: %v and no scale", s.DType), "allowed: with dtype: float32 or float16, or with a scale"
		refuse("mean", found, allowed)
		refuse("std", found, allowed)
	}
	checkQuantisation(s, refuse)
	if o.GStreamer != nil {
		checkPicture(d, key+".gst-shm", s)
	}
	if o.Video != nil {
		checkVideo(d, key+".v4l2", o, refuse)
	}
	if o.Pipe != nil {
		checkPipe(d, key+".pipe", o, refuse)
	}
	if s.Tone.Clip == 0 && (s.Tone.Columns != 8 || s.Tone.Rows != 8) {
		refuse("tone.clahe.tiles", "given without clip", "allowed: only beside clip")
	}
	if s.Color == preproc.Gray {
		for name, v := range map[string][3]float32{"mean": s.Mean, "std": s.Std} {
			if v[0] != v[1] || v[0] != v[2] {
				refuse(name, "found three channels", "allowed with color: gray: one number")
			}
		}
	}
}

func checkQuantisation(s *preproc.Spec, refuse func(name, found, allowed string)) {
	const allowed = "allowed: only with dtype: uint8 or int8 of raw outputs"
	switch {
	case s.Encode == preproc.JPEG:
		refuse("scale", "given with encode: jpeg", allowed)
	case s.DType.Float():
		refuse("scale", fmt.Sprintf("given with dtype: %v", s.DType), allowed)
	}
	least, most := s.DType.Range()
	switch {
	case s.Scale == 0 && s.ZeroPoint != 0:
		refuse("zero-point", "given without scale", "allowed: only with scale")
	case s.Scale != 0 && (s.ZeroPoint < least || s.ZeroPoint > most):
		refuse("zero-point", fmt.Sprintf("found %d", s.ZeroPoint), fmt.Sprintf("allowed with dtype: %v: %d to %d", s.DType, least, most))
	}
}

// checkPicture refuses outputs that a kind for programs of video cannot carry.
func checkPicture(d *decoder, key string, s *preproc.Spec) {
	const allowed = "allowed: with dtype: uint8, layout: hwc and no scale, or with encode: jpeg"
	found := ""
	switch {
	case s.Encode == preproc.JPEG:
	case s.DType != preproc.Uint8:
		found = "given with dtype: " + s.DType.String()
	case s.Layout != preproc.HWC:
		found = "given with layout: " + s.Layout.String()
	case s.Scale != 0:
		found = "given with scale"
	}
	if found != "" {
		d.fault(d.place(key), key, found, allowed)
	}
}

func checkVideo(d *decoder, key string, o *Output, refuse func(name, found, allowed string)) {
	checkPicture(d, key, &o.Spec)
	if o.Video.Device == "" && !d.rejected(key) {
		d.fault(d.place(key), key, "no device is named", "allowed: v4l2: {device: /dev/videoN}")
	}
	formats := []capture.PixelFormat{capture.YUYV, capture.RGB3}
	switch {
	case o.Spec.Encode == preproc.JPEG:
		formats = []capture.PixelFormat{capture.MJPG}
	case o.Spec.Color == preproc.BGR:
		formats[1] = capture.BGR3
	case o.Spec.Color == preproc.Gray:
		formats = []capture.PixelFormat{capture.GREY}
	}
	format := cmp.Or(o.Video.Format, formats[0])
	if !slices.Contains(formats, format) {
		refuse("v4l2.format", "found "+format.String(), "allowed with this output: "+strings.Trim(fmt.Sprint(formats), "[]"))
	}
	if format == capture.YUYV && o.Spec.Width%2 != 0 {
		refuse("size", fmt.Sprintf("found %d columns", o.Spec.Width), fmt.Sprintf("allowed with YUYV: an even number; v4l2.format: %v has any", formats[len(formats)-1]))
	}
}

func checkPipe(d *decoder, key string, o *Output, refuse func(name, found, allowed string)) {
	if len(o.Pipe.Command) == 0 && !d.rejected(key) {
		d.fault(d.place(key), key, "no command is named", "allowed: pipe: {command: [PROGRAM, ARGUMENT, ...]}")
	}
	if _, err := o.Pipe.Format.Of(&o.Spec); err != nil {
		refuse("pipe.format", "found "+o.Pipe.Format.String(), "allowed with this output: auto, raw, ndjson; "+err.Error())
	}
	if o.Pipe.Format != stream.NDJSON {
		refuse("pipe.data", "given without format: ndjson", "allowed: only with format: ndjson")
	}
}

func checkPlaces(d *decoder, key string, c *Camera, taken map[string]string) {
	for i := range c.Outputs {
		o := &c.Outputs[i]
		at := key + ".outputs." + o.Spec.Name
		if o.Files != nil {
			claim(d, at+".files.dir", o.Files.Dir, "a directory of its own for each output", taken)
		}
		if o.Video != nil && o.Video.Device != "" {
			claim(d, at+".v4l2.device", o.Video.Device, "a device of its own for each output", taken)
		}
	}
}

func claim(d *decoder, at, path, allowed string, taken map[string]string) {
	if other, ok := taken[path]; ok {
		d.fault(d.place(at), at, fmt.Sprintf("%q is where %s writes", path, other), "allowed: "+allowed)
		return
	}
	taken[path] = at
}
