package preproc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// jpegFrame is a file of testdata/jpeg (made by its generate.sh) as a frame.
func jpegFrame(t testing.TB, name string) *capture.Frame {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "jpeg", name+".jpg"))
	if err != nil {
		t.Fatal(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 51, Height: 38}}
	f.Planes[0] = data
	return f
}

// decodedGrids decodes with Go's decoder, which shares no code with
// libjpeg-turbo, and hands out the planes for the reference.
func decodedGrids(t *testing.T, data []byte) []grid {
	t.Helper()
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	plane := func(pix []byte, stride, hsub, vsub int) grid {
		return grid{(w + hsub - 1) / hsub, (h + vsub - 1) / vsub, 1 / float64(hsub), 1 / float64(vsub),
			func(x, y int) float64 { return float64(pix[y*stride+x]) }}
	}
	switch img := img.(type) {
	case *image.Gray:
		return []grid{plane(img.Pix, img.Stride, 1, 1)}
	case *image.YCbCr:
		sub := map[image.YCbCrSubsampleRatio][2]int{
			image.YCbCrSubsampleRatio444: {1, 1}, image.YCbCrSubsampleRatio422: {2, 1},
			image.YCbCrSubsampleRatio420: {2, 2}, image.YCbCrSubsampleRatio440: {1, 2},
			image.YCbCrSubsampleRatio411: {4, 1},
		}[img.SubsampleRatio]
		return []grid{plane(img.Y, img.YStride, 1, 1),
			plane(img.Cb, img.CStride, sub[0], sub[1]), plane(img.Cr, img.CStride, sub[0], sub[1])}
	}
	t.Fatalf("decoded to %T", img)
	return nil
}

// referenceOf is reference for components that were decoded elsewhere.
func referenceOf(t *testing.T, f *capture.Frame, components []grid, s *Spec) []float64 {
	t.Helper()
	jfif := f.Format
	jfif.Range = capture.Full
	g, err := View{}.Geometry(s, f.Format)
	if err != nil {
		t.Fatal(err)
	}
	w, h, _ := OutputSize(View{}, s, f.Format)
	var values []float64
	for y := range h {
		for x := range w {
			values = append(values, referencePixel(&capture.Frame{Format: jfif}, components, s, g,
				Rect{0, 0, f.Format.Width, f.Format.Height}, x, y)...)
		}
	}
	return values
}

func TestJPEGOfEverySamplingIsDecodedRight(t *testing.T) {
	for _, name := range []string{"444", "422", "420", "440", "411", "gray", "progressive", "scans", "restart"} {
		for _, size := range [][2]int{{0, 0}, {60, 60}, {40, 33}} {
			t.Run(name, func(t *testing.T) {
				f := jpegFrame(t, name)
				s := Spec{Width: size[0], Height: size[1], Fit: Stretch}
				want := referenceOf(t, f, decodedGrids(t, f.Planes[0]), &s)
				// Two inverse DCTs may differ by 1 a component, which the
				// colour matrix makes up to 3.
				compare(t, values(process(t, f, View{}, s)), want, 3.5)
			})
		}
	}
}

// A reduced decode is another filter than the mean of the full one: alike, not
// equal. In colour it is compared where chroma stays as fine as luma.
func TestReducedDecodeIsLikeTheMeanOfTheFullOne(t *testing.T) {
	for name, color := range map[string]Color{
		"444": RGB, "420": RGB, "progressive": RGB, "422": Gray, "440": Gray, "411": Gray, "gray": RGB,
	} {
		for _, size := range [][2]int{{25, 19}, {12, 9}, {6, 4}, {3, 3}, {1, 1}} {
			t.Run(name, func(t *testing.T) {
				f := jpegFrame(t, name)
				s := Spec{Width: size[0], Height: size[1], Fit: Stretch, Color: color}
				want := referenceOf(t, f, decodedGrids(t, f.Planes[0]), &s)
				got := values(process(t, f, View{}, s))
				if p := psnr(got, want); p < 30 {
					t.Errorf("%dx%d: PSNR %.1f dB to the mean of the full decode, want 30", size[0], size[1], p)
				}
			})
		}
	}
}

func psnr(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return 10 * math.Log10(255*255*float64(len(a))/sum)
}

// A camera may change the sampling from frame to frame.
func TestSamplingMayChange(t *testing.T) {
	p, err := New(View{}, []Spec{{Width: 20, Height: 20}, {Width: 20, Height: 20, Encode: JPEG, Quality: 90}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for _, name := range []string{"422", "420", "gray", "444", "gray", "rgb", "411", "422"} {
		f := jpegFrame(t, name)
		images := []*Image{imageFor(t, f, View{}, p.specs[0]), imageFor(t, f, View{}, p.specs[1])}
		if _, err := p.Process(t.Context(), f, images); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, img := range images {
			if !bytes.Equal(img.Data, process(t, f, View{}, p.specs[i]).Data) {
				t.Errorf("%s: output %d differs from what a processor of its own makes", name, i)
			}
		}
	}
}

func TestJPEGOfRGBComponents(t *testing.T) {
	rgb, yuv := jpegFrame(t, "rgb"), jpegFrame(t, "444")
	got, want := values(process(t, rgb, View{}, Spec{})), values(process(t, yuv, View{}, Spec{}))
	if p := psnr(got, want); p < 40 {
		t.Errorf("RGB and YCbCr files of one picture differ: PSNR %.1f dB, want 40", p)
	}
}

// header is a JPEG of one SOF0 and one SOS segment without any data.
func header(precision byte, width, height uint16, components int) []byte {
	b := []byte{0xff, 0xd8, 0xff, 0xc0, 0, byte(8 + 3*components), precision}
	b = binary.BigEndian.AppendUint16(b, height)
	b = append(binary.BigEndian.AppendUint16(b, width), byte(components))
	for i := range components {
		b = append(b, byte(i+1), 0x11, 0)
	}
	b = append(b, 0xff, 0xda, 0, byte(6+2*components), byte(components))
	for i := range components {
		b = append(b, byte(i+1), 0)
	}
	return append(b, 0, 63, 0)
}

func TestEveryBadJPEGHasItsReason(t *testing.T) {
	good := jpegFrame(t, "422").Planes[0]
	ended := append([]byte(nil), good...)
	copy(ended[len(ended)-200:], []byte{0xff, 0xd9})
	skipped := jpegFrame(t, "restart").Planes[0]
	skipped[bytes.Index(skipped, []byte{0xff, 0xd1})+1] = 0xd5
	for name, c := range map[string]struct {
		data []byte
		want Reason
	}{
		"empty":        {nil, ReasonShort},
		"not a JPEG":   {[]byte("P6 51 38 255 "), ReasonCorrupt},
		"truncated":    {good[:len(good)*2/3], ReasonCorrupt},
		"only markers": {good[:20], ReasonCorrupt},
		"early end":    {ended, ReasonCorrupt},
		"lost restart": {skipped, ReasonCorrupt},
		"other size":   {header(8, 52, 38, 3), ReasonGeometry},
		"giant":        {header(8, 65500, 65500, 3), ReasonGeometry},
		"12 bits":      {header(12, 51, 38, 3), ReasonUnsupported},
		"CMYK":         {header(8, 51, 38, 4), ReasonUnsupported},
		"two channels": {header(8, 51, 38, 2), ReasonUnsupported},
		"arithmetic":   {jpegFrame(t, "arithmetic").Planes[0], ReasonUnsupported},
	} {
		t.Run(name, func(t *testing.T) { checkRefused(t, c.data, c.want) })
	}
}

// checkRefused feeds a bad frame between two good ones to one processor.
func checkRefused(t *testing.T, data []byte, want Reason) {
	f := jpegFrame(t, "422")
	p, err := New(View{}, []Spec{{Width: 20, Height: 20}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	good, bad, again := imageFor(t, f, View{}, p.specs[0]), imageFor(t, f, View{}, p.specs[0]), imageFor(t, f, View{}, p.specs[0])
	if _, err := p.Process(t.Context(), f, []*Image{good}); err != nil {
		t.Fatal(err)
	}
	damaged := &capture.Frame{Format: f.Format}
	damaged.Planes[0] = data
	_, err = p.Process(t.Context(), damaged, []*Image{bad})
	var refused *Error
	if !errors.As(err, &refused) || refused.Reason != want {
		t.Errorf("error %v, want reason %v", err, want)
	}
	if _, err := p.Process(t.Context(), f, []*Image{again}); err != nil {
		t.Fatalf("the good frame after it: %v", err)
	}
	if !bytes.Equal(good.Data, again.Data) {
		t.Error("the good frame after it looks different")
	}
}

// A scan that is repeated costs as much as a picture, each time.
func TestScansAreBounded(t *testing.T) {
	data := jpegFrame(t, "scans").Planes[0]
	checkRefused(t, repeatLastScan(data, 200), ReasonUnsupported)
	f := jpegFrame(t, "scans")
	f.Planes[0] = repeatLastScan(data, 20)
	if !bytes.Equal(process(t, f, View{}, Spec{}).Data, process(t, jpegFrame(t, "scans"), View{}, Spec{}).Data) {
		t.Error("a repeated scan changed the picture")
	}
}

func repeatLastScan(data []byte, times int) []byte {
	scan := data[bytes.LastIndex(data, []byte{0xff, 0xda}) : len(data)-2]
	out := append([]byte(nil), data[:len(data)-2]...)
	out = append(out, bytes.Repeat(scan, times)...)
	return append(out, 0xff, 0xd9)
}

func TestEncodedOutputIsTheRawOneAsAFile(t *testing.T) {
	f := scene(capture.RGB3, 90, 61)
	for _, c := range []Color{RGB, BGR, Gray} {
		v := View{Rotate: 90}
		file := process(t, f, v, Spec{Width: 64, Height: 50, Pad: 20, Encode: JPEG, Quality: 95, Color: c})
		img, err := stdjpeg.Decode(bytes.NewReader(file.Data))
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, 64, 50) {
			t.Fatalf("file is %v", img.Bounds())
		}
		luma := values(process(t, f, v, Spec{Width: 64, Height: 50, Pad: 20, Color: Gray}))
		decoded := make([]float64, len(luma))
		for i := range decoded {
			decoded[i] = float64(color.GrayModel.Convert(img.At(i%64, i/64)).(color.Gray).Y)
		}
		if p := psnr(decoded, luma); p < 35 {
			t.Errorf("%v: PSNR of the file's luma is %.1f dB, want 35", c, p)
		}
	}
}
