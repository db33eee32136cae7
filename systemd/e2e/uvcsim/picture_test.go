package main

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"testing"
)

// number reads the blocks of a picture, as a consumer would.
func number(s size, at func(x, y int) color.Color) (n int) {
	for i := range 16 {
		r, _, _, _ := at((2*i+1)*s.width/32, s.height/16).RGBA()
		n = n<<1 | int(r>>15)
	}
	return n
}

func near(t *testing.T, what string, got color.Color, want color.RGBA) {
	t.Helper()
	r, g, b, _ := got.RGBA()
	for i, v := range [3]int{int(r >> 8), int(g >> 8), int(b >> 8)} {
		if d := v - int([3]byte{want.R, want.G, want.B}[i]); d < -2 || d > 2 {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

func TestJPEGDecodesToItsNumberAndBars(t *testing.T) {
	for _, s := range sizes {
		for _, n := range []int{0, 1, 0x5555, 0xAAAA, 0xFFFF} {
			m, err := stdjpeg.Decode(bytes.NewReader(jpeg(s, n)))
			if err != nil {
				t.Fatalf("%v, number %#x: %v", s, n, err)
			}
			if m.Bounds() != image.Rect(0, 0, s.width, s.height) {
				t.Errorf("%v: decoded as %v", s, m.Bounds())
			}
			if got := number(s, m.At); got != n {
				t.Errorf("%v: number %#x, want %#x", s, got, n)
			}
			for i, want := range bars {
				near(t, "bar", m.At((2*i+1)*s.width/16, s.height*3/4), want)
			}
		}
	}
}

func TestYUYVHasItsNumberAndBars(t *testing.T) {
	for _, s := range sizes {
		b := yuyv(s, 0x1234)
		if len(b) != s.width*s.height*2 {
			t.Fatalf("%v: %d bytes", s, len(b))
		}
		at := func(x, y int) color.Color {
			p := b[(y*s.width+x&^1)*2:]
			full := func(v byte, low, span int) byte { return byte(max(0, min(255, ((int(v)-low)*255+span/2)/span))) }
			chroma := func(v byte) byte { return byte(128 + (int(v)-128)*255/224) }
			return color.YCbCr{Y: full(p[0], 16, 219), Cb: chroma(p[1]), Cr: chroma(p[3])}
		}
		if got := number(s, at); got != 0x1234 {
			t.Errorf("%v: number %#x, want 0x1234", s, got)
		}
		for i, want := range bars {
			near(t, "bar", at((2*i+1)*s.width/16, s.height*3/4), want)
		}
	}
}
