package preproc

import (
	"errors"
	"fmt"
	"math"

	"github.com/edge-agent/agent/native"
)

// What the preprocessor takes: pixels on a side and in all of a frame or an
// output, and outputs of a camera.
const (
	MaxSide    = native.MaxSide
	MaxPixels  = native.MaxPixels
	MaxOutputs = native.MaxOutputs
)

// Validate reports every fault of the view at once: the field, what was found
// and what is allowed.
func (v View) Validate() error {
	var faults []error
	if v.Rotate != 0 && v.Rotate != 90 && v.Rotate != 180 && v.Rotate != 270 {
		faults = append(faults, fmt.Errorf("rotate is %d; allowed: 0, 90, 180, 270", v.Rotate))
	}
	faults = append(faults, checkWord("flip", flipWords, v.Flip))
	if c := v.Crop; c != (Rect{}) && (c.X < 0 || c.Y < 0 || c.Width < 1 || c.Height < 1) {
		faults = append(faults, fmt.Errorf("crop is %d,%d,%dx%d; allowed: x and y from 0, a size from 1x1",
			c.X, c.Y, c.Width, c.Height))
	}
	if v.CropWidth < 0 || v.CropHeight < 0 || v.CropWidth > MaxSide || v.CropHeight > MaxSide {
		faults = append(faults, fmt.Errorf("crop is of a picture of %dx%d; allowed: sides of 0 to %d", v.CropWidth, v.CropHeight, MaxSide))
	}
	return errors.Join(faults...)
}

// Validate reports every fault of the spec at once: the field, what was found
// and what is allowed.
func (s *Spec) Validate() error {
	faults := []error{
		s.checkSize(),
		checkWord("fit", fitWords, s.Fit),
		checkWord("filter", filterWords, s.Filter),
		checkWord("color", colorWords, s.Color),
		checkWord("dtype", dtypeWords, s.DType),
		checkWord("layout", layoutWords, s.Layout),
		checkWord("encode", encodeWords, s.Encode),
		s.Tone.check(),
	}
	if s.Encode == JPEG {
		faults = append(faults, s.checkJPEG())
	}
	faults = append(faults, s.checkNormalisation()...)
	return errors.Join(append(faults, s.checkQuantisation()...)...)
}

func (s *Spec) checkSize() error {
	if s.Width == 0 && s.Height == 0 {
		return nil
	}
	if s.Width < 1 || s.Height < 1 || s.Width > MaxSide || s.Height > MaxSide ||
		s.Width*s.Height > MaxPixels {
		return fmt.Errorf("size is %dx%d; allowed: sides of 1 to %d and %d pixels, or neither given for the size of the view",
			s.Width, s.Height, MaxSide, MaxPixels)
	}
	return nil
}

func (t *Tone) check() error {
	var faults []error
	if t.Gamma != 0 && !(t.Gamma >= 0.05 && t.Gamma <= 20) {
		faults = append(faults, fmt.Errorf("gamma is %v; allowed: 0.05 to 20", t.Gamma))
	}
	if t.Clip != 0 && !(t.Clip >= 0.1 && t.Clip <= 256) {
		faults = append(faults, fmt.Errorf("clip of clahe is %v; allowed: 0.1 to 256", t.Clip))
	}
	if t.Clip != 0 && (t.Columns < 1 || t.Rows < 1 || t.Columns > 64 || t.Rows > 64) {
		faults = append(faults, fmt.Errorf("tiles of clahe are %dx%d; allowed: 1 to 64 on a side", t.Columns, t.Rows))
	}
	return errors.Join(faults...)
}

func (s *Spec) checkJPEG() error {
	var faults []error
	if s.Quality < 1 || s.Quality > 100 {
		faults = append(faults, fmt.Errorf("quality is %d; allowed: 1 to 100", s.Quality))
	}
	if s.DType != Uint8 {
		faults = append(faults, fmt.Errorf("dtype is %v; allowed with encode jpeg: uint8", s.DType))
	}
	return errors.Join(faults...)
}

func (s *Spec) checkNormalisation() []error {
	var faults []error
	if !s.DType.Float() && s.Scale == 0 && (s.Mean != [3]float32{} || !plain(s.Std)) {
		faults = append(faults, fmt.Errorf("mean is %v and std is %v; allowed only with dtype float32 or float16, or with a scale", s.Mean, s.Std))
	}
	for c, std := range s.Std[:s.Channels()] {
		mean := s.Mean[c]
		if math.IsNaN(float64(mean)) || math.IsInf(float64(mean), 0) {
			faults = append(faults, fmt.Errorf("mean[%d] is %v; allowed: finite numbers", c, mean))
		}
		if !(std >= 0) || math.IsInf(float64(std), 0) {
			faults = append(faults, fmt.Errorf("std[%d] is %v; allowed: finite numbers above 0", c, std))
		}
	}
	return faults
}

func (s *Spec) checkQuantisation() []error {
	if s.Scale == 0 {
		if s.ZeroPoint != 0 {
			return []error{fmt.Errorf("zero-point is %d; allowed only with a scale", s.ZeroPoint)}
		}
		return nil
	}
	var faults []error
	if s.DType.Float() || s.Encode == JPEG {
		faults = append(faults, fmt.Errorf("scale is %v; allowed only with dtype uint8 or int8 of raw outputs", s.Scale))
	}
	if !(s.Scale >= 1e-6 && s.Scale <= 1e6) {
		faults = append(faults, fmt.Errorf("scale is %v; allowed: 1e-6 to 1e6", s.Scale))
	}
	for c, std := range s.Std[:s.Channels()] {
		if std != 0 && !(std*s.Scale >= 1e-6) || !(math.Abs(float64(s.Mean[c])) <= 1000) {
			faults = append(faults, fmt.Errorf("channel %d has mean %v and std %v; allowed with a scale: mean within 1000 of 0, std * scale of 1e-6 or more", c, s.Mean[c], std))
		}
	}
	if least, most := s.DType.Range(); s.ZeroPoint < least || s.ZeroPoint > most {
		faults = append(faults, fmt.Errorf("zero-point is %d; allowed with dtype %v: %d to %d", s.ZeroPoint, s.DType, least, most))
	}
	return faults
}

// plain says that a std changes nothing.
func plain(std [3]float32) bool {
	for _, v := range std {
		if v != 0 && v != 1 {
			return false
		}
	}
	return true
}

func checkWord[T ~uint8](field string, words []string, v T) error {
	_, err := marshalWord(field, words, v)
	return err
}

// Shape is the shape of the output's array when its size is width x height, in
// the order of Layout. An encoded output is shaped as its pixels would be.
func (s *Spec) Shape(width, height int) []int {
	if s.Layout == CHW && s.Encode == Raw {
		return []int{s.Channels(), height, width}
	}
	return []int{height, width, s.Channels()}
}

// MaxBytes is the most bytes that the output can have when its size is width x
// height: exact for raw outputs, a bound for JPEG.
func (s *Spec) MaxBytes(width, height int) int {
	if s.Encode == Raw {
		return width * height * s.Channels() * s.DType.Bytes()
	}
	// The worst that Huffman coding can do to a block of 64 samples is below 2
	// bytes a sample; 4:2:0 has 1.5 samples a pixel.
	const blocks, headers = 16, 2048
	roundUp := func(v int) int { return (v + blocks - 1) / blocks * blocks }
	return roundUp(width)*roundUp(height)*3 + headers
}
