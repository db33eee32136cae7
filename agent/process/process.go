package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
	"github.com/edge-agent/agent/preproc/worker"
)

// Options say what to process.
type Options struct {
	Camera config.Camera
	// Isolation is where native code runs, as in the daemon.
	Isolation config.Isolation
	// Output is the name of the only output to make; empty means all.
	Output string
	// Out is the directory for the images. It is made if need be.
	Out string
	// Stream gets the images instead, one after the other in this Format.
	Stream io.Writer
	Format stream.Format
	// Inputs are files and directories; - is Stdin.
	Inputs []string
	Stdin  io.Reader
	// Stdout gets a [Result] a line.
	Stdout io.Writer
}

// A Result is a line of the listing: one frame, or with several outputs one
// image of it.
type Result struct {
	Input string `json:"input"`
	Index uint64 `json:"index"` // of the frame in its input, from 0
	// Quarantined is why the daemon put the frame into quarantine, if it did.
	Quarantined string `json:"quarantined,omitempty"`
	// Verdict is that on the frame, or "dropped" when there is no image.
	Verdict string `json:"verdict"`
	// Reason is the name of the drop, as in the daemon's counters, and Detail
	// says more about it.
	Reason string `json:"reason"`
	Detail string `json:"detail,omitempty"`
	// Luma is how dark, on average and how bright the frame is, and Sharpness
	// how sharp, as a [preproc.Measure] has it: what the thresholds of the
	// config's quality are compared with.
	Luma      []float32 `json:"luma,omitempty"`
	Sharpness *float32  `json:"sharpness,omitempty"`

	Output string `json:"output,omitempty"`
	Shape  []int  `json:"shape"`
	DType  string `json:"dtype"`
	// Geometry is xx xy x0 yx yy y0 of the affine map from the image's
	// coordinates to those of the camera's picture of Camera's size, undistorted
	// where there is a Lens, which leads on to the camera's own.
	Geometry []float64  `json:"geometry,omitempty"`
	Camera   []int      `json:"camera,omitempty"`
	Lens     *lens.Lens `json:"lens,omitempty"`
	// SHA256 is that of the elements in row-major order, little endian, or of
	// the encoded file.
	SHA256 string `json:"sha256"`
	File   string `json:"file,omitempty"`
	// DurationUS is how long the preprocessor took for all images of the frame.
	DurationUS int64 `json:"duration_us"`
}

// Run processes every input in turn. Frames that are bad are results. An input
// that cannot be read does not stop the others, and is part of the error; the
// error of an image that cannot be written ends the run.
func Run(ctx context.Context, o Options) error {
	specs, err := choose(&o.Camera, o.Output)
	if err != nil {
		return err
	}
	processor, err := o.open(specs)
	if err != nil {
		return fmt.Errorf("camera %s: %w", o.Camera.Name, err)
	}
	defer processor.Close()
	r := &runner{options: &o, processor: processor, specs: specs, lines: json.NewEncoder(o.Stdout), stems: map[string]bool{}}
	if r.store, err = o.place(specs); err != nil {
		return err
	}
	for range specs {
		r.images = append(r.images, new(preproc.Image))
	}
	inputs, failed := expand(o.Inputs)
	for _, name := range inputs {
		err := r.input(ctx, name)
		if _, lost := errors.AsType[*writeError](err); lost || ctx.Err() != nil {
			return err
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// open makes what the daemon would preprocess with. However many frames crash
// it, the next one gets a worker at once.
func (o *Options) open(specs []preproc.Spec) (preproc.Processor, error) {
	if o.Isolation == config.None {
		return preproc.New(o.Camera.View, specs)
	}
	return worker.New(worker.Config{
		Name: o.Camera.Name, View: o.Camera.View, Specs: specs, Deadline: o.Camera.ProcessDeadline, Burst: math.MaxInt,
	})
}

// choose finds the specs of the outputs that were asked for.
func choose(c *config.Camera, name string) ([]preproc.Spec, error) {
	var specs []preproc.Spec
	var known []string
	for _, o := range c.Outputs {
		known = append(known, o.Spec.Name)
		if name == "" || name == o.Spec.Name {
			specs = append(specs, o.Spec)
		}
	}
	if len(specs) == 0 {
		return nil, fmt.Errorf("camera %s has no output %q; it has %s", c.Name, name, strings.Join(known, ", "))
	}
	return specs, nil
}

// A writeError is of the results and not of an input.
type writeError struct{ err error }

func (e *writeError) Error() string { return "write results: " + e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }
