package v4l2

import "github.com/edge-agent/agent/capture"

// Values of enum v4l2_colorspace, v4l2_ycbcr_encoding, v4l2_hsv_encoding and
// v4l2_quantization.
const (
	colorspaceSMPTE240M = 2
	colorspaceREC709    = 3
	colorspaceJPEG      = 7
	colorspaceSRGB      = 8
	colorspaceBT2020    = 10
	colorspaceDCIP3     = 12

	ycbcrEnc601       = 1
	ycbcrEnc709       = 2
	ycbcrEncXV601     = 3
	ycbcrEncXV709     = 4
	ycbcrEncBT2020    = 6
	ycbcrEncBT2020CL  = 7
	ycbcrEncSMPTE240M = 8
	hsvEnc180         = 128

	quantizationFull = 1
	quantizationLim  = 2
)

// color resolves defaults as the macros V4L2_MAP_COLORSPACE_DEFAULT,
// V4L2_MAP_YCBCR_ENC_DEFAULT and V4L2_MAP_QUANTIZATION_DEFAULT do, for a source
// that is neither SDTV nor HDTV: a driver of those says so. The transfer
// function is left as it is: models are trained on pictures that have one.
func (a agreed) color() (capture.Matrix, capture.Range) {
	kind := logical(a.fourcc).Layout().Kind
	switch kind {
	case capture.Compressed:
		return capture.BT601, capture.Full // JFIF
	case capture.HSV:
		if a.ycbcrEnc == hsvEnc180 { // the field is a union of both encodings
			return capture.HSV180, capture.Full
		}
		return kind.DefaultColors()
	case capture.YUV:
		enc := a.encoding()
		return matrixOf(enc), a.rangeOf(kind, enc)
	}
	return capture.BT601, a.rangeOf(kind, 0) // one matrix, so that equal formats compare equal
}

// encoding is that of Y'CbCr, never the default.
func (a agreed) encoding() uint32 {
	if a.ycbcrEnc != 0 {
		return a.ycbcrEnc
	}
	switch a.colorspace {
	case colorspaceREC709, colorspaceDCIP3:
		return ycbcrEnc709
	case colorspaceBT2020:
		return ycbcrEncBT2020
	case colorspaceSMPTE240M:
		return ycbcrEncSMPTE240M
	}
	return ycbcrEnc601
}

// rangeOf is full by default for R'G'B' and, unlike what the macro says, for
// luma alone and samples behind a colour filter; see [capture.Kind.DefaultColors].
// The extended gamuts of xvYCC have a limited range whatever the driver says,
// in which the rest of the codes are colours, too (V4L2 manual, "Colorspaces").
func (a agreed) rangeOf(kind capture.Kind, enc uint32) capture.Range {
	switch {
	case enc == ycbcrEncXV601 || enc == ycbcrEncXV709 || a.quantization == quantizationLim:
		return capture.Limited
	case a.quantization == quantizationFull || a.colorspace == colorspaceJPEG:
		return capture.Full
	}
	_, r := kind.DefaultColors()
	return r
}

// matrixOf takes BT.2020 with constant luminance for the one without.
func matrixOf(enc uint32) capture.Matrix {
	switch enc {
	case ycbcrEnc709, ycbcrEncXV709:
		return capture.BT709
	case ycbcrEncBT2020, ycbcrEncBT2020CL:
		return capture.BT2020
	case ycbcrEncSMPTE240M:
		return capture.SMPTE240M
	}
	return capture.BT601
}
