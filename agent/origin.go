package agent

import (
	"context"
	"sync/atomic"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/capture/v4l2"
)

// An origin is where a camera's frames come from.
type origin interface {
	// Open looks for the device and opens it in a mode. It blocks for as long
	// as the driver does.
	Open(ctx context.Context, mode capture.Request) (capture.Source, error)
	// Moved says that the device is now found at another node than the one that
	// was opened last. It may block as well, and is called beside Open's source.
	Moved() bool
	// Port is the device's on USB. Nothing is opened.
	Port() (v4l2.Port, error)
	// Wait returns when opening may succeed where it failed before, at the
	// latest at the end of ctx.
	Wait(ctx context.Context) error
	Close() error
}

// origins makes the origin of a camera; tests put a script in its place.
var origins = newOrigin

// newOrigin is the one place where the words of the config become a source.
func newOrigin(cfg config.Camera) (origin, error) {
	if !cfg.Device.Live() {
		return recording{cfg}, nil
	}
	w, err := v4l2.NewWatcher()
	if err != nil {
		return nil, err
	}
	return &device{cfg: cfg, watcher: w}, nil
}

// OpenSource opens what the config names as a camera, once.
func OpenSource(ctx context.Context, cfg config.Camera) (capture.Source, error) {
	o, err := newOrigin(cfg)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	return o.Open(ctx, cfg.Mode)
}

// device is a camera that may come and go.
type device struct {
	cfg     config.Camera
	watcher *v4l2.Watcher
	node    atomic.Pointer[string] // that was opened last
}

func (d *device) Open(ctx context.Context, mode capture.Request) (capture.Source, error) {
	controls := make([]v4l2.Control, len(d.cfg.Controls))
	for i, c := range d.cfg.Controls {
		controls[i] = v4l2.Control{Name: c.Name, Value: c.Value}
	}
	node, err := SelectorOf(d.cfg.Device).Resolve(v4l2.Roots{})
	if err != nil {
		return nil, err
	}
	d.node.Store(&node)
	return v4l2.Open(ctx, v4l2.Config{
		Device:     SelectorOf(d.cfg.Device),
		Request:    mode,
		Controls:   controls,
		Buffers:    d.cfg.Buffers,
		StallAfter: d.cfg.StallAfter,
	})
}

func (d *device) Moved() bool {
	was := d.node.Load()
	now, err := SelectorOf(d.cfg.Device).Resolve(v4l2.Roots{})
	return was != nil && err == nil && now != *was
}

func (d *device) Port() (v4l2.Port, error) {
	return SelectorOf(d.cfg.Device).FindPort(v4l2.Roots{})
}

func (d *device) Wait(ctx context.Context) error { return d.watcher.Wait(ctx) }
func (d *device) Close() error                   { return d.watcher.Close() }

// SelectorOf is how package v4l2 knows a camera of the config.
func SelectorOf(d config.Device) v4l2.Selector {
	return v4l2.Selector{ByID: d.ByID, ByPath: d.ByPath, Serial: d.Serial, Name: d.Name, Path: d.Path}
}

// recording is a file or the test pattern: nothing will appear that is not
// there, so waiting is only a matter of time.
type recording struct{ cfg config.Camera }

func (r recording) Open(ctx context.Context, mode capture.Request) (capture.Source, error) {
	r.cfg.Mode = mode
	return replay.Open(ctx, replayConfig(r.cfg))
}

func (r recording) Moved() bool              { return false }
func (r recording) Port() (v4l2.Port, error) { return "", capture.ErrNotFound }

func (r recording) Wait(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func (r recording) Close() error { return nil }

// replayConfig is the recording or the pattern that the config names. The mode
// is the geometry of a raw file and the size and format of the pattern.
func replayConfig(cfg config.Camera) replay.Config {
	r := replay.Config{
		Path:     cfg.Device.Replay,
		Pattern:  cfg.Device.Pattern,
		Format:   cfg.Mode.PixelFormat.Pixels(),
		Width:    cfg.Mode.Width,
		Height:   cfg.Mode.Height,
		Rate:     cfg.Mode.Rate,
		Loop:     cfg.Device.Loop,
		Unpaced:  cfg.Device.Pace == config.Fastest,
		Lossless: cfg.Queue.Policy == config.Block,
		Buffers:  cfg.Buffers,
	}
	if m := cfg.Mode; m.PixelFormat != 0 && m.Width > 0 {
		f := capture.DefaultFormat(m.PixelFormat.Pixels(), m.Width, m.Height)
		r.Raw = &f
	}
	return r
}
