package preproc

import (
	"bytes"
	"fmt"
	"image"
	stdjpeg "image/jpeg"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// pixelsOf are the colours of a JPEG file: HWC, 0 to 255.
func pixelsOf(t *testing.T, file []byte) []float64 {
	t.Helper()
	img, err := stdjpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var v []float64
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			v = append(v, float64(r)/257, float64(g)/257, float64(b)/257)
		}
	}
	return v
}

// byWayOfRGB is a raw RGB image as a file of Go's encoder, which has the same
// tables and sampling.
func byWayOfRGB(t *testing.T, img *Image, quality int) []byte {
	t.Helper()
	rgba := image.NewRGBA(image.Rect(0, 0, img.Width, img.Height))
	for i := range img.Width * img.Height {
		copy(rgba.Pix[4*i:], img.Data[3*i:3*i+3])
		rgba.Pix[4*i+3] = 255
	}
	var b bytes.Buffer
	if err := stdjpeg.Encode(&b, rgba, &stdjpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file is made of luma and chroma and not of pixels, and is as close to the
// pixels as one that was made of them.
func TestEncodedColoursAreThoseOfTheRawOutput(t *testing.T) {
	views := []View{{}, {Rotate: 90}, {Rotate: 180, Flip: FlipHorizontal}, {Crop: Rect{3, 5, 121, 77}, Flip: FlipVertical, Rotate: 270}}
	specs := []Spec{
		{Width: 64, Height: 48, Fit: Stretch},
		{Width: 65, Height: 51, Pad: 30},    // a border at odd places, above or beside
		{Width: 31, Height: 75, Fit: Cover}, // no whole blocks
		{Width: 200, Height: 133},           // larger than the picture
		{Filter: Linear},
		{Width: 64, Height: 48, Fit: Stretch, Tone: Tone{Clip: 2, Columns: 4, Rows: 3, Gamma: 0.7}},
	}
	for _, matrix := range []capture.Matrix{capture.BT601, capture.BT709, capture.BT2020} {
		for _, p := range []capture.PixelFormat{capture.YUYV, capture.NV12, capture.YU12, capture.RGB3, capture.GREY} {
			for i, v := range views {
				for j, s := range specs {
					t.Run(fmt.Sprintf("%v %v %d %d", p, matrix, i, j), func(t *testing.T) {
						f := gentle(p, 160, 121)
						f.Format.Matrix = matrix
						raw := process(t, f, v, s)
						s.Encode, s.Quality = JPEG, 90
						want := psnr(pixelsOf(t, byWayOfRGB(t, raw, s.Quality)), values(raw))
						got := psnr(pixelsOf(t, process(t, f, v, s).Data), values(raw))
						if got < want-0.7 {
							t.Errorf("PSNR to the raw output is %.1f dB, by way of RGB %.1f", got, want)
						}
					})
				}
			}
		}
	}
}

// gentle is a picture whose colours change slowly, all of which a screen has:
// neither clamping nor how a decoder enlarges chroma makes a difference.
func gentle(p capture.PixelFormat, width, height int) *capture.Frame {
	f := newFrame(p, width, height, 0, noise())
	for plane, data := range f.Planes {
		stride := f.Format.Stride[plane]
		for i := range data {
			x, y := i%stride, i/stride
			data[i] = byte(105 + x*25/stride + y*25*stride/len(data))
		}
	}
	return f
}
