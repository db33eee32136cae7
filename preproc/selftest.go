package preproc

import (
	"context"
	"fmt"
	"image"

	"gocv.io/x/gocv"

	"github.com/edge-agent/agent/capture"
)

// The known-answer frame: small, so that the test is cheap enough to run on a
// period, and of odd proportions, so that no mistake in geometry hides.
const (
	knownWidth, knownHeight   = 96, 62
	resultWidth, resultHeight = 41, 29
)

// SelfTest is [SelfTestOf] of processors in this process.
func SelfTest() error {
	return SelfTestOf(Open)
}

// SelfTestOf sends a known frame of each kind through a processor of its own,
// which open makes, and compares what comes out with plain OpenCV: resize for
// the geometry, cvtColor for the colours, and both again behind a JPEG made of
// the frame. An error says what was wrong; the preprocessor must not be trusted
// then.
func SelfTestOf(open func(View, []Spec) (Processor, error)) error {
	for _, test := range []struct {
		name string
		run  func(tested) error
	}{
		{"resize", tested.resize}, {"color", tested.color}, {"jpeg", tested.jpeg},
	} {
		if err := test.run(open); err != nil {
			return fmt.Errorf("self-test of the preprocessor: %s: %w", test.name, err)
		}
	}
	return nil
}

// knownPicture is a picture of slopes in each channel, packed.
func knownPicture() []byte {
	pixels := make([]byte, 0, knownWidth*knownHeight*3)
	for y := range knownHeight {
		for x := range knownWidth {
			pixels = append(pixels, byte(x*255/(knownWidth-1)), byte(y*255/(knownHeight-1)), byte((x+2*y)%200))
		}
	}
	return pixels
}

func knownFrame(p capture.PixelFormat, stride int, data []byte) *capture.Frame {
	f := &capture.Frame{Format: capture.DefaultFormat(p, knownWidth, knownHeight)}
	f.Format.Stride[0] = stride
	f.Planes[0] = data
	return f
}

// tested makes the processors that are tested.
type tested func(View, []Spec) (Processor, error)

// once runs a frame through a processor made for it.
func (open tested) once(f *capture.Frame, s Spec) ([]byte, error) {
	p, err := open(View{}, []Spec{s})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	width, height, err := OutputSize(View{}, &s, f.Format)
	if err != nil {
		return nil, err
	}
	img := &Image{Data: make([]byte, 0, s.MaxBytes(width, height))}
	_, err = p.Process(context.Background(), f, []*Image{img})
	return img.Data, err
}

func (open tested) resize() error {
	pixels := knownPicture()
	// First of all, since making a processor tells OpenCV to start no threads.
	got, err := open.once(knownFrame(capture.RGB3, knownWidth*3, pixels),
		Spec{Width: resultWidth, Height: resultHeight, Fit: Stretch, Filter: Linear})
	if err != nil {
		return err
	}
	want, err := resized(pixels, gocv.InterpolationLinear)
	if err != nil {
		return err
	}
	return alike(got, want, 1)
}

// color has many pairs of luma and chroma. They change from row to row only:
// along a row OpenCV repeats the chroma samples, where we interpolate.
func (open tested) color() error {
	packed := make([]byte, 0, knownWidth*knownHeight*2)
	for y := range knownHeight {
		for range knownWidth / 2 {
			luma := byte(16 + y*219/(knownHeight-1))
			packed = append(packed, luma, byte(40+y*3), luma, byte(220-y*3))
		}
	}
	want, err := converted(packed)
	if err != nil {
		return err
	}
	got, err := open.once(knownFrame(capture.YUYV, knownWidth*2, packed), Spec{})
	if err != nil {
		return err
	}
	return alike(got, want, 1)
}

func (open tested) jpeg() error {
	pixels := knownPicture()
	file, err := open.once(knownFrame(capture.RGB3, knownWidth*3, pixels), Spec{Encode: JPEG, Quality: 100})
	if err != nil {
		return err
	}
	want, err := resized(pixels, gocv.InterpolationArea)
	if err != nil {
		return err
	}
	got, err := open.once(knownFrame(capture.MJPG, 0, file), Spec{Width: resultWidth, Height: resultHeight, Fit: Stretch})
	if err != nil {
		return err
	}
	// The file's chroma is coarser, and there is an edge in the blue channel:
	// most values are close, and none can be held to more.
	return alikeMostly(got, want, 8, len(want)/10)
}

// resized is the known picture at the result's size by OpenCV.
func resized(pixels []byte, filter gocv.InterpolationFlags) ([]byte, error) {
	return byOpenCV(pixels, gocv.MatTypeCV8UC3, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.Resize(from, to, image.Pt(resultWidth, resultHeight), 0, 0, filter)
	})
}

// converted is a packed YUYV picture as RGB by OpenCV (BT.601, limited range).
func converted(packed []byte) ([]byte, error) {
	return byOpenCV(packed, gocv.MatTypeCV8UC2, func(from gocv.Mat, to *gocv.Mat) error {
		return gocv.CvtColor(from, to, gocv.ColorYUVToRGBYUY2)
	})
}

func byOpenCV(pixels []byte, kind gocv.MatType, do func(from gocv.Mat, to *gocv.Mat) error) ([]byte, error) {
	from, err := gocv.NewMatFromBytes(knownHeight, knownWidth, kind, pixels)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	to := gocv.NewMat()
	defer to.Close()
	if err := do(from, &to); err != nil {
		return nil, err
	}
	return to.ToBytes(), nil
}

// alike says that no value is further than allowed from the one wanted.
func alike(got, want []byte, allowed int) error { return alikeMostly(got, want, allowed, 0) }

// alikeMostly lets a number of values be further away.
func alikeMostly(got, want []byte, allowed, exceptions int) error {
	if len(got) != len(want) {
		return fmt.Errorf("%d bytes, OpenCV has %d", len(got), len(want))
	}
	first, far := -1, 0
	for i := range got {
		if d := int(got[i]) - int(want[i]); d > allowed || d < -allowed {
			if far++; first < 0 {
				first = i
			}
		}
	}
	if far > exceptions {
		return fmt.Errorf("%d of %d values are off by more than %d; at byte %d there is %d, OpenCV has %d",
			far, len(got), allowed, first, got[first], want[first])
	}
	return nil
}
