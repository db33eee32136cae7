package config

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// check finds what is wrong between keys, sets the defaults that depend on
// other keys, and warns.
func check(d *decoder, c *Config) {
	devices := map[string]string{}
	directories := map[string]string{}
	for i := range c.Cameras {
		cam := &c.Cameras[i]
		key := "cameras." + cam.Name
		checkDevice(d, key, &cam.Device, devices)
		checkReplay(d, key, &cam.Device)
		checkQueue(d, key, cam)
		checkFallback(d, key, cam)
		checkUndistort(d, key, cam)
		checkView(d, key, cam)
		for j := range cam.Outputs {
			out := &cam.Outputs[j]
			checkOutput(d, key+".outputs."+out.Spec.Name, out)
		}
		complete(cam)
		checkDirectories(d, key, cam, directories)
	}
	checkHTTP(d, &c.HTTP)
}

// complete sets the defaults that depend on other keys.
func complete(c *Camera) {
	c.Buffers = cmp.Or(c.Buffers, c.Queue.Capacity+3)
	if len(c.Outputs) == 0 {
		c.Outputs = []Output{model()}
	}
	for i := range c.Outputs {
		o := &c.Outputs[i]
		if !o.placed() {
			r := ring.filled()
			o.Ring = &r
		}
		if o.Files != nil {
			o.Files.Dir = cmp.Or(o.Files.Dir, path.Join(c.Name, o.Spec.Name))
		}
	}
}

// model is the output of a camera that names none: 640x640 is what most
// detectors take, and uint8 rows of RGB are the least work to publish and
// suit NumPy, OpenCV and a model with the normalisation built in.
func model() Output {
	o := outputs.filled()
	o.Spec.Name, o.Spec.Width, o.Spec.Height = "model", 640, 640
	return o
}

func checkDevice(d *decoder, key string, dev *Device, taken map[string]string) {
	var set []string
	for _, s := range selectors {
		at := key + ".device." + s.name
		if !d.has(at) {
			continue
		}
		set = append(set, s.name)
		if !s.live || *s.at(dev) == "" {
			continue
		}
		id := s.name + ": " + *s.at(dev)
		if other, ok := taken[id]; ok {
			d.fault(d.place(at), at, "the same camera as "+other, "allowed: one camera has one pipeline; give it more outputs")
		}
		taken[id] = at
	}
	device := key + ".device"
	const one = "allowed: exactly one of by-id, by-path, serial, name, path, replay, pattern"
	switch {
	case len(set) == 0 && !d.refused(key) && !d.rejected(device):
		d.fault(d.place(device), device, "no device is named", one)
	case len(set) > 1:
		d.fault(d.place(device), device, "found "+strings.Join(set, " and "), one)
	case dev.Path != "":
		d.warnings = append(d.warnings, d.place(device+".path").fault(device+".path", dev.Path+" may be another camera after the next boot",
			"better: by-id or by-path, as agent devices prints them"))
	}
}

// refused says that the value of key itself is wrong.
func (d *decoder) refused(key string) bool {
	return slices.ContainsFunc(d.faults, func(f Fault) bool { return f.Key == key })
}

// rejected says that something below key was refused, so that nothing more can
// be said about what it lacks.
func (d *decoder) rejected(key string) bool {
	return d.refused(key) || slices.ContainsFunc(d.faults, func(f Fault) bool { return strings.HasPrefix(f.Key, key+".") })
}

// checkReplay makes a relative path independent of the working directory.
func checkReplay(d *decoder, key string, dev *Device) {
	for _, option := range []string{"loop", "pace"} {
		if at := key + ".device." + option; d.has(at) && !d.has(key+".device.replay") {
			d.fault(d.place(at), at, "given without replay", "allowed: only beside replay")
		}
	}
	d.anchor(key+".device.replay", &dev.Replay)
}

// anchor makes a path relative to the file that names it.
func (d *decoder) anchor(key string, path *string) {
	if *path != "" && !filepath.IsAbs(*path) {
		*path = filepath.Join(filepath.Dir(d.place(key).file), *path)
	}
}

func checkQueue(d *decoder, key string, c *Camera) {
	if at := key + ".queue.policy"; c.Queue.Policy == Block && c.Device.Live() {
		d.fault(d.place(at), at, `found "block"`, "allowed: drop-oldest, slow-input; block is for replay, a camera does not wait")
	}
	least := c.Queue.Capacity + 2
	if at := key + ".buffers"; c.Buffers != 0 && c.Buffers < least {
		d.fault(d.place(at), at, fmt.Sprintf("found %d", c.Buffers),
			fmt.Sprintf("allowed: queue.capacity + 2, here %d, or more: one frame is preprocessed and one is with the driver", least))
	}
}

// checkFallback completes each fallback by the mode.
func checkFallback(d *decoder, key string, c *Camera) {
	if at := key + ".fallback"; len(c.Fallback) > 0 && c.Device.Replay != "" {
		d.fault(d.place(at), at, "given with replay", "allowed: for cameras; a recording is as it is")
	}
	before := c.Mode
	for i := range c.Fallback {
		f, at := &c.Fallback[i], fmt.Sprintf("%s.fallback.%d", key, i+1)
		if !d.has(at + ".format") {
			f.PixelFormat = c.Mode.PixelFormat
		}
		if !d.has(at + ".size") {
			f.Width, f.Height = c.Mode.Width, c.Mode.Height
		}
		if !d.has(at + ".rate") {
			f.Rate = c.Mode.Rate
		}
		if *f == before && !d.rejected(at) {
			d.fault(d.place(at), at, "the same mode as before it", "allowed: another size, rate or format than mode and the item before")
		}
		before = *f
	}
}

// checkUndistort reads the calibration.
func checkUndistort(d *decoder, key string, c *Camera) {
	u, at := &c.Undistort, key+".preprocess.undistort"
	if u.File == "" {
		if at += ".balance"; d.has(at) && u.Balance != KeepFocalLength {
			d.fault(d.place(at), at, "given without file", "allowed: only beside file")
		}
		return
	}
	d.anchor(at+".file", &u.File)
	l, faults := readCalibration(u.File)
	for _, f := range faults {
		if f.Line == 0 {
			f = d.place(at+".file").fault(at+".file", quote(u.File)+": "+f.Found, f.Allowed)
		}
		d.faults = append(d.faults, f)
	}
	if len(faults) > 0 {
		return
	}
	if u.Balance != KeepFocalLength {
		var err error
		if l, err = l.Balanced(u.Balance); err != nil {
			d.fault(d.place(at+".balance"), at+".balance", err.Error(), "allowed: keep")
		}
	}
	c.View.Lens = l
}

// checkView says which picture the crop is a part of: one of mode.size, so that
// fallbacks show the same.
func checkView(d *decoder, key string, c *Camera) {
	if c.View.Crop != (preproc.Rect{}) {
		c.View.CropWidth, c.View.CropHeight = c.Mode.Width, c.Mode.Height
	}
	fits(d, key, c, "mode", c.Mode)
	for i, f := range c.Fallback {
		fits(d, key, c, fmt.Sprintf("fallback.%d", i+1), f)
	}
}

// fits refuses a crop that a mode has no room for, and a calibration of another
// aspect ratio.
func fits(d *decoder, key string, c *Camera, name string, mode capture.Request) {
	if mode.Width == 0 {
		return
	}
	if _, err := c.View.ScaledLens(capture.Format{Width: mode.Width, Height: mode.Height}); err != nil {
		at := key + ".preprocess.undistort.file"
		d.fault(d.place(at), at, fmt.Sprintf("is of pictures of %dx%d", c.View.Lens.Width, c.View.Lens.Height),
			fmt.Sprintf("allowed: the aspect ratio of %s.size, %dx%d", name, mode.Width, mode.Height))
	}
	crop := c.View.Crop
	if crop == (preproc.Rect{}) || c.View.CropWidth != 0 && name != "mode" {
		return
	}
	if at := key + ".preprocess.crop"; crop.X+crop.Width > mode.Width || crop.Y+crop.Height > mode.Height {
		d.fault(d.place(at), at, fmt.Sprintf("reaches to %dx%d", crop.X+crop.Width, crop.Y+crop.Height),
			fmt.Sprintf("allowed: within %s.size, %dx%d", name, mode.Width, mode.Height))
	}
}

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

func checkDirectories(d *decoder, key string, c *Camera, taken map[string]string) {
	for i := range c.Outputs {
		o := &c.Outputs[i]
		if o.Files == nil {
			continue
		}
		at := key + ".outputs." + o.Spec.Name + ".files.dir"
		if other, ok := taken[o.Files.Dir]; ok {
			d.fault(d.place(at), at, fmt.Sprintf("%q is where %s writes", o.Files.Dir, other), "allowed: a directory of its own for each output")
			continue
		}
		taken[o.Files.Dir] = at
	}
}
