package agent

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/web"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

const (
	// viewName is that of the output which is for people. No config can have it.
	viewName = ".view"
	// viewWidth and viewHeight are the most that it has by default.
	viewWidth, viewHeight = 1280, 720
	// tapSlack is what an image may take beyond what its camera may, and
	// tapEvery the longest interval of an output that is waited for.
	tapSlack, tapEvery = time.Second, 30 * time.Second
)

// A view is what people see of a camera: a JPEG that is made while somebody
// looks, or the camera's own. Only the stage that preprocesses uses it.
type view struct {
	sink          *sink
	width, height int // the most that the camera's own may have, 0 for any
	passing       bool
	about         preproc.Image // of the frame that is passed on, without Data
}

// withView gives a camera the output that people look at, by HTTP or by a command,
// where there is room for one more.
func withView(h *config.HTTP, cfg config.Camera) config.Camera {
	if len(cfg.Outputs) >= preproc.MaxOutputs {
		return cfg
	}
	cfg.Outputs = append(slices.Clip(cfg.Outputs), config.Output{Spec: preproc.Spec{
		Name: viewName, Fit: preproc.Inside, Encode: preproc.JPEG, Quality: h.Quality,
		Width: cmp.Or(h.Width, viewWidth), Height: cmp.Or(h.Height, viewHeight),
	}})
	return cfg
}

// addSinks makes the sinks of a camera's outputs.
func (a *Agent) addSinks(g *ground, c *camera) {
	for i, o := range c.cfg.Outputs {
		s := &sink{cfg: o, log: c.log.With().Str("output", o.Spec.Name).Logger()}
		s.open = func(width, height int) ([]output.Output, error) {
			return a.openOutputs(place{camera: &c.cfg, cfg: o, width: width, height: height, tap: s.tap, config: g.Config})
		}
		isView := o.Spec.Name == viewName
		if isView || c.cfg.Preview(i) {
			s.paused = &a.budget.paused
		}
		s.tap = web.NewTap(web.TapConfig{
			Camera: c.cfg.Name, Spec: o.Spec, View: isView, Patience: c.patience(&o), Trouble: a.trouble(c.cfg.Name, s.paused),
		})
		if isView {
			c.view = &view{sink: s, width: g.HTTP.Width, height: g.HTTP.Height}
		}
		c.sinks = append(c.sinks, s)
	}
	c.images = make([]*preproc.Image, len(c.sinks))
}

// patience is how long an image of an output may be waited for.
func (c *camera) patience(o *config.Output) time.Duration {
	return c.cfg.StallAfter + tapSlack + min(o.Every, tapEvery)
}

// openTap is the one opener that opens nothing: a tap is there for as long as
// its camera, for the server to find.
func (a *Agent) openTap(p place) (output.Output, error) { return p.tap, nil }

// trouble says why there will be no image of a camera for now, whichever pipeline
// it has.
func (a *Agent) trouble(camera string, paused *atomic.Bool) func() error {
	return func() error {
		c := a.camera(camera)
		if c == nil {
			return fmt.Errorf("camera %s is not in the config any more", camera)
		}
		if s := c.state.Load(); s.Phase != Publishing {
			return fmt.Errorf("camera %s: %v", camera, s)
		}
		if paused != nil && paused.Load() {
			return errors.New(cmp.Or(a.budget.String(), "previews are paused"))
		}
		return nil
	}
}

// webCameras are what images may be asked of.
func (a *Agent) webCameras() (cameras []web.Camera) {
	for _, c := range a.list() {
		made := web.Camera{Name: c.cfg.Name}
		if c.view == nil {
			made.View = c.substitute()
		}
		if c.view == nil && made.View == nil {
			made.Blind = fmt.Sprintf("%d outputs, none of them a JPEG, leave no room for it", preproc.MaxOutputs)
		}
		for _, s := range c.sinks {
			if c.view != nil && s == c.view.sink {
				made.View = s.tap
			} else {
				made.Outputs = append(made.Outputs, s.tap)
			}
		}
		cameras = append(cameras, made)
	}
	return cameras
}

// substitute is what people see of a camera that has no room for a view: its first
// output that is a picture, nil for none.
func (c *camera) substitute() *web.Tap {
	for _, s := range c.sinks {
		if s.cfg.Spec.Encode == preproc.JPEG {
			return s.tap
		}
	}
	return nil
}

// passes says whether a frame may be shown as the camera delivered it: a JPEG,
// no larger than it may be, of which everything is to be seen the right way up.
func (v *view) passes(as preproc.View, f *capture.Frame) bool {
	l := f.Format.PixelFormat.Layout()
	return l != nil && l.Compressed() && as == preproc.View{} &&
		(v.width == 0 || f.Format.Width <= v.width && f.Format.Height <= v.height)
}

// begin says for a new frame whether it is passed on.
func (v *view) begin(passing bool) {
	if v != nil {
		v.passing = passing
	}
}

// hold copies the frame that is passed on, before it goes back to its driver.
func (v *view) hold(f *capture.Frame) {
	if v == nil || !v.passing {
		return
	}
	v.sink.tap.Hold(f.Planes[0])
	width, height := f.Format.Width, f.Format.Height
	v.about = preproc.Image{
		Spec: &v.sink.cfg.Spec, Width: width, Height: height, CameraWidth: width, CameraHeight: height, Geometry: preproc.Geometry{XX: 1, YY: 1},
		Sequence: f.Sequence, Timestamp: f.Timestamp, Dequeued: f.Dequeued,
	}
}

// show hands out the frame that is passed on.
func (v *view) show(verdict preproc.Verdict) error {
	if v == nil || !v.passing {
		return output.ErrUnwanted
	}
	v.about.Verdict, v.about.Published = verdict, capture.Monotonic()
	return v.sink.tap.Show(&v.about)
}
