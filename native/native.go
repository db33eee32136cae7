// Package native is the C++ room and the only import "C" of the project.
//
// What enters: numbers that say how frames and outputs look, and the planes of
// one frame. What leaves: pixels in memory of the caller and a [Measure] of the
// frame, or a [*Error]. One
// call into C++ a frame. It never keeps a pointer, logs, or decides geometry:
// package preproc does that.
//
// A row of an output is made in three stages, each in a file of its name:
// resample (the source's rows and columns, still in its own colours), convert
// (colour, normalisation and element type), store (where pixels go, orientation,
// borders); decode or unpack stands before them and encode behind, to which
// planes brings luma and chroma as a file stores them; measure looks at the frame
// itself, when it has passed through the cache. No picture is ever made at the
// camera's size but of formats whose samples are no bytes, which unpack makes
// planes of, and a row stays in the cache. Their inner loops are the kernels and
// those of unpacking, written on Google Highway once for all instruction sets and
// once in plain C++, see kernels.h; simd chooses among them when a handle is made.
//
// Where there is a lens, remap stands between resample and convert. The frame is
// resampled to a picture of ours, which has 1.45 pixels for each of the content
// on an axis and four bytes a pixel, and rows are made of that one with the
// neighbours of each point. So one code undistorts every format, at a ratio at
// which the bilinear filter neither blurs nor misses pixels, and on every
// instruction set: a pixel with its neighbours is a vector, nothing is gathered.
// Where a row's pixels lie is a table, made with the handle, of a line for each
// eight of them: 2 bytes a pixel.
//
// tone stands there as well, behind the lens: CLAHE and gamma, on luma in levels.
// With CLAHE all rows of the content are kept until the last one was counted.
//
// Resampling is our own and not cv::resize, which takes whole pixels of one
// plane only: the chroma of an odd crop and the cut of a cover lie between
// samples, and YUYV would first have to be unpacked. Tests hold it to
// cv::resize where that can do the same.
package native

/*
#cgo CXXFLAGS: -std=c++17 -O3 -Wall -Wextra
#cgo testhooks CXXFLAGS: -DPREPROC_TESTHOOKS
#cgo noescape preproc_create
#cgo nocallback preproc_create
#cgo noescape preproc_run
#cgo nocallback preproc_run
#cgo nocallback preproc_destroy
#include "preproc.h"
*/
import "C"

import (
	"runtime"
	"unsafe"
)

// Limits of the C interface.
const (
	MaxSide    = C.PREPROC_MAX_SIDE
	MaxPixels  = C.PREPROC_MAX_PIXELS
	MaxOutputs = C.PREPROC_MAX_OUTPUTS
	MaxPlanes  = C.PREPROC_MAX_PLANES
)

// The values of [Format.Kind], Packing, Matrix and Range, and of
// [Output.Filter], Color, DType, Layout and Encode.
const (
	KindYUV, KindRGB, KindLuma   = C.PREPROC_KIND_YUV, C.PREPROC_KIND_RGB, C.PREPROC_KIND_LUMA
	KindBayer, KindHSV, KindJPEG = C.PREPROC_KIND_BAYER, C.PREPROC_KIND_HSV, C.PREPROC_KIND_JPEG
	Words, MIPI                  = C.PREPROC_WORDS, C.PREPROC_MIPI

	BT601, BT709, BT2020      = C.PREPROC_BT601, C.PREPROC_BT709, C.PREPROC_BT2020
	SMPTE240M, HSV180, HSV256 = C.PREPROC_SMPTE240M, C.PREPROC_HSV180, C.PREPROC_HSV256

	Limited, Full           = C.PREPROC_LIMITED, C.PREPROC_FULL
	Area, Linear, Nearest   = C.PREPROC_AREA, C.PREPROC_LINEAR, C.PREPROC_NEAREST
	RGB, BGR, Gray          = C.PREPROC_RGB, C.PREPROC_BGR, C.PREPROC_GRAY
	Uint8, Float32, Float16 = C.PREPROC_UINT8, C.PREPROC_FLOAT32, C.PREPROC_FLOAT16
	Int8                    = C.PREPROC_INT8
	HWC, CHW                = C.PREPROC_HWC, C.PREPROC_CHW
	Raw, JPEG               = C.PREPROC_RAW, C.PREPROC_JPEG
	Pinhole, Fisheye        = C.PREPROC_PINHOLE, C.PREPROC_FISHEYE
)

// A Status says what the caller does next; see preproc.h.
type Status int

// The statuses of refused work.
const (
	Failed      Status = C.PREPROC_FAILED
	Corrupt     Status = C.PREPROC_CORRUPT
	Short       Status = C.PREPROC_SHORT
	Geometry    Status = C.PREPROC_GEOMETRY
	Unsupported Status = C.PREPROC_UNSUPPORTED
	Argument    Status = C.PREPROC_ARGUMENT
)

func (s Status) String() string {
	return C.GoString(C.preproc_status_name(C.preproc_status(s)))
}

// An Error is why the C++ room refused.
type Error struct {
	Status Status
	Detail string
}

func (e *Error) Error() string { return e.Status.String() + ": " + e.Detail }

// A Plane is how a plane of frames lies in memory; see preproc_plane.
type Plane struct{ Stride, Bytes, Pixels, Rows int }

// A Component is where the bits of a component are; see preproc_component.
type Component struct {
	Plane, Offset, Step, Word int
	BigEndian                 bool
	Shift, Bits, HSub, VSub   int
}

// A Format is how the frames of a [Handle] look; see preproc_format.
type Format struct {
	Width, Height          int
	Kind, Packing          int
	RedX, RedY             int
	PlaneCount, Components int
	Planes                 [MaxPlanes]Plane
	Component              [3]Component
	Matrix, Range          int
}

// A Span is a part of an axis pair, in pixels of the camera or the output.
type Span struct{ X, Y, Width, Height int }

// An Output is what one output looks like and which part of the camera's
// picture it shows; see preproc_output in preproc.h.
type Output struct {
	Width, Height                               int
	Content                                     Span
	RegionX, RegionY, RegionWidth, RegionHeight float64
	Bounds                                      Span
	Transpose, ReverseX, ReverseY               bool
	Filter, Pad, Color, DType, Layout, Encode   int
	Quality                                     int
	Mean, Std                                   [3]float32
	Scale                                       float32
	ZeroPoint                                   int
	Gamma, CLAHEClip                            float32
	CLAHEColumns, CLAHERows                     int
	Lens                                        Lens
}

// A Lens is what bends the camera's pictures, see preproc_lens in preproc.h; of
// Model 0 it is none.
type Lens struct {
	Model, Width, Height int
	Camera, Picture      [4]float64
	Coefficients         [14]float64
	Limit                float64
}

// A Handle preprocesses frames of one format. One goroutine uses it, and closes
// it.
type Handle struct {
	c       *C.preproc
	written [MaxOutputs]C.uint64_t
	measure C.preproc_measure
	err     C.preproc_error
}

// A Measure is what the samples of a frame say about the camera; see preproc.h.
type Measure struct {
	Content                     uint64
	LumaLow, LumaMean, LumaHigh float32
	Sharpness                   float32
}

// New makes a handle for frames of format f. All memory is allocated here,
// except that a JPEG frame whose chroma sampling differs from the one before
// makes new tables.
func New(f *Format, outputs []Output) (*Handle, error) {
	format := cFormat(f)
	list := make([]C.preproc_output, len(outputs))
	for i := range outputs {
		list[i] = cOutput(&outputs[i])
	}
	h := new(Handle)
	status := C.preproc_create(&format, unsafe.SliceData(list), C.size_t(len(list)), &h.c, &h.err)
	if status != C.PREPROC_OK {
		return nil, h.error(status)
	}
	return h, nil
}

// Close frees the handle. It may be called again.
func (h *Handle) Close() {
	C.preproc_destroy(h.c)
	h.c = nil
}

// Run preprocesses one frame into the outputs that are not nil, and cuts them
// to the bytes written. Bit i of bordered says that the border of output i stands
// already, see preproc_run. It measures the frame unless m is nil. It does not
// allocate unless it fails.
func (h *Handle) Run(sequence uint64, planes *[MaxPlanes][]byte, outputs *[MaxOutputs][]byte, bordered uint32, m *Measure) error {
	in := func(i int) (*C.uint8_t, C.size_t) { return start(planes[i]), C.size_t(len(planes[i])) }
	out := func(i int) (*C.uint8_t, C.size_t) { return start(outputs[i]), C.size_t(cap(outputs[i])) }
	p0, n0 := in(0)
	p1, n1 := in(1)
	p2, n2 := in(2)
	o0, c0 := out(0)
	o1, c1 := out(1)
	o2, c2 := out(2)
	o3, c3 := out(3)
	o4, c4 := out(4)
	o5, c5 := out(5)
	o6, c6 := out(6)
	o7, c7 := out(7)
	var measure *C.preproc_measure
	if m != nil {
		measure = &h.measure
	}
	status := C.preproc_run(h.c, C.uint64_t(sequence), p0, n0, p1, n1, p2, n2,
		o0, c0, o1, c1, o2, c2, o3, c3, o4, c4, o5, c5, o6, c6, o7, c7,
		C.uint32_t(bordered), &h.written[0], measure, &h.err)
	runtime.KeepAlive(h)
	if status != C.PREPROC_OK {
		return h.error(status)
	}
	for i := range outputs {
		if outputs[i] != nil {
			outputs[i] = outputs[i][:h.written[i]]
		}
	}
	if m != nil {
		*m = Measure{
			Content: uint64(h.measure.content), Sharpness: float32(h.measure.sharpness),
			LumaLow: float32(h.measure.luma_low), LumaMean: float32(h.measure.luma_mean), LumaHigh: float32(h.measure.luma_high),
		}
	}
	return nil
}

func (h *Handle) error(status C.preproc_status) error {
	return &Error{Status(status), C.GoString(&h.err.detail[0])}
}

// start is the first byte of b's memory, which may be empty but has capacity.
func start(b []byte) *C.uint8_t { return (*C.uint8_t)(unsafe.SliceData(b)) }

func cFormat(f *Format) C.preproc_format {
	format := C.preproc_format{
		width: int32Of(f.Width), height: int32Of(f.Height),
		kind: C.int32_t(f.Kind), packing: C.int32_t(f.Packing),
		red_x: C.int32_t(f.RedX), red_y: C.int32_t(f.RedY),
		planes: C.int32_t(f.PlaneCount), components: C.int32_t(f.Components),
		matrix: C.int32_t(f.Matrix), _range: C.int32_t(f.Range),
	}
	for i, p := range f.Planes {
		format.plane[i] = C.preproc_plane{
			stride: int32Of(p.Stride), bytes: C.int32_t(p.Bytes), pixels: C.int32_t(p.Pixels), rows: C.int32_t(p.Rows),
		}
	}
	for i, c := range f.Component {
		format.component[i] = C.preproc_component{
			plane: C.int32_t(c.Plane), offset: C.int32_t(c.Offset), step: C.int32_t(c.Step), word: C.int32_t(c.Word),
			big_endian: truth(c.BigEndian), shift: C.int32_t(c.Shift), bits: C.int32_t(c.Bits),
			hsub: C.int32_t(c.HSub), vsub: C.int32_t(c.VSub),
		}
	}
	return format
}

func cOutput(o *Output) C.preproc_output {
	c := C.preproc_output{
		width: int32Of(o.Width), height: int32Of(o.Height),
		content_x: int32Of(o.Content.X), content_y: int32Of(o.Content.Y),
		content_width: int32Of(o.Content.Width), content_height: int32Of(o.Content.Height),
		region_x: C.double(o.RegionX), region_y: C.double(o.RegionY),
		region_width: C.double(o.RegionWidth), region_height: C.double(o.RegionHeight),
		bounds_x: int32Of(o.Bounds.X), bounds_y: int32Of(o.Bounds.Y),
		bounds_width: int32Of(o.Bounds.Width), bounds_height: int32Of(o.Bounds.Height),
		transpose: truth(o.Transpose), reverse_x: truth(o.ReverseX), reverse_y: truth(o.ReverseY),
		filter: C.int32_t(o.Filter), pad: C.int32_t(o.Pad), color: C.int32_t(o.Color),
		dtype: C.int32_t(o.DType), layout: C.int32_t(o.Layout), encode: C.int32_t(o.Encode),
		quality: C.int32_t(o.Quality), scale: C.float(o.Scale), zero_point: C.int32_t(o.ZeroPoint),
		gamma: C.float(o.Gamma), clahe_clip: C.float(o.CLAHEClip),
		clahe_columns: int32Of(o.CLAHEColumns), clahe_rows: int32Of(o.CLAHERows),
		lens: cLens(&o.Lens),
	}
	for i := range 3 {
		c.mean[i], c.std[i] = C.float(o.Mean[i]), C.float(o.Std[i])
	}
	return c
}

func cLens(l *Lens) C.preproc_lens {
	c := C.preproc_lens{model: C.int32_t(l.Model), width: int32Of(l.Width), height: int32Of(l.Height), limit: C.double(l.Limit)}
	for i := range l.Camera {
		c.camera[i], c.picture[i] = C.double(l.Camera[i]), C.double(l.Picture[i])
	}
	for i, k := range l.Coefficients {
		c.coefficients[i] = C.double(k)
	}
	return c
}

// int32Of holds what does not fit at a value that the C++ room refuses.
func int32Of(v int) C.int32_t {
	if v < -1 || v > 1<<31-1 {
		return -1
	}
	return C.int32_t(v)
}

func truth(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}

// Versions are those of the libraries that were built in, and the instruction
// sets that OpenCV finds and uses on this processor.
type Versions struct {
	OpenCV, JPEG    string
	InstructionSets string
}

// Kernels is the instruction set of the kernels, such as "avx2": the best that
// the processor has, or the one that the environment variable AGENT_SIMD names.
// It fails when that is none that would work here.
func Kernels() (string, error) {
	var name *C.char
	var e C.preproc_error
	if status := C.preproc_kernels(&name, &e); status != C.PREPROC_OK {
		return "", &Error{Status(status), C.GoString(&e.detail[0])}
	}
	return C.GoString(name), nil
}

// LibraryVersions asks the C++ room what it is made of.
func LibraryVersions() Versions {
	return Versions{
		OpenCV:          C.GoString(C.preproc_opencv_version()),
		JPEG:            C.GoString(C.preproc_jpeg_version()),
		InstructionSets: C.GoString(C.preproc_instruction_sets()),
	}
}
