package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/edge-agent/agent/agent/bench"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/instance"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
	"github.com/edge-agent/agent/preproc"
)

const (
	// footageFrames are enough that no frame is in the cache from the last time.
	footageFrames = 8
	// footageLimit is how long a camera may take for them.
	footageLimit = 10 * time.Second
)

// Footage gives frames of cameras for [bench.Run]: a camera's own, where it can
// be had, else made-up ones of the mode that it would have. A camera of the
// agent that works in runtimeDir is only looked at: it may be without its
// device for a moment, and would find it taken.
func Footage(runtimeDir string) func(context.Context, config.Camera) (bench.Footage, error) {
	return func(ctx context.Context, cfg config.Camera) (bench.Footage, error) {
		owner, err := instance.Owner(runtimeDir)
		if cfg.Device.Live() && (owner != 0 || err != nil) {
			return madeUp(cfg, "the running agent has the camera")
		}
		f, err := footageOf(ctx, cfg)
		if err == nil || !cfg.Device.Live() || ctx.Err() != nil {
			return f, err
		}
		return madeUp(cfg, err.Error())
	}
}

// footageOf takes frames of a camera, a recording or the pattern.
func footageOf(ctx context.Context, cfg config.Camera) (f bench.Footage, err error) {
	ctx, cancel := context.WithTimeout(ctx, footageLimit)
	defer cancel()
	cfg.Device.Pace = config.Fastest
	src, err := OpenSource(ctx, cfg)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	for len(f.Frames) < footageFrames {
		frame, err := src.Read(ctx)
		if err != nil && len(f.Frames) > 0 {
			break // a short recording, or a camera that stalls: these will do
		}
		if err != nil {
			return f, fmt.Errorf("no frame: %w", err)
		}
		if frame.Fault == capture.FaultNone {
			f.Add(frame)
		}
		frame.Release()
	}
	f.Rate = rateOf(src.Format().Interval)
	return f, nil
}

// rateOf is in frames a second, without the digits that an interval of whole
// nanoseconds adds.
func rateOf(interval time.Duration) float64 {
	if interval <= 0 {
		return 0
	}
	return math.Round(1000/interval.Seconds()) / 1000
}

// madeUp makes frames of the mode that the camera would be opened in.
func madeUp(cfg config.Camera, why string) (bench.Footage, error) {
	mode, err := plan(cfg)
	if err != nil {
		mode = capture.Mode{
			PixelFormat: cmp.Or(cfg.Mode.PixelFormat, capture.MJPG),
			Width:       cmp.Or(cfg.Mode.Width, 1280), Height: cmp.Or(cfg.Mode.Height, 720), Rate: cfg.Mode.Rate,
		}
		why += "; its mode is a guess"
	}
	f := bench.Footage{Format: capture.DefaultFormat(mode.PixelFormat, mode.Width, mode.Height), Rate: mode.Rate, MadeUp: why}
	layout := f.Format.PixelFormat.Layout()
	if layout == nil {
		return f, fmt.Errorf("frames of %s cannot be made up", f.Format)
	}
	if layout.Compressed() {
		file, err := photograph(mode.Width, mode.Height)
		f.Frames = append(f.Frames, [capture.MaxPlanes][]byte{file})
		return f, err
	}
	for i := range layout.Planes {
		f.Format.Stride[i] = f.Format.RowBytes(i)
	}
	for n := range footageFrames {
		var planes [capture.MaxPlanes][]byte
		for i := range layout.Planes {
			planes[i] = noise(f.Format.PlaneBytes(i), uint32(n))
		}
		f.Frames = append(f.Frames, planes)
	}
	return f, nil
}

// plan asks the camera, which may be another's at the moment.
func plan(cfg config.Camera) (capture.Mode, error) {
	node, err := SelectorOf(cfg.Device).Resolve(v4l2.Roots{})
	if err != nil {
		return capture.Mode{}, err
	}
	return v4l2.Plan(v4l2.Config{Device: v4l2.Selector{Path: node}, Request: cfg.Mode})
}

// photograph is a JPEG that costs about what a camera's does: slopes, edges, and
// the noise of a sensor.
func photograph(width, height int) ([]byte, error) {
	f := &capture.Frame{Format: capture.DefaultFormat(capture.RGB3, width, height)}
	f.Format.Stride[0] = 3 * width
	pixels := noise(3*width*height, 1)
	for i := range pixels {
		x, y := i/3%width, i/3/width
		scene := x*96/width + y*96/height + (x/40+y/24)%3*16
		pixels[i] = byte(scene) + pixels[i]%12
	}
	f.Planes[0] = pixels
	spec := preproc.Spec{Encode: preproc.JPEG, Quality: 85}
	p, err := preproc.New(preproc.View{}, []preproc.Spec{spec})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	img := &preproc.Image{Data: make([]byte, spec.MaxBytes(width, height))}
	if _, err := p.Process(context.Background(), f, []*preproc.Image{img}); err != nil {
		return nil, err
	}
	return slices.Clone(img.Data), nil
}

// noise is bytes in no order, the same ones for a seed.
func noise(n int, seed uint32) []byte {
	b := make([]byte, n)
	for i := range b {
		seed = seed*1664525 + 1013904223
		b[i] = byte(seed >> 24)
	}
	return b
}
