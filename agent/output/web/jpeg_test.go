package web

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

// picture is a JPEG of Go's encoder, which writes the standard tables in one segment.
func encoded(t testing.TB) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 96, 64))
	for y := range 64 {
		for x := range 96 {
			img.Set(x, y, color.RGBA{byte(x * 5), byte(y * 3), byte(x*y) ^ 0x55, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stripped is the same as a UVC camera sends it.
func stripped(t testing.TB, whole []byte) []byte {
	t.Helper()
	before, after, ok := bytes.Cut(whole, standardTables)
	if !ok {
		t.Fatal("the encoder has other tables than the standard's")
	}
	return append(bytes.Clone(before), after...)
}

func TestMissingTablesAreAdded(t *testing.T) {
	whole := encoded(t)
	bare := stripped(t, whole)
	if _, err := jpeg.Decode(bytes.NewReader(bare)); err == nil {
		t.Fatal("decoded without tables")
	}
	want, err := jpeg.Decode(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(appendComplete(nil, bare)))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.(*image.YCbCr).Y, want.(*image.YCbCr).Y) || !bytes.Equal(got.(*image.YCbCr).Cb, want.(*image.YCbCr).Cb) {
		t.Error("another picture")
	}
}

func TestOwnTablesAndWhatIsNoJPEGStay(t *testing.T) {
	whole := encoded(t)
	for _, b := range [][]byte{whole, whole[:2], whole[:30], nil, []byte("\xff\xd8\xff"), []byte("GET / HTTP/1.1"), {0xff, 0xd8, 0xff, 0xda, 0, 2}} {
		if got := appendComplete([]byte("x"), b); !bytes.Equal(got[1:], b) || got[0] != 'x' {
			t.Errorf("%d bytes became %d", len(b), len(got)-1)
		}
	}
}

func FuzzComplete(f *testing.F) {
	whole := encoded(f)
	f.Add(whole)
	f.Add(stripped(f, whole))
	f.Add([]byte{0xff, 0xd8, 0xff, 0xff, 0xff, 0xc0, 0, 0, 0xff, 0xda, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got := appendComplete(nil, b)
		added := len(got) - len(b)
		if added != 0 && added != len(standardTables) {
			t.Fatalf("%d bytes added", added)
		}
		if added > 0 && !bytes.Equal(appendComplete(nil, got), got) {
			t.Fatal("added to what is complete")
		}
	})
}
