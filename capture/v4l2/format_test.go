package v4l2

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/capture"
)

var (
	nm12 = capture.FourCC('N', 'M', '1', '2')
	ym12 = capture.FourCC('Y', 'M', '1', '2')
	h264 = capture.FourCC('H', '2', '6', '4')
	hsv3 = capture.FourCC('H', 'S', 'V', '3')
	rggb = capture.FourCC('R', 'G', 'G', 'B')
)

func TestPlanesLieWhereTheDriverPutsThem(t *testing.T) {
	for name, c := range map[string]struct {
		fourcc       capture.PixelFormat
		w, h         uint32
		bytesperline []int
		stride       [capture.MaxPlanes]int
		spans        []span
	}{
		"packed, padded":              {capture.YUYV, 64, 48, []int{192}, [4]int{192}, []span{{0, 0, 192*47 + 128}}},
		"NV12 in one buffer":          {capture.NV12, 64, 48, []int{96}, [4]int{96, 96}, []span{{0, 0, 96*47 + 64}, {0, 96 * 48, 96*23 + 64}}},
		"NV12 of odd size":            {capture.NV12, 63, 47, []int{64}, [4]int{64, 64}, []span{{0, 0, 64*46 + 63}, {0, 64 * 47, 64*23 + 64}}},
		"YU12 in one buffer":          {capture.YU12, 64, 48, []int{96}, [4]int{96, 48, 48}, []span{{0, 0, 96*47 + 64}, {0, 96 * 48, 48*23 + 32}, {0, 96*48 + 48*24, 48*23 + 32}}},
		"NM12, each with its stride":  {nm12, 64, 48, []int{64, 128}, [4]int{64, 128}, []span{{0, 0, 64 * 48}, {1, 0, 128*23 + 64}}},
		"YM12":                        {ym12, 64, 48, []int{64, 32, 40}, [4]int{64, 32, 40}, []span{{0, 0, 64 * 48}, {1, 0, 32 * 24}, {2, 0, 40*23 + 32}}},
		"a bitstream has no geometry": {capture.MJPG, 64, 48, []int{0}, [4]int{}, []span{{}}},
	} {
		p, err := agreed{fourcc: uint32(c.fourcc), width: c.w, height: c.h, bytesperline: c.bytesperline}.picture()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if p.format.Stride != c.stride || !slices.Equal(p.spans, c.spans) || p.format.PixelFormat != logical(uint32(c.fourcc)) {
			t.Errorf("%s: %s %v %v, want %v %v", name, p.format.PixelFormat, p.format.Stride, p.spans, c.stride, c.spans)
		}
	}
}

func TestWhatCannotBeReadIsSaid(t *testing.T) {
	for want, a := range map[string]agreed{
		"a row of plane 0 of YUYV 64x48 has 127 bytes, but its pixels need 128": {fourcc: uint32(capture.YUYV), width: 64, height: 48, bytesperline: []int{127}},
		"a row of plane 1 of NV12 64x48 has 60 bytes, but its pixels need 64":   {fourcc: uint32(nm12), width: 64, height: 48, bytesperline: []int{64, 60}},
		"delivers H264, which is a video stream, not pictures":                  {fourcc: uint32(h264), width: 64, height: 48, bytesperline: []int{64}},
		"delivers YU12 in 2 planes":                                             {fourcc: uint32(ym12), width: 64, height: 48, bytesperline: []int{64, 32}},
		"delivers 0x48 in 1 planes":                                             {fourcc: uint32(capture.GREY), height: 48, bytesperline: []int{64}},
		"fields one after the other":                                            {fourcc: uint32(capture.GREY), width: 64, height: 48, field: fieldAlternate, bytesperline: []int{64}},
	} {
		if _, err := a.picture(); !errors.Is(err, capture.ErrMode) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestColoursAreResolvedByTheKernelsMacros(t *testing.T) {
	for name, c := range map[string]struct {
		fourcc     capture.PixelFormat
		cs, enc, q uint32
		matrix     capture.Matrix
		rng        capture.Range
	}{
		"nothing said":           {capture.YUYV, 0, 0, 0, capture.BT601, capture.Limited},
		"sRGB, as uvcvideo":      {capture.YUYV, colorspaceSRGB, 0, 0, capture.BT601, capture.Limited},
		"JPEG is full":           {capture.YUYV, colorspaceJPEG, 0, 0, capture.BT601, capture.Full},
		"Rec. 709":               {capture.NV12, colorspaceREC709, 0, 0, capture.BT709, capture.Limited},
		"Rec. 709, full range":   {capture.NV12, colorspaceREC709, 0, quantizationFull, capture.BT709, capture.Full},
		"DCI-P3":                 {capture.NV12, colorspaceDCIP3, 0, 0, capture.BT709, capture.Limited},
		"BT.2020":                {capture.NV12, colorspaceBT2020, 0, 0, capture.BT2020, capture.Limited},
		"SMPTE 240M":             {capture.NV12, colorspaceSMPTE240M, 0, 0, capture.SMPTE240M, capture.Limited},
		"an encoding of its own": {capture.NV12, colorspaceSRGB, ycbcrEnc709, 0, capture.BT709, capture.Limited},
		"601 in Rec. 709":        {capture.NV12, colorspaceREC709, ycbcrEnc601, 0, capture.BT601, capture.Limited},
		"RGB is full":            {capture.RGB3, colorspaceREC709, 0, 0, capture.BT601, capture.Full},
		"GREY":                   {capture.GREY, colorspaceSRGB, 0, 0, capture.BT601, capture.Full},
		"GREY, limited":          {capture.GREY, colorspaceSRGB, 0, quantizationLim, capture.BT601, capture.Limited},
		"RGB, limited":           {capture.BGR3, colorspaceSRGB, 0, quantizationLim, capture.BT601, capture.Limited},
		"xvYCC is limited":       {capture.NV12, colorspaceREC709, ycbcrEncXV709, quantizationFull, capture.BT709, capture.Limited},
		"HSV":                    {hsv3, colorspaceSRGB, 0, 0, capture.HSV256, capture.Full},
		"HSV, 180 steps":         {hsv3, colorspaceSRGB, hsvEnc180, quantizationLim, capture.HSV180, capture.Full},
		"Bayer":                  {rggb, 11, 0, 0, capture.BT601, capture.Full},
		"Bayer, limited":         {rggb, 11, ycbcrEnc709, quantizationLim, capture.BT601, capture.Limited},
		"MJPG is JFIF":           {capture.MJPG, colorspaceREC709, ycbcrEnc709, quantizationLim, capture.BT601, capture.Full},
	} {
		a := agreed{fourcc: uint32(c.fourcc), width: 8, height: 8, colorspace: c.cs, ycbcrEnc: c.enc, quantization: c.q, bytesperline: []int{32}}
		p, err := a.picture()
		if err != nil || p.format.Matrix != c.matrix || p.format.Range != c.rng {
			t.Errorf("%s: %v %v (%v), want %v %v", name, p.format.Matrix, p.format.Range, err, c.matrix, c.rng)
		}
	}
}

func TestWhatTheDriverCoercedIsUsedAndNoted(t *testing.T) {
	k := newKernel(t, capture.YUYV)
	k.coerce = func(f *format) {
		p := f.pix()
		p.width, p.height, p.bytesperline, p.sizeimage = 60, 40, 160, 160*40
		p.colorspace, p.quantization = colorspaceREC709, quantizationFull
	}
	k.noTimeperf, k.interval = true, fract{1, 15}
	k.tsFlags = 0
	s := k.mustOpen(Config{Request: capture.Request{Width: 64, Height: 48, Rate: 30}})
	want := capture.Format{
		PixelFormat: capture.YUYV, Width: 60, Height: 40, Stride: [4]int{160},
		Matrix: capture.BT709, Range: capture.Full, Interval: time.Second / 15,
	}
	if s.Format() != want {
		t.Errorf("format %+v, want %+v", s.Format(), want)
	}
	notes := strings.Join(capture.Notes(s), "\n")
	for _, n := range []string{
		"the name /dev/null can belong to another camera", "changed YUYV 64x48 into YUYV 60x40",
		"changed 30 frames per second into 15", "not of the monotonic clock",
	} {
		if !strings.Contains(notes, n) {
			t.Errorf("%q is not in the notes\n%s", n, notes)
		}
	}
	k.emit(make([]byte, 160*40))
	f := mustRead(t, s)
	defer f.Release()
	if f.Fault != capture.FaultNone || f.Timestamp != f.Dequeued {
		t.Errorf("fault %v, captured at %v, dequeued at %v", f.Fault, f.Timestamp, f.Dequeued)
	}
}

func TestMultiplanarFramesHaveLogicalPlanes(t *testing.T) {
	for _, fourcc := range []capture.PixelFormat{nm12, capture.NV12} {
		k := newKernel(t, fourcc)
		k.caps, k.bufType = capVideoCaptureMplane|capStreaming, bufTypeVideoCaptureMplane
		s := k.mustOpen(Config{})
		data := append(make([]byte, 64*48), slices.Repeat([]byte{1, 2}, 32*24)...)
		k.emit(data)
		f := mustRead(t, s)
		if f.Fault != capture.FaultNone || f.Format.PixelFormat != capture.NV12 || len(f.Planes[1]) != 64*24 || f.Planes[1][0] != 1 || f.Planes[1][1] != 2 {
			t.Errorf("%s: fault %v, format %+v, CbCr of %d bytes", fourcc, f.Fault, f.Format, len(f.Planes[1]))
		}
		f.Release()
		// A header before the pixels, and a payload that is too short for it.
		k.emit(data, func(f *filled) { f.offset = 8 })
		f = mustRead(t, s)
		if f.Fault != capture.FaultShort {
			t.Errorf("%s: fault %v with pixels that begin 8 bytes late", fourcc, f.Fault)
		}
		f.Release()
		if err := s.Close(); err != nil || k.mapped != 0 {
			t.Errorf("%s: close %v, %d mapped", fourcc, err, k.mapped)
		}
	}
}

func TestRangesOfSizesAndRatesAreSampled(t *testing.T) {
	k := newKernel(t)
	k.formats = []fakeFormat{{
		capture.NV12,
		[]frmsizeenum{{typ: 3, minWidth: 32, maxWidth: 2592, stepWidth: 16, minHeight: 32, maxHeight: 1944, stepHeight: 2}},
		[]frmivalenum{{typ: frmTypeContinuous, min: fract{1, 60}, max: fract{1, 1}}},
	}}
	s := k.mustOpen(Config{Request: capture.Request{Width: 1456, Height: 1088, Rate: 12.5}})
	if f := s.Format(); f.Width != 1456 || f.Height != 1088 || f.Interval != 80*time.Millisecond {
		t.Errorf("got %dx%d every %v, want the wish exactly", f.Width, f.Height, f.Interval)
	}
	list, err := offers(k, uint32(capture.NV12), capture.Request{})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []capture.Mode{{PixelFormat: capture.NV12, Width: 2592, Height: 1944, Rate: 60}, {PixelFormat: capture.NV12, Width: 1280, Height: 720, Rate: 30}} {
		if !slices.ContainsFunc(list, func(o offer) bool { return o.Mode == want }) {
			t.Errorf("%v is not among %v", want, list)
		}
	}
}

func TestADriverThatListsNothingIsTakenAsItIs(t *testing.T) {
	k := newKernel(t)
	k.formats = []fakeFormat{{fourcc: capture.GREY}}
	k.format.pix().width, k.format.pix().height = 320, 200
	k.always[vidiocGParm] = unix.ENOTTY
	s := k.mustOpen(Config{})
	if f := s.Format(); f.Width != 320 || f.Height != 200 || f.Interval != 0 {
		t.Errorf("got %+v", f)
	}
}

func TestOfNV12AndNM12TheFirstCounts(t *testing.T) {
	k := newKernel(t, capture.NV12, nm12, h264)
	list, err := readableOffers(k, bufTypeVideoCapture, capture.Request{})
	if err != nil || len(list) != 1 || list[0].fourcc != uint32(capture.NV12) {
		t.Errorf("%v, %v", list, err)
	}
	list, err = readableOffers(k, bufTypeVideoCapture, capture.Request{PixelFormat: nm12})
	if err != nil || len(list) != 1 || list[0].fourcc != uint32(nm12) {
		t.Errorf("asked for NM12: %v, %v", list, err)
	}
	if s := k.mustOpen(Config{Request: capture.Request{PixelFormat: nm12}}); s.Format().PixelFormat != capture.NV12 {
		t.Errorf("NM12 is opened as %v", s.Format())
	}
}

// What a camera offers besides pictures is said when it offers no other thing.
func TestACameraWithoutPicturesSaysWhatItOffers(t *testing.T) {
	z16, _ := capture.ParsePixelFormat("Z16")
	k := newKernel(t, h264, z16)
	_, err := k.open(Config{})
	const want = "the camera offers no pictures but H264 (a video stream, not pictures), Z16 (depths, not a picture)"
	if !errors.Is(err, capture.ErrMode) || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}

// Each format's planes lie one after the other, padded as the driver says, and a
// row that is said to be too short is refused.
func TestEveryFormatIsPlacedInOneBuffer(t *testing.T) {
	for _, l := range capture.Formats() {
		if l.Compressed() {
			continue
		}
		f := capture.Format{PixelFormat: l.PixelFormat, Width: 64, Height: 48}
		row := f.RowBytes(0)
		a := agreed{fourcc: uint32(l.PixelFormat), width: 64, height: 48, bytesperline: []int{2 * row}}
		p, err := a.picture()
		if err != nil {
			t.Errorf("%s: %v", l.PixelFormat, err)
			continue
		}
		end := 0
		for i, s := range p.spans {
			if s.offset != end || p.format.Stride[i] != 2*f.RowBytes(i) {
				t.Errorf("%s: plane %d at %d, stride %d; want %d, %d", l.PixelFormat, i, s.offset, p.format.Stride[i], end, 2*f.RowBytes(i))
			}
			end += p.format.Stride[i] * f.Rows(i)
		}
		a.bytesperline[0] = row - 1
		if _, err := a.picture(); !errors.Is(err, capture.ErrMode) || !strings.Contains(err.Error(), "but its pixels need") {
			t.Errorf("%s with rows of %d bytes: %v", l.PixelFormat, row-1, err)
		}
	}
}

func TestNodesThatAreNoCameras(t *testing.T) {
	for name, caps := range map[string]uint32{
		"UVC metadata": 0x00800000 | capStreaming, "a codec": capVideoM2MMplane | capVideoCaptureMplane | capStreaming,
		"an output": 2 | capStreaming, "read() only": capVideoCapture | 0x01000000,
	} {
		k := newKernel(t, capture.GREY)
		k.caps = caps
		if _, err := k.open(Config{}); err == nil || !strings.Contains(err.Error(), "not a video capture device") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
