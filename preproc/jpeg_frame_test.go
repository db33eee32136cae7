package preproc

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// What cameras do to a JPEG: tables that are left out, padding, extra segments,
// and bytes that get lost on the way.

const (
	dqt = 0xdb
	dht = 0xc4
)

// without takes the segments of a marker out of a JPEG.
func without(data []byte, marker byte) []byte {
	out := append([]byte(nil), data[:2]...)
	for at := 2; ; {
		length := 2 + int(binary.BigEndian.Uint16(data[at+2:]))
		if data[at+1] == 0xda {
			return append(out, data[at:]...)
		}
		if data[at+1] != marker {
			out = append(out, data[at:at+length]...)
		}
		at += length
	}
}

// frameOf is f with other bytes.
func frameOf(f *capture.Frame, data []byte) *capture.Frame {
	frame := &capture.Frame{Format: f.Format}
	frame.Planes[0] = data
	return frame
}

// TestJPEGAsCamerasSendItIsDecodedRight compares with Go's decoder: odd sizes,
// thumbnails, fill bytes, restart markers and all samplings at the size of a
// camera's picture.
func TestJPEGAsCamerasSendItIsDecodedRight(t *testing.T) {
	files, err := filepath.Glob("../testdata/jpeg/*.jpg")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files in ../testdata/jpeg: %v", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		if name == "422-no-dht.jpg" || name == "422-720p.jpg" {
			continue // Go has no tables for the one; the other takes it seconds
		}
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 320, Height: 240}}
			if bytes.Contains([]byte(name), []byte("odd")) {
				f.Format.Width, f.Format.Height = 321, 241
			}
			f.Planes[0] = data
			s := Spec{Width: 161, Height: 121, Fit: Stretch, Filter: Linear}
			v := View{Crop: Rect{1, 3, 161, 121}} // no scaling: none of the decoding either
			compareView(t, f, v, s)
		})
	}
}

// compareView is compare with the reference made of Go's decoder.
func compareView(t *testing.T, f *capture.Frame, v View, s Spec) {
	t.Helper()
	components := decodedGrids(t, f.Planes[0])
	jfif := f.Format
	jfif.Range = capture.Full
	g, err := v.Geometry(&s, f.Format)
	if err != nil {
		t.Fatal(err)
	}
	var want []float64
	for y := range s.Height {
		for x := range s.Width {
			want = append(want, referencePixel(&capture.Frame{Format: jfif}, components, &s, g, v.Crop, x, y)...)
		}
	}
	compare(t, values(process(t, f, v, s)), want, 3.5)
}

func TestMotionJPEGWithoutHuffmanTables(t *testing.T) {
	f := jpegFrame(t, "422")
	want := process(t, f, View{}, Spec{}).Data
	f.Planes[0] = without(f.Planes[0], dht)
	if bytes.Contains(f.Planes[0], []byte{0xff, dht}) {
		t.Fatal("the tables are still there")
	}
	if got := process(t, f, View{}, Spec{}).Data; !bytes.Equal(got, want) {
		t.Error("the picture differs from the one with tables")
	}
}

// A frame does not decode otherwise because of the one before it, of which
// libjpeg would keep the tables.
func TestEachFrameHasTablesOfItsOwn(t *testing.T) {
	f := jpegFrame(t, "422")
	optimized, good := jpegFrame(t, "progressive").Planes[0], f.Planes[0]
	bare, want := without(good, dht), process(t, f, View{}, Spec{})
	p, err := New(View{}, []Spec{{}})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	for range 2 {
		for _, before := range [][]byte{optimized, good, bare} {
			img := imageFor(t, f, View{}, Spec{})
			if _, err := p.Process(t.Context(), frameOf(f, before), []*Image{img}); err != nil {
				t.Fatal(err)
			}
			if _, err := p.Process(t.Context(), frameOf(f, bare), []*Image{img}); err != nil {
				t.Fatalf("without Huffman tables: %v", err)
			}
			if !bytes.Equal(img.Data, want.Data) {
				t.Error("a frame without Huffman tables depends on the one before it")
			}
			_, err := p.Process(t.Context(), frameOf(f, without(good, dqt)), []*Image{img})
			if refused, ok := err.(*Error); !ok || refused.Reason != ReasonCorrupt {
				t.Errorf("without quantization tables: %v, want it refused as corrupt", err)
			}
		}
	}
}

func TestPaddingAroundTheEndDoesNotMatter(t *testing.T) {
	f := jpegFrame(t, "422")
	good, want := f.Planes[0], process(t, f, View{}, Spec{}).Data
	body, end := good[:len(good)-2], good[len(good)-2:]
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for name, data := range map[string][]byte{
		"zeros behind":          join(good, make([]byte, 100)),
		"another frame behind":  join(good, good),
		"zeros before the end":  join(body, make([]byte, 100), end),
		"0xff before the end":   join(body, bytes.Repeat([]byte{0xff}, 100), end),
		"a few bytes before it": join(body, []byte("edge"), end),
	} {
		f.Planes[0] = data
		if got := process(t, f, View{}, Spec{}).Data; !bytes.Equal(got, want) {
			t.Errorf("%s: another picture", name)
		}
	}
}

// TestLostBytesAreNoticed takes a piece out of the frame's data, as a lost USB
// packet does, makes it zero, or has it twice: most of that decodes to something
// all the same.
func TestLostBytesAreNoticed(t *testing.T) {
	data, err := os.ReadFile("../testdata/jpeg/422-720p.jpg")
	if err != nil {
		t.Fatal(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 1280, Height: 720}}
	// Also where only the top of the picture is asked for: damage is seen
	// where the data ends.
	top := View{Crop: Rect{0, 0, 1280, 200}}
	lost := func(at int) []byte { return append(append([]byte(nil), data[:at]...), data[at+1024:]...) }
	zeroed := func(at int) []byte {
		d := append([]byte(nil), data...)
		clear(d[at : at+512])
		return d
	}
	twice := func(at int) []byte { return append(append([]byte(nil), data[:at+1024]...), data[at:]...) }
	for _, v := range []View{{}, top} {
		p, err := New(v, []Spec{{Width: 64, Height: 64}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		for at := 2000; at < len(data)-2000; at += 4999 {
			for _, damaged := range [][]byte{lost(at), zeroed(at), twice(at)} {
				f.Planes[0] = damaged
				img := imageFor(t, f, v, p.specs[0])
				if _, err := p.Process(t.Context(), f, []*Image{img}); err == nil {
					t.Errorf("view %v: damage at byte %d of %d is not noticed", v.Crop, at, len(data))
				}
			}
		}
	}
}

// What an output gets does not depend on what else was made of the frame: the
// rows and the chroma that it has no use for.
func TestOnlyWhatIsNeededIsDecoded(t *testing.T) {
	wide := Spec{Name: "wide", Width: 50, Height: 4, Fit: Cover}
	linear, small, gray := wide, Spec{Name: "small", Width: 6, Height: 1, Fit: Cover}, Spec{Name: "gray", Width: 20, Height: 15, Color: Gray}
	linear.Name, linear.Filter = "linear", Linear
	for _, name := range []string{"444", "422", "420", "440", "411", "gray", "progressive", "scans", "restart", "rgb"} {
		for _, s := range []Spec{wide, linear, small, gray} {
			f := jpegFrame(t, name)
			alone := process(t, f, View{}, s)
			whole := s // at the same scale, or the filter sees another picture
			whole.Fit, whole.Color = Stretch, RGB
			whole.Height = s.Width * 38 / 51
			p, err := New(View{}, []Spec{s, whole})
			if err != nil {
				t.Fatal(err)
			}
			images := []*Image{imageFor(t, f, View{}, s), imageFor(t, f, View{}, whole)}
			if _, err := p.Process(t.Context(), f, images); err != nil {
				t.Fatal(err)
			}
			p.Close()
			if !bytes.Equal(alone.Data, images[0].Data) {
				t.Errorf("%s of %s is another one when the whole picture is decoded", s.Name, name)
			}
		}
	}
}
