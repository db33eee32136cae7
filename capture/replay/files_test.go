package replay

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// y4mFile is a stream of n frames whose bytes are their number.
func y4mFile(header string, frameBytes, n int) []byte {
	b := []byte("YUV4MPEG2 " + header + "\n")
	for i := range n {
		b = append(b, "FRAME\n"...)
		b = append(b, bytes.Repeat([]byte{byte('a' + i)}, frameBytes)...)
	}
	return b
}

func TestY4MHeadersSayHowFramesAreRead(t *testing.T) {
	for header, want := range map[string]capture.Format{
		"W6 H4 F25:1 Ip A1:1 C420jpeg":          {PixelFormat: capture.YU12, Width: 6, Height: 4, Stride: [4]int{6, 3, 3}, Interval: 40 * time.Millisecond},
		"W6 H4 F30000:1001":                     {PixelFormat: capture.YU12, Width: 6, Height: 4, Stride: [4]int{6, 3, 3}, Interval: 33366666},
		"W6 H4 F25:1 C422":                      {PixelFormat: capture.FourCC('4', '2', '2', 'P'), Width: 6, Height: 4, Stride: [4]int{6, 3, 3}, Interval: 40 * time.Millisecond},
		"W6 H4 F25:1 C444":                      {PixelFormat: capture.FourCC('Y', 'M', '2', '4'), Width: 6, Height: 4, Stride: [4]int{6, 6, 6}, Interval: 40 * time.Millisecond},
		"H3 W5 C420mpeg2 F0:0":                  {PixelFormat: capture.YU12, Width: 5, Height: 3, Stride: [4]int{5, 3, 3}, Interval: time.Second / 30},
		"W6 H4 F10:1 C420paldv":                 {PixelFormat: capture.YU12, Width: 6, Height: 4, Stride: [4]int{6, 3, 3}, Interval: 100 * time.Millisecond},
		"W6 H4 F10:1 Cmono XCOLORRANGE=FULL":    {PixelFormat: capture.GREY, Width: 6, Height: 4, Stride: [4]int{6}, Range: capture.Full, Interval: 100 * time.Millisecond},
		"W6 H4 F10:1 C420 XCOLORRANGE=LIMITED ": {PixelFormat: capture.YU12, Width: 6, Height: 4, Stride: [4]int{6, 3, 3}, Interval: 100 * time.Millisecond},
	} {
		t.Run(header, func(t *testing.T) {
			n := 0
			for i := range want.PixelFormat.Layout().Planes {
				n += want.PlaneBytes(i)
			}
			s, err := NewReader(bytes.NewReader(y4mFile(header, n, 3)), Config{Unpaced: true})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 3 {
				f := read(t, s)
				if f.Format != want || f.Fault != capture.FaultNone {
					t.Errorf("frame %d: %+v, %v; want %+v", i, f.Format, f.Fault, want)
				}
				all := bytes.Join(f.Planes[:], nil)
				if string(all) != strings.Repeat(string(rune('a'+i)), n) {
					t.Errorf("frame %d has %q", i, all)
				}
				f.Release()
			}
		})
	}
}

func TestARecordingThatCannotBeReadSaysWhy(t *testing.T) {
	for content, want := range map[string]string{
		"YUV4MPEG2 W4 H2 C420p10\nFRAME\n":                  `header of x: colour space "420p10": allowed are 420jpeg, 420mpeg2, 420paldv, 411, 422, 444 and mono, 8 bits each`,
		"YUV4MPEG2 W4 H2 C444alpha\nFRAME\n":                `header of x: colour space "444alpha"`,
		"YUV4MPEG2 W4 Htwo\n":                               `header of x: tag "Htwo": `,
		"YUV4MPEG2 W4\n":                                    `header of x: size 4x0: allowed are 1x1 to 32768x32768`,
		"YUV4MPEG2 W30000 H30000\nFRAME\n":                  `header of x: a frame of 1350000000 bytes: allowed are 64 MiB`,
		"YUV4MPEG2 W4 H2":                                   `read x: offset 0: found "YUV4MPEG2 W4 H2", want a line of text`,
		"YUV4MPEG2 W4 H2\n":                                 `replay x: no frame in it`,
		"YUV4MPEG2 W4 H2 Cmono\nFRAME\n01234567FARMES\n...": `read x: offset 36: found "FARMES", want "FRAME"`,
		"RIFF1234AVI \x02\xff\xd8\xff":                      `read x: it begins with "RIFF1234": neither JPEG`,
		"":                                                  `read x: it begins with "": neither JPEG`,
	} {
		_, err := readAll(t, strings.NewReader(content), Config{Path: "x"})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q gave\n  %v, want\n  %s", content, err, want)
		}
	}
}

func TestTheLastFrameOfATruncatedFileIsShort(t *testing.T) {
	full := y4mFile("W4 H2 Cmono", 8, 2)
	for cut := 1; cut < 8+len("FRAME\n"); cut++ {
		found, err := readAll(t, bytes.NewReader(full[:len(full)-cut]), Config{})
		left := strings.Repeat("b", max(0, 8-cut))
		expect(t, found, err, got{"aaaaaaaa", 4, 2, capture.FaultNone}, got{left, 4, 2, capture.FaultShort})
	}
	found, err := readAll(t, strings.NewReader("0123456789ab"), Config{Path: "x_2x2_YUYV.raw"})
	expect(t, found, err, got{"01234567", 2, 2, capture.FaultNone}, got{"89ab", 2, 2, capture.FaultShort})
}

func TestRawGeometryIsGivenOrStandsInTheName(t *testing.T) {
	padded := &capture.Format{PixelFormat: capture.NV12, Width: 3, Height: 3, Stride: [4]int{8, 6}, Range: capture.Full}
	s, err := NewReader(strings.NewReader("abc.....def.....ghi.....ABCD..EFGH.."), Config{Raw: padded, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	f := read(t, s)
	defer f.Release()
	if y, c := string(f.Planes[0]), string(f.Planes[1]); y != "abc.....def.....ghi....." || c != "ABCD..EFGH.." || f.Fault != 0 {
		t.Errorf("planes %q and %q, %v", y, c, f.Fault)
	}
	if f.Format.Stride != padded.Stride || f.Format.Range != capture.Full {
		t.Errorf("format %+v", f.Format)
	}
	for name, want := range map[string]string{
		"x_2x2_WXYZ.raw":  "raw frames of x_2x2_WXYZ.raw: pixel format WXYZ: not a format that is known",
		"x_2x0_YUYV.raw":  "raw frames of x_2x0_YUYV.raw: size 2x0: allowed are",
		"x_2x2_YUYV.d/x.": "read x_2x2_YUYV.d/x.: it begins with",
	} {
		if _, err := NewReader(strings.NewReader("12345678"), Config{Path: name}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

// A camera's mode may be left in the config when its device is replaced by a
// recording that knows better.
func TestAGeometryDoesNotOverruleTheContent(t *testing.T) {
	a := fixture(t, "420.jpg")
	for _, raw := range []*capture.Format{
		{PixelFormat: capture.YUYV, Width: 640, Height: 480}, {PixelFormat: capture.MJPG, Width: 640, Height: 480},
	} {
		found, err := readAll(t, bytes.NewReader(a), Config{Raw: raw})
		expect(t, found, err, whole(a, 320, 240))
		found, err = readAll(t, bytes.NewReader(y4mFile("W4 H2 Cmono", 8, 1)), Config{Raw: raw})
		expect(t, found, err, got{"aaaaaaaa", 4, 2, capture.FaultNone})
	}
	black := make([]byte, 640*480*2) // what might be padding in front of a JPEG
	copy(black[5000:], a)
	found, err := readAll(t, bytes.NewReader(black), Config{Path: "x_640x480_YUYV.raw"})
	expect(t, found, err, got{string(black), 640, 480, capture.FaultNone})
}

func TestADirectoryIsItsFilesInTheOrderOfTheirNames(t *testing.T) {
	dir := t.TempDir()
	a, b := fixture(t, "420.jpg"), fixture(t, "420-odd.jpg")
	for name, content := range map[string][]byte{
		"02.jpg": b, "01.jpeg": a, "10.jpg": a, "03.jpg": []byte("not a picture"), ".hidden.jpg": a,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "04.jpg"), 0o700); err != nil {
		t.Fatal(err)
	}
	want := []got{whole(a, 320, 240), whole(b, 321, 241), corrupt([]byte("not a picture"), 320, 240), whole(a, 320, 240)}
	s, err := Open(t.Context(), Config{Path: dir, Unpaced: true, Loop: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, w := range slices.Concat(want, want) {
		f := read(t, s)
		expect(t, []got{{string(f.Planes[0]), f.Format.Width, f.Format.Height, f.Fault}}, nil, w)
		if f.Sequence != uint64(i) {
			t.Errorf("frame %d has sequence %d", i, f.Sequence)
		}
		f.Release()
	}
}

func TestOnlyFilesAndDirectoriesAreOpened(t *testing.T) {
	for path, want := range map[string]string{
		"/dev/null":                             "open /dev/null: neither a file nor a directory",
		filepath.Join(t.TempDir(), "missing"):   "no such file",
		t.TempDir():                             "no frame in it",
		"":                                      "neither a path nor a pattern given",
		filepath.Join("..", "replay", "y4m.go"): "neither JPEG, Motion JPEG nor Y4M",
		fmt.Sprintf("%s/nothing.jpg", emptyJPEG(t)): "none of its first 1 frames tells its size",
	} {
		if s, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gave %v, %v", path, s, err)
		}
	}
}

func emptyJPEG(t *testing.T) string {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nothing.jpg"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A camera's stream may begin in the middle of a picture.
func TestTheSizeIsFoundBehindDamagedFrames(t *testing.T) {
	a := fixture(t, "422.jpg")
	path := filepath.Join(t.TempDir(), "cut.mjpg")
	if err := os.WriteFile(path, slices.Concat(a[1000:], a, a, a, a), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), Config{Path: path, Unpaced: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if f := s.Format(); f.Width != 320 || f.Height != 240 {
		t.Errorf("format %+v", f)
	}
	for _, want := range []got{corrupt(a[1000:], 320, 240), whole(a, 320, 240)} {
		f := read(t, s)
		expect(t, []got{{string(f.Planes[0]), f.Format.Width, f.Format.Height, f.Fault}}, nil, want)
		f.Release()
	}
}

// A recorded JPEG that is damaged from its first byte on is no raw frame, even
// where raw frames are expected; and pixels that begin as a JPEG may are.
func TestAGeometryDoesNotOverruleTheName(t *testing.T) {
	gray := capture.Format{PixelFormat: capture.GREY, Width: 4, Height: 2}
	found, err := readAll(t, strings.NewReader("12345678"), Config{Path: "x.jpg", Raw: &gray})
	expect(t, found, err, corrupt([]byte("12345678"), 0, 0))
	if _, err := NewReader(strings.NewReader("12345678"), Config{Path: "x.y4m", Raw: &gray}); err == nil {
		t.Error("a damaged Y4M is raw frames")
	}
	pixels := "\xff\xd8\xff\x001234"
	found, err = readAll(t, strings.NewReader(pixels), Config{Path: "x", Raw: &gray})
	expect(t, found, err, got{pixels, 4, 2, capture.FaultNone})
}
