package v4l2

import (
	"testing"
	"unsafe"
)

// The numbers were printed by a C program with sizeof and offsetof over
// linux/videodev2.h (Debian 12, linux-libc-dev 6.1, gcc 12, amd64).
var abi = []struct {
	name   string
	got, c uintptr
}{
	{"v4l2_capability", unsafe.Sizeof(capability{}), 104},
	{"v4l2_capability.card", unsafe.Offsetof(capability{}.card), 16},
	{"v4l2_capability.bus_info", unsafe.Offsetof(capability{}.busInfo), 48},
	{"v4l2_capability.capabilities", unsafe.Offsetof(capability{}.capabilities), 84},
	{"v4l2_capability.device_caps", unsafe.Offsetof(capability{}.deviceCaps), 88},
	{"v4l2_fmtdesc", unsafe.Sizeof(fmtdesc{}), 64},
	{"v4l2_fmtdesc.flags", unsafe.Offsetof(fmtdesc{}.flags), 8},
	{"v4l2_fmtdesc.description", unsafe.Offsetof(fmtdesc{}.description), 12},
	{"v4l2_fmtdesc.pixelformat", unsafe.Offsetof(fmtdesc{}.pixelformat), 44},
	{"v4l2_frmsizeenum", unsafe.Sizeof(frmsizeenum{}), 44},
	{"v4l2_frmsizeenum.type", unsafe.Offsetof(frmsizeenum{}.typ), 8},
	{"v4l2_frmsizeenum.stepwise", unsafe.Offsetof(frmsizeenum{}.minWidth), 12},
	{"v4l2_frmsizeenum.stepwise.step_height", unsafe.Offsetof(frmsizeenum{}.stepHeight), 32},
	{"v4l2_frmivalenum", unsafe.Sizeof(frmivalenum{}), 52},
	{"v4l2_frmivalenum.type", unsafe.Offsetof(frmivalenum{}.typ), 16},
	{"v4l2_frmivalenum.stepwise", unsafe.Offsetof(frmivalenum{}.min), 20},
	{"v4l2_frmivalenum.stepwise.step", unsafe.Offsetof(frmivalenum{}.step), 36},
	{"v4l2_format", unsafe.Sizeof(format{}), 208},
	{"v4l2_format.fmt", unsafe.Offsetof(format{}.raw), 8},
	{"v4l2_pix_format", unsafe.Sizeof(pixFormat{}), 48},
	{"v4l2_pix_format.bytesperline", unsafe.Offsetof(pixFormat{}.bytesperline), 16},
	{"v4l2_pix_format.colorspace", unsafe.Offsetof(pixFormat{}.colorspace), 24},
	{"v4l2_pix_format.priv", unsafe.Offsetof(pixFormat{}.priv), 28},
	{"v4l2_pix_format.ycbcr_enc", unsafe.Offsetof(pixFormat{}.ycbcrEnc), 36},
	{"v4l2_pix_format.quantization", unsafe.Offsetof(pixFormat{}.quantization), 40},
	{"v4l2_pix_format_mplane", unsafe.Sizeof(pixFormatMplane{}), 192},
	{"v4l2_pix_format_mplane.colorspace", unsafe.Offsetof(pixFormatMplane{}.colorspace), 16},
	{"v4l2_pix_format_mplane.plane_fmt", unsafe.Offsetof(pixFormatMplane{}.planeFmt), 20},
	{"v4l2_pix_format_mplane.num_planes", unsafe.Offsetof(pixFormatMplane{}.numPlanes), 180},
	{"v4l2_pix_format_mplane.ycbcr_enc", unsafe.Offsetof(pixFormatMplane{}.ycbcrEnc), 182},
	{"v4l2_pix_format_mplane.quantization", unsafe.Offsetof(pixFormatMplane{}.quantization), 183},
	{"v4l2_plane_pix_format", unsafe.Sizeof(planePixFormat{}), 20},
	{"v4l2_plane_pix_format.bytesperline", unsafe.Offsetof(planePixFormat{}.bytesperline), 4},
	{"v4l2_streamparm", unsafe.Sizeof(streamparm{}), 204},
	{"v4l2_streamparm.parm.capture.capability", unsafe.Offsetof(streamparm{}.capability), 4},
	{"v4l2_streamparm.parm.capture.timeperframe", unsafe.Offsetof(streamparm{}.timeperframe), 12},
	{"v4l2_requestbuffers", unsafe.Sizeof(requestbuffers{}), 20},
	{"v4l2_requestbuffers.memory", unsafe.Offsetof(requestbuffers{}.memory), 8},
	{"v4l2_exportbuffer", unsafe.Sizeof(exportbuffer{}), 64},
	{"v4l2_exportbuffer.flags", unsafe.Offsetof(exportbuffer{}.flags), 12},
	{"v4l2_exportbuffer.fd", unsafe.Offsetof(exportbuffer{}.fd), 16},
	{"v4l2_buffer", unsafe.Sizeof(buffer{}), 88},
	{"v4l2_buffer.bytesused", unsafe.Offsetof(buffer{}.bytesused), 8},
	{"v4l2_buffer.flags", unsafe.Offsetof(buffer{}.flags), 12},
	{"v4l2_buffer.timestamp", unsafe.Offsetof(buffer{}.timestamp), 24},
	{"v4l2_buffer.sequence", unsafe.Offsetof(buffer{}.sequence), 56},
	{"v4l2_buffer.memory", unsafe.Offsetof(buffer{}.memory), 60},
	{"v4l2_buffer.m", unsafe.Offsetof(buffer{}.m), 64},
	{"v4l2_buffer.length", unsafe.Offsetof(buffer{}.length), 72},
	{"v4l2_plane", unsafe.Sizeof(plane{}), 64},
	{"v4l2_plane.length", unsafe.Offsetof(plane{}.length), 4},
	{"v4l2_plane.m", unsafe.Offsetof(plane{}.m), 8},
	{"v4l2_plane.data_offset", unsafe.Offsetof(plane{}.dataOffset), 16},
	{"v4l2_query_ext_ctrl", unsafe.Sizeof(queryExtCtrl{}), 232},
	{"v4l2_query_ext_ctrl.name", unsafe.Offsetof(queryExtCtrl{}.name), 8},
	{"v4l2_query_ext_ctrl.minimum", unsafe.Offsetof(queryExtCtrl{}.minimum), 40},
	{"v4l2_query_ext_ctrl.step", unsafe.Offsetof(queryExtCtrl{}.step), 56},
	{"v4l2_query_ext_ctrl.default_value", unsafe.Offsetof(queryExtCtrl{}.defaultValue), 64},
	{"v4l2_query_ext_ctrl.flags", unsafe.Offsetof(queryExtCtrl{}.flags), 72},
	{"v4l2_querymenu", unsafe.Sizeof(querymenu{}), 44},
	{"v4l2_querymenu.name", unsafe.Offsetof(querymenu{}.name), 8},
	{"v4l2_ext_control", unsafe.Sizeof(extControl{}), 20},
	{"v4l2_ext_control.value64", unsafe.Offsetof(extControl{}.value), 12},
	{"v4l2_ext_controls", unsafe.Sizeof(extControls{}), 32},
	{"v4l2_ext_controls.error_idx", unsafe.Offsetof(extControls{}.errorIdx), 8},
	{"v4l2_ext_controls.controls", unsafe.Offsetof(extControls{}.controls), 24},
	{"VIDIOC_QUERYCAP", uintptr(vidiocQuerycap), 0x80685600},
	{"VIDIOC_ENUM_FMT", uintptr(vidiocEnumFmt), 0xc0405602},
	{"VIDIOC_G_FMT", uintptr(vidiocGFmt), 0xc0d05604},
	{"VIDIOC_S_FMT", uintptr(vidiocSFmt), 0xc0d05605},
	{"VIDIOC_REQBUFS", uintptr(vidiocReqbufs), 0xc0145608},
	{"VIDIOC_QUERYBUF", uintptr(vidiocQuerybuf), 0xc0585609},
	{"VIDIOC_QBUF", uintptr(vidiocQbuf), 0xc058560f},
	{"VIDIOC_DQBUF", uintptr(vidiocDqbuf), 0xc0585611},
	{"VIDIOC_STREAMON", uintptr(vidiocStreamon), 0x40045612},
	{"VIDIOC_STREAMOFF", uintptr(vidiocStreamoff), 0x40045613},
	{"VIDIOC_G_PARM", uintptr(vidiocGParm), 0xc0cc5615},
	{"VIDIOC_S_PARM", uintptr(vidiocSParm), 0xc0cc5616},
	{"VIDIOC_QUERYMENU", uintptr(vidiocQuerymenu), 0xc02c5625},
	{"VIDIOC_G_EXT_CTRLS", uintptr(vidiocGExtCtrls), 0xc0205647},
	{"VIDIOC_S_EXT_CTRLS", uintptr(vidiocSExtCtrls), 0xc0205648},
	{"VIDIOC_ENUM_FRAMESIZES", uintptr(vidiocEnumFramesizes), 0xc02c564a},
	{"VIDIOC_ENUM_FRAMEINTERVALS", uintptr(vidiocEnumFrameintervals), 0xc034564b},
	{"VIDIOC_QUERY_EXT_CTRL", uintptr(vidiocQueryExtCtrl), 0xc0e85667},
}

func TestStructuresLieAsInC(t *testing.T) {
	for _, a := range abi {
		if a.got != a.c {
			t.Errorf("%s is %#x here and %#x in C", a.name, a.got, a.c)
		}
	}
}
