package capture

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/pion/mediadevices/pkg/driver"
	"github.com/pion/mediadevices/pkg/io/video"
	"github.com/pion/mediadevices/pkg/prop"
)

// A Mode is one way in which a device offers its frames.
type Mode struct {
	PixelFormat   PixelFormat
	Width, Height int
	// Rate is in frames per second, 0 when the device does not say.
	Rate float64
}

func (m Mode) String() string {
	return fmt.Sprintf("%s %dx%d at %.4g/s", m.PixelFormat, m.Width, m.Height, m.Rate)
}

// An Adapter is what a kind of source implements to enter the registry. One
// goroutine at a time calls it.
type Adapter interface {
	// Open makes the device ready and lists what it offers, formats without
	// a [Layout] included: they are passed over when a mode is chosen.
	Open() ([]Mode, error)
	// Start begins to stream. m is one of the modes that Open listed, or near
	// to one if a stranger to this package asked for it; the Source's Format
	// says what became of it. The Source's Close also undoes Open.
	Start(m Mode) (Source, error)
	// Close undoes Open when nothing was started, or Start failed. It may be
	// called more than once.
	Close() error
}

// Open registers a device with the mediadevices driver manager, opens it in
// the mode that suits want best, and starts it. Closing the Source takes it
// out of the registry again. label is its identity (for a camera, its by-id
// link or path), name is for people.
func Open(ctx context.Context, label, name string, a Adapter, want Request) (Source, error) {
	d, err := Register(label, name, a)
	if err != nil {
		return nil, err
	}
	s, err := OpenDriver(ctx, d, want)
	if err != nil {
		Deregister(d)
		return nil, err
	}
	s.(*recording).deregister = true
	return s, nil
}

// registering is held from before a registration until its driver is found:
// the manager does not say which driver it made.
var registering sync.Mutex

// Register makes a device known to every user of mediadevices in this process.
func Register(label, name string, a Adapter) (driver.Driver, error) {
	registering.Lock()
	defer registering.Unlock()
	known := map[string]bool{}
	labelled := func(d driver.Driver) bool { return d.Info().Label == label }
	for _, d := range driver.GetManager().Query(labelled) {
		known[d.ID()] = true
	}
	info := driver.Info{Label: label, Name: name, DeviceType: driver.Camera}
	if err := driver.GetManager().Register(&recorder{adapter: a}, info); err != nil {
		return nil, fmt.Errorf("register %s: %w", label, err)
	}
	for _, d := range driver.GetManager().Query(labelled) {
		if !known[d.ID()] {
			return d, nil
		}
	}
	return nil, fmt.Errorf("register %s: the manager does not list it", label)
}

// Deregister makes the registry forget a driver; one that runs goes on running.
func Deregister(d driver.Driver) { driver.GetManager().Delete(d.ID()) }

// OpenDriver opens a registered driver in the mode that suits want best. The
// driver must have been made by [Register]. Closing the Source closes the
// driver. ctx is looked at between the steps: a system call that hangs in the
// kernel cannot be cancelled.
func OpenDriver(ctx context.Context, d driver.Driver, want Request) (Source, error) {
	vr, ok := d.(driver.VideoRecorder)
	if !ok {
		return nil, fmt.Errorf("open %s: not a video driver", d.Info().Label)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := d.Open(); err != nil {
		return nil, err
	}
	p, err := Choose(d.Properties(), want)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	r, err := vr.VideoRecord(p) // closes the driver when it fails
	if err != nil {
		return nil, err
	}
	s, ok := r.(interface{ Source() Source })
	if !ok {
		return nil, errors.Join(fmt.Errorf("open %s: not a driver of this package", d.Info().Label), d.Close())
	}
	return &recording{Source: s.Source(), driver: d}, nil
}

// Notes lists what the owner of a Source should be told about it, once: a
// control that could not be set, a mode that the driver changed.
func Notes(s Source) []string {
	if n, ok := inner(s).(interface{ Notes() []string }); ok {
		return n.Notes()
	}
	return nil
}

// RestarterOf is s as a [Restarter], or nil when it is none.
func RestarterOf(s Source) Restarter {
	r, _ := inner(s).(Restarter)
	return r
}

// MemoriesOf are all the memories that frames of s lie in, nil when nobody else
// can map them. They are the source's, until Close.
func MemoriesOf(s Source) []Memory {
	if m, ok := inner(s).(interface{ Memories() []Memory }); ok {
		return m.Memories()
	}
	return nil
}

// A recording is a Source whose end is the end of its driver's run.
type recording struct {
	Source
	driver     driver.Driver
	deregister bool
}

// Close leaves the registry first: the driver may hang in the kernel for ever.
func (r *recording) Close() error {
	if r.deregister {
		Deregister(r.driver)
	}
	return r.driver.Close()
}

// A recorder is an [Adapter] as mediadevices wants to see it.
type recorder struct {
	adapter Adapter
	modes   []Mode
	reader  *reader // of the run, nil before and after
}

var (
	_ driver.Adapter       = (*recorder)(nil)
	_ driver.VideoRecorder = (*recorder)(nil)
)

func (r *recorder) Open() (err error) {
	r.modes, err = r.adapter.Open()
	return err
}

func (r *recorder) Close() error {
	r.modes = nil
	if r.reader == nil {
		return r.adapter.Close()
	}
	rd := r.reader
	r.reader = nil
	return rd.close()
}

// Properties lists the modes that can be preprocessed.
func (r *recorder) Properties() []prop.Media {
	var list []prop.Media
	for _, m := range r.modes {
		if m.PixelFormat.Layout() != nil {
			list = append(list, m.media())
		}
	}
	return list
}

func (r *recorder) VideoRecord(p prop.Media) (video.Reader, error) {
	s, err := r.adapter.Start(r.mode(p))
	if err != nil {
		return nil, err
	}
	r.reader = newReader(s)
	return r.reader, nil
}

// mode is the listed mode that p was made of, with the digits of the rate
// that a float32 lost, or p itself.
func (r *recorder) mode(p prop.Media) Mode {
	asked := Mode{pixelFormatOf(p.FrameFormat), p.Width, p.Height, float64(p.FrameRate)}
	for _, m := range r.modes {
		listed := m
		listed.Rate = asked.Rate
		if listed == asked && math.Abs(m.Rate-asked.Rate) <= 1e-6*m.Rate {
			return m
		}
	}
	return asked
}
