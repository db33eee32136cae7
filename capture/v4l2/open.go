package v4l2

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/capture"
)

// Defaults of [Config].
const (
	DefaultBuffers    = 4
	DefaultStallAfter = 2 * time.Second
)

// A Config says which camera to open, and how.
type Config struct {
	Device   Selector
	Request  capture.Request
	Controls []Control
	// Buffers is how many frames may exist at once, with the driver and on
	// loan together: 2 to 32, 0 for [DefaultBuffers].
	Buffers int
	// StallAfter is how long the driver may take for a frame, 0 for
	// [DefaultStallAfter].
	StallAfter time.Duration
}

// Open finds a camera, registers it as a mediadevices driver, chooses a mode,
// and starts to stream. Errors wrap those of package capture: ErrNotFound,
// ErrBusy, ErrMode, ErrBandwidth, ErrGone. The system calls in it take as long
// as the driver does; ctx is looked at between them.
func Open(ctx context.Context, c Config) (capture.Source, error) {
	return systemHost(Roots{}).open(ctx, c)
}

func (h host) open(ctx context.Context, c Config) (capture.Source, error) {
	if c.Buffers == 0 {
		c.Buffers = DefaultBuffers
	}
	if c.StallAfter == 0 {
		c.StallAfter = DefaultStallAfter
	}
	if c.Buffers < 2 || c.Buffers > maxBuffers || c.StallAfter < 0 {
		return nil, fmt.Errorf("open camera: %d buffers, stall after %v; allowed are 2 to %d buffers and a positive time", c.Buffers, c.StallAfter, maxBuffers)
	}
	label := c.Device.String()
	return capture.Open(ctx, label, label, &camera{host: h, config: c}, c.Request)
}

// Plan is the mode that [Open] would choose. It looks at what the camera offers
// and neither sets it up nor streams, so that one that another program has can
// be asked as well.
func Plan(c Config) (capture.Mode, error) { return systemHost(Roots{}).plan(c) }

func (h host) plan(c Config) (m capture.Mode, err error) {
	cam := &camera{host: h, config: c}
	modes, err := cam.Open()
	if err != nil {
		return m, err
	}
	m, err = capture.ChooseMode(modes, c.Request)
	return m, errors.Join(err, cam.Close())
}

// A camera is the [capture.Adapter] of this room.
type camera struct {
	host   host
	config Config

	// What Open made, until Start hands it to a stream or Close undoes it.
	path    string
	device  device
	bufType uint32
	offers  []offer
}

// A step is one thing that has to go well, with a name for when it does not.
type step struct {
	name string
	do   func() error
}

func run(steps []step) error {
	for _, s := range steps {
		if err := s.do(); err != nil {
			if s.name == "" {
				return err
			}
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}

// Open finds the device node, opens it, and lists the modes that can be read.
func (c *camera) Open() ([]capture.Mode, error) {
	var modes []capture.Mode
	err := run([]step{
		{"find camera", func() (err error) { c.path, err = c.host.resolve(c.config.Device); return err }},
		{"", func() (err error) { c.device, err = c.host.openDevice(c.path); return err }},
		{"query capability", c.identify},
		{"", func() (err error) { c.offers, err = readableOffers(c.device, c.bufType, c.config.Request); return err }},
	})
	if err != nil {
		err = errors.Join(err, c.Close())
		if c.path != "" {
			err = fmt.Errorf("open %s: %w", c.path, err)
		}
		return nil, err
	}
	for _, o := range c.offers {
		modes = append(modes, o.Mode)
	}
	return modes, nil
}

func (c *camera) identify() error {
	capa, err := queryCapability(c.device)
	if err != nil {
		return err
	}
	if c.bufType = capa.bufType(); c.bufType == 0 {
		return fmt.Errorf("capabilities %#08x: not a video capture device", capa.caps())
	}
	return nil
}

// readableOffers lists the modes of the formats that can be preprocessed. Of
// two formats with equal pixels, such as NV12 and NM12, the first one counts,
// unless NM12 is asked for.
func readableOffers(d device, bufType uint32, want capture.Request) ([]offer, error) {
	formats, err := enumFormats(d, bufType)
	if err != nil {
		return nil, err
	}
	var list []offer
	var refused []string
	seen := map[capture.PixelFormat]bool{}
	for _, f := range formats {
		p := logical(f.pixelformat)
		if want.PixelFormat != p && want.PixelFormat.Pixels() == p && uint32(want.PixelFormat) != f.pixelformat {
			continue // of two with equal pixels, the other one is asked for
		}
		if p.Layout() == nil {
			refused = append(refused, fmt.Sprintf("%s (%s)", p, p.Unreadable()))
			continue
		}
		if seen[p] {
			continue
		}
		seen[p] = true
		o, err := offers(d, f.pixelformat, want)
		if err != nil {
			return nil, err
		}
		list = append(list, o...)
	}
	if list == nil && refused != nil {
		return nil, fmt.Errorf("the camera offers no pictures but %s: %w", strings.Join(refused, ", "), capture.ErrMode)
	}
	return list, nil
}

// Close undoes Open.
func (c *camera) Close() error {
	if c.device == nil {
		return nil
	}
	d := c.device
	c.device = nil
	return d.close()
}

// Start sets the camera up for a mode and begins to stream.
func (c *camera) Start(m capture.Mode) (capture.Source, error) {
	s := &stream{path: c.path, device: c.device, stallAfter: c.config.StallAfter, now: c.host.now}
	c.device = nil // the stream closes it
	if err := run(c.start(s, c.offer(m))); err != nil {
		return nil, fmt.Errorf("open %s: %w", c.path, errors.Join(err, s.Close()))
	}
	return s, nil
}

// start are the steps from an open device to a running stream, which undoes
// them with its Close, however far they came.
func (c *camera) start(s *stream, o offer) []step {
	b := &buffers{device: s.device, typ: c.bufType}
	var p *picture
	var count int
	return []step{
		{"make waker", func() (err error) { s.waker, err = newWaker(); b.waker = s.waker; return err }},
		{fmt.Sprintf("set format %s %dx%d", o.PixelFormat, o.Width, o.Height), func() (err error) {
			p, err = setFormat(s.device, c.bufType, o)
			return err
		}},
		{fmt.Sprintf("set rate %.4g/s", o.Rate), func() (err error) {
			p.format.Interval, err = setRate(s.device, c.bufType, o.interval)
			return err
		}},
		{"set controls", func() (err error) { s.notes, err = setControls(s.device, c.config.Controls); return err }},
		{"request buffers", func() (err error) { s.buffers = b; count, err = b.request(c.config.Buffers); return err }},
		{"", func() error { b.memoryPlanes = p.memoryPlanes; return b.mapAll(count) }},
		{"", func() error { b.export(); return nil }},
		{"", b.queueAll},
		{"stream on", s.on},
		{"", func() error {
			s.checker.picture = p
			s.notes = append(s.notes, c.notes(o, p.format, b)...)
			return nil
		}},
	}
}

// offer is the driver's name for a mode: the one that was listed, or for a
// mode that was not, one of the same format.
func (c *camera) offer(m capture.Mode) offer {
	if i := slices.IndexFunc(c.offers, func(o offer) bool { return o.Mode == m }); i >= 0 {
		return c.offers[i]
	}
	o := offer{Mode: m, fourcc: uint32(m.PixelFormat), interval: intervalOf(m.Rate)}
	if i := slices.IndexFunc(c.offers, func(o offer) bool { return o.PixelFormat == m.PixelFormat }); i >= 0 {
		o.fourcc = c.offers[i].fourcc
	}
	return o
}

// notes says what is not as it was wished.
func (c *camera) notes(o offer, f capture.Format, b *buffers) []string {
	var n []string
	if c.config.Device.Path != "" {
		n = append(n, fmt.Sprintf("the name %s can belong to another camera after the next start or plugging; by-id, by-path or serial cannot", c.config.Device.Path))
	}
	if f.PixelFormat != o.PixelFormat || f.Width != o.Width || f.Height != o.Height {
		n = append(n, fmt.Sprintf("the driver changed %s %dx%d into %s %dx%d", o.PixelFormat, o.Width, o.Height, f.PixelFormat, f.Width, f.Height))
	}
	if r := c.config.Request; f.Width < r.Width || f.Height < r.Height || o.Rate > 0 && o.Rate < 0.99*r.Rate {
		n = append(n, fmt.Sprintf("no mode reaches %v; the best one is %v", r, o.Mode))
	}
	if o.Rate > 0 && f.Interval > 0 {
		if rate := float64(time.Second) / float64(f.Interval); math.Abs(rate-o.Rate) > 0.01*o.Rate {
			n = append(n, fmt.Sprintf("the driver changed %.4g frames per second into %.4g", o.Rate, rate))
		}
	}
	if !b.monotonic() {
		n = append(n, "the driver's time stamps are not of the monotonic clock; the time of dequeuing stands for them")
	}
	return n
}
