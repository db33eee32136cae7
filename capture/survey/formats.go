package survey

import (
	"strings"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
)

// modes are those that can be preprocessed.
func modes(d v4l2.Device) []capture.Mode {
	var list []capture.Mode
	for _, f := range d.Formats {
		p, ok := capture.ParsePixelFormat(f.Code)
		if !ok || f.Note != "" {
			continue
		}
		for _, s := range f.Sizes {
			for _, rate := range s.Rates {
				list = append(list, capture.Mode{PixelFormat: p.Pixels(), Width: s.Width, Height: s.Height, Rate: rate})
			}
			if len(s.Rates) == 0 {
				list = append(list, capture.Mode{PixelFormat: p.Pixels(), Width: s.Width, Height: s.Height})
			}
		}
	}
	return list
}

// begin is the mode that the agent takes when nobody says which.
func begin(d v4l2.Device) *Mode {
	m, err := capture.ChooseMode(modes(d), capture.Request{})
	if err != nil {
		return nil
	}
	return &Mode{m.PixelFormat.String(), m.Width, m.Height, m.Rate}
}

// Largest is the largest picture that the camera makes, at its highest rate; nil when
// there is none.
func (c *Camera) Largest() *Mode {
	var best *Mode
	for _, m := range modes(c.Device) {
		if area := m.Width * m.Height; best == nil || area > best.Width*best.Height ||
			area == best.Width*best.Height && m.Rate > best.Rate {
			best = &Mode{m.PixelFormat.String(), m.Width, m.Height, m.Rate}
		}
	}
	return best
}

// judgeFormats names formats that are no pictures, and sensors that nobody looks after.
func (c *Camera) judgeFormats() {
	var refused []string
	raw, finished := 0, 0
	for _, f := range c.Formats {
		if f.Note != "" {
			refused = append(refused, f.Code)
			continue
		}
		p, _ := capture.ParsePixelFormat(f.Code)
		if l := p.Layout(); l != nil && l.Kind == capture.Bayer {
			raw++
		} else {
			finished++
		}
	}
	switch {
	case raw+finished == 0 && len(refused) > 0:
		c.State = NoPictures
		c.add(Problem{ProblemNoPictures, true, "it offers " + strings.Join(refused, ", ") + " only, and no pictures that stand alone",
			"another mode of the camera, if it has a switch for it, or a program that decodes it into a v4l2loopback device"})
	case raw+finished == 0:
		c.State = NoPictures
		c.add(Problem{ProblemNoPictures, true, "it offers no format", "no sensor is connected, or its driver is missing: `sudo dmesg`"})
	case finished == 0:
		c.add(Problem{ProblemRawOnly, false, "a bare sensor: colours are made here, but nobody sets exposure, gain and white balance",
			"set `controls` in the config (exposure, gain), or let libcamera or the vendor's ISP write to a v4l2loopback device and use that"})
	}
}
