package replay

import (
	"bytes"
	"testing"
	"testing/iotest"

	"github.com/edge-agent/agent/capture"
)

// Whatever the stream: frames are parts of it, in order; one without fault has
// its SOI and EOI; and it makes no difference in what pieces it arrives.
func FuzzJPEGStream(f *testing.F) {
	for _, name := range []string{"go-gray.jpg", "420-thumbnail.jpg", "420-restart.jpg", "422-no-dht.jpg", "420-progressive.jpg"} {
		b := fixture(f, name)
		f.Add(b[:min(len(b), 3000)])
		f.Add(append(b[:800:800], b[len(b)-300:]...))
	}
	f.Add([]byte("--b\r\n\r\n\xff\xd8\xff\xda\x00\x02ab\xff\xd9\r\n--b\r\n\r\n\xff\xd8\xff\xc0\x00\x0b\x08\x00\x10\x00\x20\x01\x00\x11\x00\xff\xda\x00\x02\xff\x00\xff\xd0\xff\xd9"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		cfg := Config{Path: "fuzz.jpg"}
		found, err := readAll(t, bytes.NewReader(stream), cfg)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Fatal("a file without a frame")
		}
		rest := stream
		for i, g := range found {
			at := bytes.Index(rest, []byte(g.data))
			if at < 0 {
				t.Fatalf("frame %d is no part of what is left of the stream", i)
			}
			rest = rest[at+len(g.data):]
			if g.fault == capture.FaultNone && !isWhole([]byte(g.data)) {
				t.Fatalf("frame %d has no fault but begins or ends otherwise: %q", i, g.data)
			}
		}
		pieces, err := readAll(t, iotest.OneByteReader(bytes.NewReader(stream)), cfg)
		expect(t, pieces, err, found...)
	})
}

func isWhole(b []byte) bool {
	return bytes.HasPrefix(b, []byte{fill, soi, fill}) && bytes.HasSuffix(b, []byte{fill, eoi})
}

// Whatever the file: no panic, no frame larger than allowed, planes that are
// as long as their geometry says unless the frame is short.
func FuzzAnyFile(f *testing.F) {
	f.Add([]byte("YUV4MPEG2 W4 H2 F30:1 C420jpeg XCOLORRANGE=FULL\nFRAME\n0123456789ab"), "x.y4m")
	f.Add([]byte("YUV4MPEG2 W4 H2 F30:1 Cmono\nFRAME Ip\n01234567FRAM"), "-")
	f.Add([]byte("0123456789abcdef0123"), "x_4x2_YUYV.raw")
	f.Add([]byte("0123456789abcdef0123"), "x_3x3_NV12.raw")
	f.Fuzz(func(t *testing.T, content []byte, name string) {
		s, err := NewReader(bytes.NewReader(content), Config{Path: name, Unpaced: true})
		if err != nil {
			return
		}
		for n := 0; n <= len(content); n++ {
			fr, err := s.Read(t.Context())
			if err != nil {
				return
			}
			for i := range fr.Format.PixelFormat.Layout().Planes {
				raw := !fr.Format.PixelFormat.Layout().Compressed()
				if raw && fr.Fault == capture.FaultNone && len(fr.Planes[i]) < fr.Format.PlaneBytes(i) {
					t.Fatalf("plane %d has %d bytes", i, len(fr.Planes[i]))
				}
			}
			fr.Release()
		}
		t.Fatalf("more frames than bytes")
	})
}
