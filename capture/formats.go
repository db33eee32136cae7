package capture

// The pixel formats that have a name in this project.
var (
	MJPG = FourCC('M', 'J', 'P', 'G')
	JPEG = FourCC('J', 'P', 'E', 'G')
	YUYV = FourCC('Y', 'U', 'Y', 'V')
	UYVY = FourCC('U', 'Y', 'V', 'Y')
	NV12 = FourCC('N', 'V', '1', '2')
	YU12 = FourCC('Y', 'U', '1', '2')
	GREY = FourCC('G', 'R', 'E', 'Y')
	RGB3 = FourCC('R', 'G', 'B', '3')
	BGR3 = FourCC('B', 'G', 'R', '3')
)

// layouts is the table of pixel formats: a new format is a new line here, and
// nothing else. It has the formats of V4L2 that are pictures, after the kernel's
// documentation ("Image Formats" of the userspace API) and the comments of
// videodev2.h; Bayer formats are named by the cell's two rows.
var layouts = []Layout{
	// YUV 4:2:0, 4:1:1 and 4:1:0, planar.
	{NV12, "YUV 4:2:0, Y and CbCr", 1, semiplanar(2, 2, cbFirst), FourCC('N', 'M', '1', '2')},
	{FourCC('N', 'V', '2', '1'), "YUV 4:2:0, Y and CrCb", 5, semiplanar(2, 2, crFirst), FourCC('N', 'M', '2', '1')},
	{YU12, "YUV 4:2:0, planar", 1, planar(2, 2, cbFirst), FourCC('Y', 'M', '1', '2')},
	{FourCC('Y', 'V', '1', '2'), "YUV 4:2:0, planar, Cr first", 5, planar(2, 2, crFirst), FourCC('Y', 'M', '2', '1')},
	{FourCC('4', '1', '1', 'P'), "YUV 4:1:1, planar", 5, planar(4, 1, cbFirst), 0},
	{FourCC('Y', 'U', 'V', '9'), "YUV 4:1:0, planar", 5, planar(4, 4, cbFirst), 0},
	{FourCC('Y', 'V', 'U', '9'), "YUV 4:1:0, planar, Cr first", 5, planar(4, 4, crFirst), 0},
	// YUV 4:2:2.
	{YUYV, "YUV 4:2:2, packed Y Cb Y Cr", 2, packed422(0, 1, 3), 0},
	{UYVY, "YUV 4:2:2, packed Cb Y Cr Y", 2, packed422(1, 0, 2), 0},
	{FourCC('Y', 'V', 'Y', 'U'), "YUV 4:2:2, packed Y Cr Y Cb", 5, packed422(0, 3, 1), 0},
	{FourCC('V', 'Y', 'U', 'Y'), "YUV 4:2:2, packed Cr Y Cb Y", 5, packed422(1, 2, 0), 0},
	{FourCC('N', 'V', '1', '6'), "YUV 4:2:2, Y and CbCr", 5, semiplanar(2, 1, cbFirst), FourCC('N', 'M', '1', '6')},
	{FourCC('N', 'V', '6', '1'), "YUV 4:2:2, Y and CrCb", 5, semiplanar(2, 1, crFirst), FourCC('N', 'M', '6', '1')},
	{FourCC('4', '2', '2', 'P'), "YUV 4:2:2, planar", 5, planar(2, 1, cbFirst), FourCC('Y', 'M', '1', '6')},
	{FourCC('Y', 'M', '6', '1'), "YUV 4:2:2, planar, Cr first", 5, planar(2, 1, crFirst), 0},
	// YUV 4:4:4.
	{FourCC('N', 'V', '2', '4'), "YUV 4:4:4, Y and CbCr", 5, semiplanar(1, 1, cbFirst), 0},
	{FourCC('N', 'V', '4', '2'), "YUV 4:4:4, Y and CrCb", 5, semiplanar(1, 1, crFirst), 0},
	{FourCC('Y', 'M', '2', '4'), "YUV 4:4:4, planar", 5, planar(1, 1, cbFirst), 0},
	{FourCC('Y', 'M', '4', '2'), "YUV 4:4:4, planar, Cr first", 5, planar(1, 1, crFirst), 0},
	{FourCC('Y', 'U', 'V', '3'), "YUV 4:4:4, packed", 5, packed(YUV, 3, 0, 1, 2), 0},
	{FourCC('Y', 'U', 'V', '4'), "YUV 4:4:4, packed A Y Cb Cr", 5, packed(YUV, 4, 1, 2, 3), 0},
	{FourCC('A', 'Y', 'U', 'V'), "YUV 4:4:4, packed A Y Cb Cr", 5, packed(YUV, 4, 1, 2, 3), 0},
	{FourCC('X', 'Y', 'U', 'V'), "YUV 4:4:4, packed X Y Cb Cr", 5, packed(YUV, 4, 1, 2, 3), 0},
	{FourCC('V', 'U', 'Y', 'A'), "YUV 4:4:4, packed Cr Cb Y A", 5, packed(YUV, 4, 2, 1, 0), 0},
	{FourCC('V', 'U', 'Y', 'X'), "YUV 4:4:4, packed Cr Cb Y X", 5, packed(YUV, 4, 2, 1, 0), 0},
	{FourCC('Y', 'U', 'V', 'A'), "YUV 4:4:4, packed Y Cb Cr A", 5, packed(YUV, 4, 0, 1, 2), 0},
	{FourCC('Y', 'U', 'V', 'X'), "YUV 4:4:4, packed Y Cb Cr X", 5, packed(YUV, 4, 0, 1, 2), 0},
	// Luma alone.
	{GREY, "luma, 8 bits", 9, luma(8, little), 0},
	// RGB, from the lowest byte on, or within a word from the highest bit on.
	{RGB3, "RGB, 8 bits each", 3, packed(RGB, 3, 0, 1, 2), 0},
	{BGR3, "BGR, 8 bits each", 3, packed(RGB, 3, 2, 1, 0), 0},
	{FourCC('R', 'G', 'B', '4'), "XRGB, 8 bits each", 5, packed(RGB, 4, 1, 2, 3), 0},
	{FourCC('B', 'A', '2', '4'), "ARGB, 8 bits each", 5, packed(RGB, 4, 1, 2, 3), 0},
	{FourCC('B', 'X', '2', '4'), "XRGB, 8 bits each", 5, packed(RGB, 4, 1, 2, 3), 0},
	{FourCC('B', 'G', 'R', '4'), "BGRX, 8 bits each", 5, packed(RGB, 4, 2, 1, 0), 0},
	{FourCC('A', 'R', '2', '4'), "BGRA, 8 bits each", 5, packed(RGB, 4, 2, 1, 0), 0},
	{FourCC('X', 'R', '2', '4'), "BGRX, 8 bits each", 5, packed(RGB, 4, 2, 1, 0), 0},
	{FourCC('A', 'B', '2', '4'), "RGBA, 8 bits each", 5, packed(RGB, 4, 0, 1, 2), 0},
	{FourCC('X', 'B', '2', '4'), "RGBX, 8 bits each", 5, packed(RGB, 4, 0, 1, 2), 0},
	{FourCC('R', 'A', '2', '4'), "ABGR, 8 bits each", 5, packed(RGB, 4, 3, 2, 1), 0},
	{FourCC('R', 'X', '2', '4'), "XBGR, 8 bits each", 5, packed(RGB, 4, 3, 2, 1), 0},
	// Compressed.
	{MJPG, "Motion JPEG", 6, bitstream(), 0},
	{JPEG, "JPEG", 6, bitstream(), 0},
}
