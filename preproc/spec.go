package preproc

import (
	"math"

	"github.com/edge-agent/agent/preproc/lens"
)

// The enumerations have the words of the config file as their text.
type (
	// Fit is how a picture of one aspect ratio fills another one.
	Fit uint8
	// Filter is how samples are made when the size changes.
	Filter uint8
	// Color is the order of the channels.
	Color uint8
	// DType is the type of an element.
	DType uint8
	// Layout is the order of the axes.
	Layout uint8
	// Encode says whether the output is a tensor or a file format.
	Encode uint8
	// Flip mirrors the picture.
	Flip uint8
)

const (
	// Letterbox keeps the aspect ratio and pads, centred.
	Letterbox Fit = iota
	// Stretch fills the output and gives up the aspect ratio.
	Stretch
	// Cover keeps the aspect ratio, fills the output and cuts what hangs over.
	Cover
	// Inside keeps the aspect ratio and pads nothing: the output is as large as
	// fits into Spec's size, and no larger than the view.
	Inside
)

const (
	// Area averages the source pixels that an output pixel covers, and is
	// bilinear when enlarging.
	Area Filter = iota
	// Linear is OpenCV's INTER_LINEAR.
	Linear
	// Nearest takes the source pixel under the output pixel's centre.
	Nearest
)

const (
	RGB Color = iota
	BGR
	Gray
)

const (
	Uint8 DType = iota
	Float32
	Float16
	// Int8 is two's complement.
	Int8
)

const (
	// HWC is rows, columns, channels.
	HWC Layout = iota
	// CHW is channels, rows, columns.
	CHW
)

const (
	// Raw outputs are tensors.
	Raw Encode = iota
	// JPEG outputs are baseline JFIF files.
	JPEG
)

const (
	FlipNone Flip = iota
	// FlipHorizontal swaps left and right.
	FlipHorizontal
	// FlipVertical swaps top and bottom.
	FlipVertical
	FlipBoth
)

// A Rect is a part of the camera's picture, undistorted where the view has a
// Lens, in its pixels. The zero Rect is the whole picture.
type Rect struct{ X, Y, Width, Height int }

// A View is what all outputs of a camera see: the picture is undistorted, then
// cropped, then rotated, then flipped.
type View struct {
	Crop Rect
	// CropWidth and CropHeight are of the picture that Crop is a part of; of
	// pictures of another size it is the same part. 0 means the size that there
	// is, whatever it is.
	CropWidth, CropHeight int
	// Rotate is clockwise, in degrees: 0, 90, 180 or 270.
	Rotate int
	Flip   Flip
	// Lens is that of the camera, for undistortion; the zero Lens means none.
	Lens lens.Lens
}

// A Spec says what one output looks like.
type Spec struct {
	Name string
	// Width and Height are the output's, in pixels, or with Inside the most that
	// they may be; 0 for both is the size of the view.
	Width, Height int
	Fit           Fit
	Filter        Filter
	// Pad is the value of letterbox borders in each channel, before
	// normalisation: 0 to 255.
	Pad    uint8
	Color  Color
	DType  DType
	Layout Layout
	// Mean and Std normalise: real = (v/255 - Mean) / Std, by channel in the
	// order of Color. A zero Std means 1. With neither given, reals run from 0
	// to 1. Float outputs are real.
	Mean, Std [3]float32
	// Scale and ZeroPoint quantise, as TensorFlow Lite and ONNX mean them:
	// integer outputs are real/Scale, rounded to the nearest, plus ZeroPoint,
	// held within the type. Without a Scale, uint8 is v and int8 is v - 128,
	// and neither is normalised.
	Scale     float32
	ZeroPoint int
	// Tone lifts what is dark, in the picture and not in its borders.
	Tone   Tone
	Encode Encode
	// Quality is the JPEG quality, 1 to 100.
	Quality int
}

// A Tone changes luma and leaves chroma as it is. The zero Tone changes nothing.
type Tone struct {
	// CLAHE is contrast-limited adaptive histogram equalisation, as cv::CLAHE
	// has it: Clip is its clip limit, 0 for none, and Columns x Rows tiles lie
	// over the picture.
	Clip          float32
	Columns, Rows int
	// Gamma, unless it is 0, makes luma from 0 to 1 luma to that power, after
	// CLAHE: below 1 is brighter.
	Gamma float32
}

// FollowsView says that the output's size depends on what the camera delivers.
func (s *Spec) FollowsView() bool { return s.Width == 0 || s.Fit == Inside }

// Channels is 1 for Gray, else 3.
func (s *Spec) Channels() int {
	if s.Color == Gray {
		return 1
	}
	return 3
}

// Float says that elements are real numbers.
func (d DType) Float() bool { return d == Float32 || d == Float16 }

// Range is the least and the most of an integer type.
func (d DType) Range() (least, most int) {
	if d == Int8 {
		return math.MinInt8, math.MaxInt8
	}
	return 0, math.MaxUint8
}

// Bytes is the size of one element.
func (d DType) Bytes() int {
	switch d {
	case Float32:
		return 4
	case Float16:
		return 2
	}
	return 1
}
