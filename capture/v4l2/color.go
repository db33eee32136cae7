package v4l2

import "github.com/edge-agent/agent/capture"

// Values of enum v4l2_colorspace, v4l2_ycbcr_encoding and v4l2_quantization.
const (
	colorspaceSMPTE240M = 2
	colorspaceREC709    = 3
	colorspaceJPEG      = 7
	colorspaceSRGB      = 8
	colorspaceBT2020    = 10
	colorspaceDCIP3     = 12

	ycbcrEnc601       = 1
	ycbcrEnc709       = 2
	ycbcrEncXV709     = 4
	ycbcrEncBT2020    = 6
	ycbcrEncBT2020CL  = 7
	ycbcrEncSMPTE240M = 8

	quantizationFull = 1
	quantizationLim  = 2
)

// color resolves defaults as the macros V4L2_MAP_COLORSPACE_DEFAULT,
// V4L2_MAP_YCBCR_ENC_DEFAULT and V4L2_MAP_QUANTIZATION_DEFAULT do, for a source
// that is neither SDTV nor HDTV.
func (a agreed) color() (capture.Matrix, capture.Range) {
	cs, enc, q := a.colorspace, a.ycbcrEnc, a.quantization
	if cs == 0 {
		cs = colorspaceSRGB
	}
	if enc == 0 {
		enc = defaultEncoding(cs)
	}
	p := logical(a.fourcc)
	rgb := p == capture.RGB3 || p == capture.BGR3
	if q == 0 {
		q = quantizationLim
		// Luma alone is no Y'CbCr: the macro is not meant for it, and sensors
		// as well as vivid fill the whole byte.
		if rgb || p == capture.GREY || cs == colorspaceJPEG {
			q = quantizationFull
		}
	}
	r := capture.Limited
	if q == quantizationFull {
		r = capture.Full
	}
	if rgb { // no matrix: one value, so that equal formats compare equal
		return capture.BT601, r
	}
	return matrixOf(enc), r
}

func defaultEncoding(colorspace uint32) uint32 {
	switch colorspace {
	case colorspaceREC709, colorspaceDCIP3:
		return ycbcrEnc709
	case colorspaceBT2020:
		return ycbcrEncBT2020
	case colorspaceSMPTE240M:
		return ycbcrEncSMPTE240M
	}
	return ycbcrEnc601
}

// matrixOf takes SMPTE 240M for BT.709, whose coefficients are within 0.015,
// and BT.2020 with constant luminance for the one without.
func matrixOf(enc uint32) capture.Matrix {
	switch enc {
	case ycbcrEnc709, ycbcrEncXV709, ycbcrEncSMPTE240M:
		return capture.BT709
	case ycbcrEncBT2020, ycbcrEncBT2020CL:
		return capture.BT2020
	}
	return capture.BT601
}
