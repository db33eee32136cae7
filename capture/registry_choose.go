package capture

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/pion/mediadevices/pkg/frame"
	"github.com/pion/mediadevices/pkg/prop"
)

// What is aimed at where a [Request] has no wish.
const (
	defaultWidth, defaultHeight = 1280, 720
	defaultRate                 = 30
)

// rateTolerance is how far, of the wished rate, a rate may be off and still be
// taken for it: 29.97 is meant by 30.
const rateTolerance = 0.01

// mediaFormats are the formats for which mediadevices has a name other than
// the four-character code.
var mediaFormats = map[PixelFormat]frame.Format{MJPG: frame.FormatMJPEG, YU12: frame.FormatI420}

func mediaFormatOf(p PixelFormat) frame.Format {
	if f, ok := mediaFormats[p]; ok {
		return f
	}
	return frame.Format(p.String())
}

func pixelFormatOf(f frame.Format) PixelFormat {
	for p, name := range mediaFormats {
		if name == f {
			return p
		}
	}
	p, _ := ParsePixelFormat(string(f))
	return p
}

func (m Mode) media() prop.Media {
	return prop.Media{Video: prop.Video{
		Width: m.Width, Height: m.Height,
		FrameRate: float32(m.Rate), FrameFormat: mediaFormatOf(m.PixelFormat),
	}}
}

// Choose picks the mode that suits want best: by the W3C's fitness distance
// among those that reach the size and the rate, else among those that reach
// only one of the two (the size before the rate), else among all. Where two
// suit equally well, the one that is cheaper to preprocess wins. Without a
// wish, 1280x720 at 30 a second is aimed at.
func Choose(modes []prop.Media, want Request) (prop.Media, error) {
	for _, c := range constraints(modes, want) {
		if i := fittest(modes, c, want); i >= 0 {
			return modes[i], nil
		}
	}
	return prop.Media{}, fmt.Errorf("choose %s among %s: %w", want, offered(modes), ErrMode)
}

// ChooseMode is [Choose] among the modes that an [Adapter] lists.
func ChooseMode(modes []Mode, want Request) (Mode, error) {
	r := &recorder{modes: modes}
	p, err := Choose(r.Properties(), want)
	if err != nil {
		return Mode{}, err
	}
	return r.mode(p), nil
}

// constraints are what is asked for, the strictest first.
func constraints(modes []prop.Media, want Request) []prop.MediaConstraints {
	w, h, rate := cmp.Or(want.Width, defaultWidth), cmp.Or(want.Height, defaultHeight), cmp.Or(want.Rate, defaultRate)
	maxW, maxH, maxRate := w, h, float32(rate)
	for _, m := range modes {
		maxW, maxH, maxRate = max(maxW, m.Width), max(maxH, m.Height), max(maxRate, m.FrameRate)
	}
	// A lower bound of 1 is none, but it lets the distance below the ideal count.
	at := func(minW, minH int, minRate float32) prop.MediaConstraints {
		c := prop.MediaConstraints{VideoConstraints: prop.VideoConstraints{
			Width:     prop.IntRanged{Min: minW, Ideal: w, Max: maxW},
			Height:    prop.IntRanged{Min: minH, Ideal: h, Max: maxH},
			FrameRate: prop.FloatRanged{Min: minRate, Ideal: float32(rate), Max: maxRate},
		}}
		if want.PixelFormat != 0 {
			c.FrameFormat = prop.FrameFormatExact(mediaFormatOf(want.PixelFormat.Pixels()))
		}
		return c
	}
	const lowest = math.SmallestNonzeroFloat32
	both, size, fast, all := at(w, h, float32(rate)), at(w, h, lowest), at(1, 1, float32(rate)), at(1, 1, lowest)
	if want.Width == 0 && want.Height == 0 {
		return []prop.MediaConstraints{both, fast, size, all}
	}
	return []prop.MediaConstraints{both, size, all}
}

// fittest is the index of the mode with the least distance, -1 if none fits.
func fittest(modes []prop.Media, c prop.MediaConstraints, want Request) int {
	type candidate struct {
		i        int
		distance float64
	}
	var fit []candidate
	for i, m := range modes {
		rate := cmp.Or(want.Rate, defaultRate)
		if math.Abs(float64(m.FrameRate)-rate) <= rateTolerance*rate {
			m.FrameRate = float32(rate)
		}
		if d, ok := c.FitnessDistance(m); ok {
			fit = append(fit, candidate{i, math.Round(d * 1e6)})
		}
	}
	if len(fit) == 0 {
		return -1
	}
	return slices.MinFunc(fit, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(cost(modes[a.i]), cost(modes[b.i])))
	}).i
}

func cost(m prop.Media) int {
	if l := pixelFormatOf(m.FrameFormat).Layout(); l != nil {
		return l.Cost
	}
	return math.MaxInt
}

func (r Request) String() string {
	s := "any format"
	if r.PixelFormat != 0 {
		s = r.PixelFormat.String()
	}
	if r.Width != 0 || r.Height != 0 {
		s += fmt.Sprintf(" %dx%d", r.Width, r.Height)
	}
	if r.Rate != 0 {
		s += fmt.Sprintf(" at %g/s", r.Rate)
	}
	return s
}

// offered names the formats of modes, each once.
func offered(modes []prop.Media) string {
	var names []string
	for _, m := range modes {
		if n := pixelFormatOf(m.FrameFormat).String(); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	if names == nil {
		return "no format that can be preprocessed"
	}
	return strings.Join(names, ", ")
}
