package preproc

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc/lens"
)

// A Processor preprocesses the frames of one camera. One goroutine calls it.
type Processor interface {
	// Process fills images, of which there is one for each Spec in order; a
	// nil image is not due and costs nothing. The caller owns the images and
	// their memory. On an error nothing in them is to be used, and the next
	// frame may be tried: an [Error] says what kind it was. What the Measure
	// says against the frame is for a [Judge] to find; the images are good
	// until their owner sets another verdict.
	Process(ctx context.Context, f *capture.Frame, images []*Image) (Measure, error)
	Close() error
}

// An Image is one preprocessed frame in memory that its caller owns.
type Image struct {
	Spec *Spec
	// Data is the pixels, densely packed, or the encoded file. Its capacity
	// is at least Spec.MaxBytes and its address a multiple of the element's
	// size; Process sets its length.
	Data []byte
	// Drawn is the mark of whose border stands in Data. Process sets it, and
	// leaves a border alone that it has drawn itself: whoever gives the image other
	// memory, or writes into that, sets it to what belongs to it, or to 0.
	Drawn Drawn
	// Width and Height are the output's, in pixels.
	Width, Height int
	// Geometry maps this image's coordinates to the camera's picture, and
	// Lens, unless it has no model, from there to the camera's own: see
	// ToCamera. CameraWidth and CameraHeight are the size of both, in pixels.
	Geometry                  Geometry
	Lens                      lens.Lens
	CameraWidth, CameraHeight int

	// What is known of the frame that the image was made of.
	Sequence  uint64
	Timestamp time.Duration // of capture, CLOCK_MONOTONIC
	Dequeued  time.Duration
	Interval  time.Duration // from frame to frame, as the camera's mode has it; 0 if it is not known
	Published time.Duration
	Verdict   Verdict
}

// Drawn is a number that no other output has, of no other plan of any processor
// of this process; 0 is nobody's.
type Drawn uint64

var lastDrawn atomic.Uint64

// NewDrawn makes a number for each output of a plan: that of output i is i more.
func NewDrawn() Drawn { return Drawn(lastDrawn.Add(MaxOutputs)) }

// Geometry is the affine map from an output's coordinates to the camera's
// picture:
//
//	X = XX*x + XY*y + X0
//	Y = YX*x + YY*y + Y0
//
// Coordinates are continuous: pixel i covers i to i+1 and its centre is i+0.5.
type Geometry struct{ XX, XY, X0, YX, YY, Y0 float64 }

// Map gives the coordinates of a point of the output in the camera's picture.
func (g Geometry) Map(x, y float64) (float64, float64) {
	return g.XX*x + g.XY*y + g.X0, g.YX*x + g.YY*y + g.Y0
}

// ToCamera gives the camera's coordinates of a point of the image. It is false
// where the image shows nothing that the lens lets through.
func (img *Image) ToCamera(x, y float64) (float64, float64, bool) {
	return img.Lens.ToCamera(img.Geometry.Map(x, y))
}

// FromCamera gives the image's coordinates of a point of the camera's picture.
// It is false for points that the undistorted picture has nowhere.
func (img *Image) FromCamera(x, y float64) (float64, float64, bool) {
	x, y, ok := img.Lens.FromCamera(x, y)
	x, y = img.Geometry.Inverse().Map(x, y)
	return x, y, ok
}

// Reason says why a frame could not be preprocessed. Its String is the name
// of the drop in counters, logs and metrics.
type Reason uint8

const (
	// ReasonFailed: the preprocessor itself failed (memory, an OpenCV error).
	ReasonFailed Reason = iota
	// ReasonCorrupt: the bitstream is damaged.
	ReasonCorrupt
	// ReasonShort: fewer bytes than the geometry needs.
	ReasonShort
	// ReasonGeometry: the picture's size is not the negotiated one, or the
	// view does not fit into it.
	ReasonGeometry
	// ReasonUnsupported: no code for this pixel format or JPEG variant.
	ReasonUnsupported
	// ReasonTimedOut: the worker did not answer within the deadline.
	ReasonTimedOut
	// ReasonCrashed: the worker died, or lied, or there is none at the moment.
	ReasonCrashed
)

func (r Reason) String() string {
	return [...]string{"failed", "corrupt", "short", "geometry", "unsupported", "timed-out", "crashed"}[r]
}

// An Error is why Process refused a frame.
type Error struct {
	Reason Reason
	Detail string
}

func (e *Error) Error() string { return "preprocess: " + e.Reason.String() + ": " + e.Detail }
