package process

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/preproc/lens"
)

// dropped is the verdict on a frame without an image.
const dropped = "dropped"

// A runner holds what the frames of a run share.
type runner struct {
	options   *Options
	processor preproc.Processor
	judge     *preproc.Judge // of the input at hand
	specs     []preproc.Spec
	images    []*preproc.Image
	lines     *json.Encoder
	stems     map[string]bool // beginnings of file names that are taken
	store     store
}

// frame processes f and writes what became of it. from is what is known of it
// before.
func (r *runner) frame(ctx context.Context, from Result, stem string, f *capture.Frame) error {
	result := from
	result.Verdict = dropped
	if f.Fault != capture.FaultNone {
		// As in the daemon: what the source refuses is never decoded.
		result.Reason = f.Fault.String()
		return r.line(result)
	}
	r.fit(f)
	start := time.Now()
	measure, err := r.processor.Process(ctx, f, r.images)
	result.DurationUS = time.Since(start).Microseconds()
	if err != nil {
		refused, ok := errors.AsType[*preproc.Error](err)
		if !ok {
			return err
		}
		result.Reason, result.Detail = refused.Reason.String(), refused.Detail
		return r.line(result)
	}
	// Time passes as it does in the recording.
	at := time.Duration(f.Sequence) * f.Format.Interval
	verdict := r.judge.Frame(measure, at, 0)
	result.Verdict = verdict.String()
	result.Luma = []float32{measure.LumaLow, measure.LumaMean, measure.LumaHigh}
	result.Sharpness = &measure.Sharpness
	for _, img := range r.images {
		img.Verdict = verdict
		if err := r.image(result, stem, img); err != nil {
			return err
		}
	}
	return nil
}

// image writes one image of a frame and its line.
func (r *runner) image(result Result, stem string, img *preproc.Image) error {
	file, err := r.store.put(stem, result.Index, img)
	if err != nil {
		return &writeError{err}
	}
	sum := sha256.Sum256(img.Data)
	result.Output, result.File = img.Spec.Name, file
	result.Shape, result.DType = img.Spec.Shape(img.Width, img.Height), dtype(img)
	g := img.Geometry
	result.Geometry = []float64{g.XX, g.XY, g.X0, g.YX, g.YY, g.Y0}
	result.Camera = []int{img.CameraWidth, img.CameraHeight}
	if img.Lens.Model != lens.None {
		result.Lens = &img.Lens
	}
	result.SHA256 = hex.EncodeToString(sum[:])
	return r.line(result)
}

func (r *runner) line(result Result) error {
	if err := r.lines.Encode(result); err != nil {
		return &writeError{err}
	}
	return nil
}

// fit makes room for the images of f. What has no size, or one that only a
// damaged header claims, is left to the preprocessor to refuse.
func (r *runner) fit(f *capture.Frame) {
	for i := range r.specs {
		width, height, err := preproc.OutputSize(r.options.Camera.View, &r.specs[i], f.Format)
		if err != nil || width*height > preproc.MaxPixels {
			continue
		}
		if need := r.specs[i].MaxBytes(width, height); cap(r.images[i].Data) < need {
			r.images[i].Data = make([]byte, need)
		}
	}
}

// dtype is the type of the elements, or that the image is a file.
func dtype(img *preproc.Image) string {
	if img.Spec.Encode == preproc.JPEG {
		return img.Spec.Encode.String()
	}
	return img.Spec.DType.String()
}
