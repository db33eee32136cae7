package stream

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// notY4M says what it is that keeps images from being Y4M, or nothing.
func notY4M(s *preproc.Spec) string {
	switch {
	case s.Encode != preproc.Raw:
		return "encode: " + s.Encode.String()
	case s.DType != preproc.Uint8:
		return "dtype: " + s.DType.String()
	case s.Scale != 0:
		return fmt.Sprintf("scale: %v", s.Scale)
	case s.Layout != preproc.HWC:
		return "layout: " + s.Layout.String()
	}
	return ""
}

// appendY4MHeader appends the first line. Colours are those of BT.601 in
// limited range, as all YUV on disk that says nothing else; gray is the bytes of
// the tensor, in full range. Chroma is sited in the middle of its four pixels,
// which is 420jpeg.
func appendY4MHeader(b []byte, s *preproc.Spec, width, height int, interval time.Duration) []byte {
	b = strconv.AppendInt(append(b, "YUV4MPEG2 W"...), int64(width), 10)
	b = strconv.AppendInt(append(b, " H"...), int64(height), 10)
	b = appendRate(append(b, " F"...), interval)
	if s.Color == preproc.Gray {
		return append(b, " Ip A1:1 Cmono XCOLORRANGE=FULL\n"...)
	}
	return append(b, " Ip A1:1 C420jpeg XYSCSS=420JPEG XCOLORRANGE=LIMITED\n"...)
}

// defaultRate is that of images whose camera does not tell it. 0:0, which
// means unknown, would be 25 to some programs and an error to others.
const defaultRate = 30

func appendRate(b []byte, interval time.Duration) []byte {
	numerator, denominator := Rate(interval)
	b = strconv.AppendUint(b, numerator, 10)
	return strconv.AppendUint(append(b, ':'), denominator, 10)
}

// Rate is frames a second as a fraction: a whole number where it is one, or one
// by 1.001, as cameras of television have it, to the microsecond. Of an interval
// that is not known, 0, it is 30.
func Rate(interval time.Duration) (numerator, denominator uint64) {
	if interval <= 0 {
		return defaultRate, 1
	}
	perSecond := float64(time.Second) / float64(interval)
	for _, denominator := range []uint64{1, 1001} {
		scale := 1.0
		if denominator == 1001 {
			scale = 1000
		}
		numerator := math.Round(perSecond * float64(denominator) / scale)
		if numerator == 0 {
			continue
		}
		exact := time.Duration(float64(time.Second) * float64(denominator) / (numerator * scale))
		if (exact - interval).Abs() < time.Microsecond {
			return uint64(numerator * scale), denominator
		}
	}
	numerator, denominator = uint64(time.Second), uint64(interval)
	for a, b := numerator, denominator; ; a, b = b, a%b {
		if b == 0 {
			return numerator / a, denominator / a
		}
	}
}

const frameLine = "FRAME\n"

// appendY4MFrame appends a frame: luma, then Cb and Cr of half the size each
// way, rounded up.
func appendY4MFrame(b []byte, s *preproc.Spec, img *preproc.Image) []byte {
	b = append(b, frameLine...)
	if s.Color == preproc.Gray {
		return append(b, img.Data...)
	}
	luma, chroma := img.Width*img.Height, ((img.Width+1)/2)*((img.Height+1)/2)
	begin := len(b)
	b = slices.Grow(b, luma+2*chroma)[:begin+luma+2*chroma]
	planes := b[begin:]
	subsample(img, s.Color == preproc.BGR, planes[:luma], planes[luma:luma+chroma], planes[luma+chroma:])
	return b
}

// subsample converts to BT.601 (ITU-R BT.601-7, 2.5.1 and 2.5.3), with R, G and B
// from 0 to 255:
//
//	Y  =  16 + 219/255 * (0.299 R + 0.587 G + 0.114 B)
//	Cb = 128 + 224/255 * (B - (0.299 R + 0.587 G + 0.114 B)) / 1.772
//	Cr = 128 + 224/255 * (R - (0.299 R + 0.587 G + 0.114 B)) / 1.402
//
// each rounded to the nearest, by whole numbers alone. Chroma is that of the mean
// of four pixels; at an odd edge, those there are count twice.
func subsample(img *preproc.Image, reversed bool, luma, cb, cr []byte) {
	w, h := img.Width, img.Height
	for y := 0; y < h; y += 2 {
		next := min(y+1, h-1)
		at := y / 2 * ((w + 1) / 2)
		two := rows{
			img.Data[y*w*3:][:w*3], img.Data[next*w*3:][:w*3], luma[y*w:][:w], luma[next*w:][:w],
			cb[at:][:(w+1)/2], cr[at:][:(w+1)/2],
		}
		if reversed {
			two.subsample(w, 2, 0)
		} else {
			two.subsample(w, 0, 2)
		}
	}
}

// rows are two rows of pixels, or one twice, and those of the planes that they become.
type rows struct{ upper, lower, upperLuma, lowerLuma, cb, cr []byte }

// subsample takes the places of red and blue in a pixel.
func (t *rows) subsample(w, red, blue int) {
	for i := range t.cb {
		left := 2 * i
		right := min(left+1, w-1)
		var s sums
		t.upperLuma[left] = s.add(t.upper[3*left:][:3], red, blue)
		t.upperLuma[right] = s.add(t.upper[3*right:][:3], red, blue)
		t.lowerLuma[left] = s.add(t.lower[3*left:][:3], red, blue)
		t.lowerLuma[right] = s.add(t.lower[3*right:][:3], red, blue)
		t.cb[i], t.cr[i] = s.chroma()
	}
}

// sums are those of four pixels.
type sums struct{ r, g, b int32 }

// add gives the luma of a pixel as well: 16 + 219/255/1000 * (299 R + 587 G +
// 114 B), where 219/255000 is 73/85000.
func (s *sums) add(pixel []byte, red, blue int) byte {
	r, g, b := int32(pixel[red]), int32(pixel[1]), int32(pixel[blue])
	s.r, s.g, s.b = s.r+r, s.g+g, s.b+b
	return byte(16 + uint32(73*(299*r+587*g+114*b)+42500)/85000)
}

// chroma has 224/255/1.772/4000 = 14/112965 and 224/255/1.402/4000 = 28/178755.
func (s *sums) chroma() (cb, cr byte) {
	const toCb, toCr = 112965, 178755
	cb = byte(uint32(14*(886*s.b-299*s.r-587*s.g)+128*toCb+toCb/2) / toCb)
	cr = byte(uint32(28*(701*s.r-587*s.g-114*s.b)+128*toCr+toCr/2) / toCr)
	return cb, cr
}
