// Command make writes the JPEG fixtures of testdata/jpeg again, the same bytes
// with the same Go and libjpeg-turbo. Run it from the root of the repository:
//
//	go run ./testdata/jpeg/make
//
// It needs cjpeg (Debian: libjpeg-turbo-progs).
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"log"
	"os"
	"os/exec"
	"path/filepath"
)

const dir = "testdata/jpeg"

func main() {
	small, odd, large := scene(320, 240, 0), scene(321, 241, 0), scene(1280, 720, 0)

	write("go-420.jpg", goJPEG(small, 90))
	write("go-gray.jpg", goJPEG(gray(small), 90))
	write("420.jpg", cjpeg(small, "-sample", "2x2"))
	write("422.jpg", cjpeg(small, "-sample", "2x1"))
	write("440.jpg", cjpeg(small, "-sample", "1x2"))
	write("444.jpg", cjpeg(small, "-sample", "1x1"))
	write("411.jpg", cjpeg(small, "-sample", "4x1"))
	write("gray.jpg", cjpeg(small, "-grayscale"))
	write("420-restart.jpg", cjpeg(small, "-sample", "2x2", "-restart", "1"))
	write("420-progressive.jpg", cjpeg(small, "-sample", "2x2", "-progressive"))
	write("420-odd.jpg", cjpeg(odd, "-sample", "2x2"))
	write("422-odd.jpg", cjpeg(odd, "-sample", "2x1"))
	write("422-720p.jpg", cjpeg(large, "-sample", "2x1", "-quality", "80"))

	plain := cjpeg(small, "-sample", "2x1")
	write("422-no-dht.jpg", withoutTables(plain))
	write("420-thumbnail.jpg", withThumbnail(cjpeg(small, "-sample", "2x2"), goJPEG(scene(80, 60, 0), 80)))
	write("420-fill-bytes.jpg", withFillBytes(cjpeg(small, "-sample", "2x2")))

	var stream []byte
	for i := range 8 {
		stream = append(stream, cjpeg(scene(160, 120, i), "-sample", "2x1", "-quality", "70")...)
	}
	write("stream-160x120.mjpg", stream)
}

func write(name string, data []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%7d %s\n", len(data), name)
}

func goJPEG(img image.Image, quality int) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		log.Fatal(err)
	}
	return b.Bytes()
}

func gray(img *image.RGBA) *image.Gray {
	g := image.NewGray(img.Rect)
	draw.Draw(g, g.Rect, img, image.Point{}, draw.Src)
	return g
}

// cjpeg encodes with libjpeg-turbo's own program.
func cjpeg(img *image.RGBA, args ...string) []byte {
	ppm := fmt.Appendf(nil, "P6\n%d %d\n255\n", img.Rect.Dx(), img.Rect.Dy())
	for i := 0; i < len(img.Pix); i += 4 {
		ppm = append(ppm, img.Pix[i:i+3]...)
	}
	cmd := exec.Command("cjpeg", append([]string{"-quality", "90"}, args...)...)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(ppm), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		log.Fatalf("cjpeg %v: %v", args, err)
	}
	return out
}

// segments calls keep for each marker segment before the scan and joins what
// it returns; the scan and all after it stay as they are.
func segments(jpg []byte, keep func(marker byte, segment []byte) []byte) []byte {
	out, rest := append([]byte(nil), jpg[:2]...), jpg[2:]
	for rest[1] != 0xda {
		n := 2 + int(binary.BigEndian.Uint16(rest[2:]))
		out = append(out, keep(rest[1], rest[:n])...)
		rest = rest[n:]
	}
	return append(out, rest...)
}

// withoutTables is what many UVC cameras send: an AVI1 header and no Huffman
// tables, which the reader knows (ISO/IEC 10918-1, K.3).
func withoutTables(jpg []byte) []byte {
	return segments(jpg, func(marker byte, s []byte) []byte {
		switch marker {
		case 0xe0:
			return append([]byte{0xff, 0xe0, 0, 16}, "AVI1\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
		case 0xc4:
			return nil
		}
		return s
	})
}

// withThumbnail puts a whole JPEG into an APP1 segment, as Exif does.
func withThumbnail(jpg, thumbnail []byte) []byte {
	return segments(jpg, func(marker byte, s []byte) []byte {
		if marker != 0xe0 {
			return s
		}
		body := append([]byte("Exif\x00\x00"), thumbnail...)
		app1 := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(2+len(body)))
		return append(append(append([]byte(nil), s...), app1...), body...)
	})
}

// withFillBytes puts 0xff before each marker, which the standard allows (B.1.1.2).
func withFillBytes(jpg []byte) []byte {
	return segments(jpg, func(_ byte, s []byte) []byte {
		return append([]byte{0xff, 0xff, 0xff}, s...)
	})
}
