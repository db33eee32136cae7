package v4l2

import (
	"math"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// reference is ITU-R BT.601-7, in limited range.
func reference(r, g, b float64) [3]float64 {
	y := 0.299*r + 0.587*g + 0.114*b
	return [3]float64{16 + 219*y/255, 128 + 224*(b-y)/1.772/255, 128 + 224*(r-y)/1.402/255}
}

func TestYUYVIsThatOfBT601(t *testing.T) {
	for _, color := range []preproc.Color{preproc.RGB, preproc.BGR} {
		encode := encoderOf(&preproc.Spec{Color: color}, capture.YUYV)
		worst := 0.0
		for i := range 52 * 52 * 52 {
			r, g, b := byte(i%52*5), byte(i/52%52*5), byte(i/52/52*5)
			next := [3]byte{255 - r, g, b}
			pair := []byte{r, g, b, next[0], next[1], next[2]}
			if color == preproc.BGR {
				pair = []byte{b, g, r, next[2], next[1], next[0]}
			}
			var got [4]byte
			encode(got[:], 4, pair, 2, 1)
			first := reference(float64(r), float64(g), float64(b))
			second := reference(float64(next[0]), float64(next[1]), float64(next[2]))
			want := [4]float64{first[0], (first[1] + second[1]) / 2, second[0], (first[2] + second[2]) / 2}
			for k := range got {
				worst = max(worst, math.Abs(float64(got[k])-want[k]))
			}
		}
		if worst > 0.51 {
			t.Errorf("%v: %.3f levels off", color, worst)
		}
	}
}

func TestRowsAreWhereTheDriverWantsThem(t *testing.T) {
	for _, c := range []struct {
		color  preproc.Color
		pixels capture.PixelFormat
		row    int
	}{{preproc.RGB, capture.RGB3, 12}, {preproc.BGR, capture.BGR3, 12}, {preproc.Gray, capture.GREY, 4}, {preproc.RGB, capture.YUYV, 8}} {
		spec := &preproc.Spec{Color: c.color}
		image := make([]byte, 4*3*spec.Channels())
		for i := range image {
			image[i] = byte(200 + i)
		}
		const stride = 20
		to, plain := make([]byte, 3*stride), make([]byte, 3*c.row)
		encode := encoderOf(spec, c.pixels)
		encode(to, stride, image, 4, 3)
		encode(plain, c.row, image, 4, 3)
		for y := range 3 {
			if got := to[y*stride:][:stride]; string(got[:c.row]) != string(plain[y*c.row:][:c.row]) || strings.Trim(string(got[c.row:]), "\x00") != "" {
				t.Errorf("%v: row %d is %v", c.pixels, y, got)
			}
		}
	}
}

func TestFormatIsOneThatTheImageCanHave(t *testing.T) {
	jpeg, floats := preproc.Spec{Encode: preproc.JPEG}, preproc.Spec{DType: preproc.Float32}
	for _, c := range []struct {
		spec  preproc.Spec
		ask   capture.PixelFormat
		width int
		want  capture.PixelFormat
		says  string
	}{
		{preproc.Spec{}, Auto, 64, capture.YUYV, ""},
		{preproc.Spec{}, capture.RGB3, 63, capture.RGB3, ""},
		{preproc.Spec{Color: preproc.BGR}, capture.BGR3, 64, capture.BGR3, ""},
		{preproc.Spec{Color: preproc.Gray}, Auto, 63, capture.GREY, ""},
		{jpeg, Auto, 63, capture.MJPG, ""},
		{preproc.Spec{}, Auto, 63, 0, "an even number; RGB3 has any"},
		{preproc.Spec{}, capture.BGR3, 64, 0, "allowed with this output: [YUYV RGB3]"},
		{jpeg, capture.YUYV, 64, 0, "allowed with this output: [MJPG]"},
		{floats, Auto, 64, 0, "allowed: raw uint8 hwc"},
	} {
		got, err := choose(&c.spec, c.ask, c.width)
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
}

func BenchmarkYUYV(b *testing.B) {
	const width, height = 1280, 720
	image, to := make([]byte, width*height*3), make([]byte, width*height*2)
	for i := range image {
		image[i] = byte(i * i >> 3)
	}
	encode := encoderOf(&preproc.Spec{}, capture.YUYV)
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		encode(to, 2*width, image, width, height)
	}
}
