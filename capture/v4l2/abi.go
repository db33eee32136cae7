package v4l2

import "unsafe"

// The structures of linux/videodev2.h on 64-bit machines, where amd64 and arm64
// agree, under their names there without the prefix v4l2_. abi_test.go holds
// their sizes and offsets against what a C compiler says.

type capability struct {
	driver                            [16]byte
	card, busInfo                     [32]byte
	version, capabilities, deviceCaps uint32
	reserved                          [3]uint32
}

type fmtdesc struct {
	index, typ, flags     uint32
	description           [32]byte
	pixelformat, mbusCode uint32
	reserved              [3]uint32
}

// frmsizeenum has its union spelled as the stepwise member; a discrete size
// lies in the first two fields of it.
type frmsizeenum struct {
	index, pixelformat, typ          uint32
	minWidth, maxWidth, stepWidth    uint32
	minHeight, maxHeight, stepHeight uint32
	reserved                         [2]uint32
}

type fract struct{ numerator, denominator uint32 }

// frmivalenum has its union spelled as the stepwise member; a discrete
// interval lies in min.
type frmivalenum struct {
	index, pixelformat, width, height, typ uint32
	min, max, step                         fract
	reserved                               [2]uint32
}

type format struct {
	typ uint32
	_   uint32
	raw [25]uint64 // the union, aligned as its pointers are
}

func (f *format) pix() *pixFormat         { return (*pixFormat)(unsafe.Pointer(&f.raw)) }
func (f *format) pixMp() *pixFormatMplane { return (*pixFormatMplane)(unsafe.Pointer(&f.raw)) }

type pixFormat struct {
	width, height, pixelformat, field         uint32
	bytesperline, sizeimage, colorspace, priv uint32
	flags, ycbcrEnc, quantization, xferFunc   uint32
}

type planePixFormat struct {
	sizeimage, bytesperline uint32
	reserved                [6]uint16
}

type pixFormatMplane struct {
	width, height, pixelformat, field, colorspace      uint32
	planeFmt                                           [maxMemoryPlanes]planePixFormat
	numPlanes, flags, ycbcrEnc, quantization, xferFunc uint8
	reserved                                           [7]uint8
}

// streamparm has its union spelled as the capture member.
type streamparm struct {
	typ                     uint32
	capability, capturemode uint32
	timeperframe            fract
	extendedmode            uint32
	readbuffers             uint32
	reserved                [44]uint32
}

type requestbuffers struct {
	count, typ, memory, capabilities uint32
	flags                            uint8
	reserved                         [3]uint8
}

type exportbuffer struct {
	typ, index, plane, flags uint32
	fd                       int32
	reserved                 [11]uint32
}

type timeval struct{ sec, usec int64 }

type buffer struct {
	index, typ, bytesused, flags, field uint32
	timestamp                           timeval
	timecode                            [4]uint32
	sequence, memory                    uint32
	m                                   uint64 // offset, or the address of the planes
	length, reserved2, requestFD, _     uint32
}

type plane struct {
	bytesused, length uint32
	m                 uint64 // offset
	dataOffset        uint32
	_                 [11]uint32
}

type queryExtCtrl struct {
	id, typ                          uint32
	name                             [32]byte
	minimum, maximum                 int64
	step                             uint64
	defaultValue                     int64
	flags, elemSize, elems, nrOfDims uint32
	dims                             [4]uint32
	reserved                         [32]uint32
}

type querymenu struct {
	id, index uint32
	name      [32]byte // or an int64
	reserved  uint32
}

// extControl is packed in C: its value is not aligned to its own size.
type extControl struct {
	id, _, _ uint32
	value    [2]uint32 // an int32 in the first, or an int64 in both
}

type extControls struct {
	which, count, errorIdx, requestFD, reserved, _ uint32
	controls                                       *extControl
}

const (
	maxMemoryPlanes = 8  // VIDEO_MAX_PLANES
	maxBuffers      = 32 // VIDEO_MAX_FRAME

	capVideoCapture       = 0x00000001
	capVideoOutput        = 0x00000002
	capVideoCaptureMplane = 0x00001000
	capVideoM2MMplane     = 0x00004000
	capVideoM2M           = 0x00008000
	capReadWrite          = 0x01000000
	capStreaming          = 0x04000000
	capDeviceCaps         = 0x80000000
	capTimeperframe       = 0x1000 // of streamparm

	bufTypeVideoCapture       = 1
	bufTypeVideoOutput        = 2
	bufTypeVideoCaptureMplane = 9
	memoryMmap                = 1

	frmTypeDiscrete   = 1 // of sizes and intervals alike
	frmTypeContinuous = 2

	pixFmtPrivMagic = 0xfeedcafe

	bufFlagError              = 0x00000040
	bufFlagTimestampMask      = 0x0000e000
	bufFlagTimestampMonotonic = 0x00002000

	fieldAny       = 0
	fieldNone      = 1
	fieldSeqTB     = 5
	fieldSeqBT     = 6
	fieldAlternate = 7
)

// ioctl numbers, as _IOC of asm-generic/ioctl.h makes them.
const (
	iocWrite, iocRead = 1 << 30, 2 << 30
	iocV              = 'V' << 8

	vidiocQuerycap           = iocRead | iocV | unsafe.Sizeof(capability{})<<16
	vidiocEnumFmt            = iocRead | iocWrite | iocV | unsafe.Sizeof(fmtdesc{})<<16 | 2
	vidiocGFmt               = iocRead | iocWrite | iocV | unsafe.Sizeof(format{})<<16 | 4
	vidiocSFmt               = iocRead | iocWrite | iocV | unsafe.Sizeof(format{})<<16 | 5
	vidiocReqbufs            = iocRead | iocWrite | iocV | unsafe.Sizeof(requestbuffers{})<<16 | 8
	vidiocQuerybuf           = iocRead | iocWrite | iocV | unsafe.Sizeof(buffer{})<<16 | 9
	vidiocQbuf               = iocRead | iocWrite | iocV | unsafe.Sizeof(buffer{})<<16 | 15
	vidiocExpbuf             = iocRead | iocWrite | iocV | unsafe.Sizeof(exportbuffer{})<<16 | 16
	vidiocDqbuf              = iocRead | iocWrite | iocV | unsafe.Sizeof(buffer{})<<16 | 17
	vidiocStreamon           = iocWrite | iocV | unsafe.Sizeof(int32(0))<<16 | 18
	vidiocStreamoff          = iocWrite | iocV | unsafe.Sizeof(int32(0))<<16 | 19
	vidiocGParm              = iocRead | iocWrite | iocV | unsafe.Sizeof(streamparm{})<<16 | 21
	vidiocSParm              = iocRead | iocWrite | iocV | unsafe.Sizeof(streamparm{})<<16 | 22
	vidiocQuerymenu          = iocRead | iocWrite | iocV | unsafe.Sizeof(querymenu{})<<16 | 37
	vidiocGExtCtrls          = iocRead | iocWrite | iocV | unsafe.Sizeof(extControls{})<<16 | 71
	vidiocSExtCtrls          = iocRead | iocWrite | iocV | unsafe.Sizeof(extControls{})<<16 | 72
	vidiocEnumFramesizes     = iocRead | iocWrite | iocV | unsafe.Sizeof(frmsizeenum{})<<16 | 74
	vidiocEnumFrameintervals = iocRead | iocWrite | iocV | unsafe.Sizeof(frmivalenum{})<<16 | 75
	vidiocQueryExtCtrl       = iocRead | iocWrite | iocV | unsafe.Sizeof(queryExtCtrl{})<<16 | 103
)

// text is a C string in a fixed array.
func text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
