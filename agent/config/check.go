package config

import (
	"cmp"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// check finds what is wrong between keys, sets the defaults that depend on
// other keys, and warns.
func check(d *decoder, c *Config) {
	devices := map[string]string{}
	places := map[string]string{}
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
		checkPlaces(d, key, cam, places)
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
	l, faults := d.lens(u.File)
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
