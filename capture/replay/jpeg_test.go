package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/edge-agent/agent/capture"
)

const fixtures = "../../testdata/jpeg"

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(fixtures, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// got is what a test remembers of a frame.
type got struct {
	data          string
	width, height int
	fault         capture.Fault
}

// readAll plays r to its end.
func readAll(t testing.TB, r io.Reader, cfg Config) ([]got, error) {
	t.Helper()
	cfg.Unpaced = true
	s, err := NewReader(r, cfg)
	if err != nil {
		return nil, err
	}
	var all []got
	for {
		f, err := s.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, got{string(bytes.Join(f.Planes[:], nil)), f.Format.Width, f.Format.Height, f.Fault})
		f.Release()
	}
}

func whole(b []byte, w, h int) got   { return got{string(b), w, h, capture.FaultNone} }
func corrupt(b []byte, w, h int) got { return got{string(b), w, h, capture.FaultCorrupt} }

func expect(t testing.TB, found []got, err error, want ...got) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	if len(found) != len(want) {
		t.Errorf("%d frames, want %d", len(found), len(want))
	}
	for i := range min(len(found), len(want)) {
		if f, w := found[i], want[i]; f != w {
			t.Errorf("frame %d: %d bytes, %dx%d, %v; want %d bytes, %dx%d, %v",
				i, len(f.data), f.width, f.height, f.fault, len(w.data), w.width, w.height, w.fault)
		}
	}
}

// Every kind of JPEG that lies in testdata, one after the other: each comes
// out byte by byte as it went in, whatever pieces the stream arrives in.
func TestConcatenatedJPEGsComeApartWhereTheyWereJoined(t *testing.T) {
	names, err := filepath.Glob(fixtures + "/*.jpg")
	if err != nil || len(names) < 16 {
		t.Fatalf("%d fixtures, %v", len(names), err)
	}
	var stream []byte
	var want []got
	for _, name := range names {
		b, w, h := fixture(t, filepath.Base(name)), 320, 240
		switch {
		case strings.Contains(name, "odd"):
			w, h = 321, 241
		case strings.Contains(name, "720p"):
			w, h = 1280, 720
		}
		stream, want = append(stream, b...), append(want, whole(b, w, h))
	}
	for name, r := range map[string]io.Reader{
		"whole":     bytes.NewReader(stream),
		"bytewise":  iotest.OneByteReader(bytes.NewReader(stream)),
		"with data": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readAll(t, r, Config{})
			expect(t, found, err, want...)
		})
	}
}

func TestAMultipartStreamIsItsPictures(t *testing.T) {
	a, b := fixture(t, "422-no-dht.jpg"), fixture(t, "420-restart.jpg")
	stream := slices.Concat(
		fmt.Appendf(nil, "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n", len(a)), a,
		fmt.Appendf(nil, "\r\n--frame\r\nContent-Type: image/jpeg\r\nX-Timestamp: 1.5\r\n\r\n"), b,
		[]byte("\r\n--frame--\r\n"))
	found, err := readAll(t, bytes.NewReader(stream), Config{})
	expect(t, found, err, whole(a, 320, 240), whole(b, 320, 240))
}

func TestADamagedPictureCostsNoneOfItsNeighbours(t *testing.T) {
	a := fixture(t, "422.jpg")
	cut, header := a[:len(a)/2], a[:200]
	headless := a[3:]
	for name, c := range map[string]struct {
		stream []byte
		want   []got
	}{
		"cut in the scan":   {slices.Concat(a, cut, a), []got{whole(a, 320, 240), corrupt(cut, 320, 240), whole(a, 320, 240)}},
		"cut at a 0xff":     {slices.Concat(cut, []byte{0xff}, a), []got{corrupt(append(slices.Clip(cut), 0xff), 320, 240), whole(a, 320, 240)}},
		"cut at the end":    {slices.Concat(a, cut), []got{whole(a, 320, 240), corrupt(cut, 320, 240)}},
		"without EOI":       {slices.Concat(a[:len(a)-2], a), []got{corrupt(a[:len(a)-2], 320, 240), whole(a, 320, 240)}},
		"without SOI":       {slices.Concat(a, headless, a), []got{whole(a, 320, 240), corrupt(headless, 320, 240), whole(a, 320, 240)}},
		"padded with zeros": {slices.Concat(a, make([]byte, 999), a), []got{whole(a, 320, 240), whole(a, 320, 240)}},
		"only a header":     {header, []got{corrupt(header, 320, 240)}},
		"nothing in it":     {[]byte{0xff, 0xd8, 0xff, 0xd9}, []got{corrupt([]byte{0xff, 0xd8, 0xff, 0xd9}, 0, 0)}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readAll(t, bytes.NewReader(c.stream), Config{})
			if name == "only a header" && len(found) == 1 {
				c.want[0].width, c.want[0].height = found[0].width, found[0].height // before or after its SOF
			}
			expect(t, found, err, c.want...)
		})
	}
}

// A bit error that looks like the marker of a long segment must not swallow
// the pictures after it.
func TestAFalseMarkerInTheScanIsData(t *testing.T) {
	a := fixture(t, "422.jpg")
	for _, marker := range []byte{0xe1, 0xc4, 0xdb, 0xfe, 0xda, 0x02} {
		bad := slices.Clone(a)
		copy(bad[len(bad)-100:], []byte{0xff, marker, 0xff, 0x00})
		found, err := readAll(t, bytes.NewReader(slices.Concat(bad, a)), Config{})
		expect(t, found, err, whole(bad, 320, 240), whole(a, 320, 240))
	}
}

// A quantization table between two scans may hold what looks like an EOI.
func TestATableBetweenScansIsNotSearchedForAnEnd(t *testing.T) {
	a := fixture(t, "420-progressive.jpg")
	table := append([]byte{fill, dqt, 0, 67, 3}, bytes.Repeat([]byte{1, fill, eoi, 1}, 16)...)
	second := bytes.LastIndex(a, []byte{fill, sos})
	a = slices.Insert(a, second, table...)
	found, err := readAll(t, bytes.NewReader(a), Config{})
	expect(t, found, err, whole(a, 320, 240))
}

func TestAStillThatIsNoJPEGIsACorruptFrame(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		fault   capture.Fault
	}{
		"binary": {"\x89PNG\r\n\x1a\n and more", capture.FaultCorrupt},
		"text":   {"no picture here", capture.FaultCorrupt},
		"empty":  {"", capture.FaultShort},
		"a byte": {"\xff", capture.FaultCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readAll(t, strings.NewReader(c.content), Config{Path: "x.jpg"})
			expect(t, found, err, got{c.content, 0, 0, c.fault})
		})
	}
}

func TestTheTailOfAStillIsNoFrame(t *testing.T) {
	a := fixture(t, "420.jpg")
	found, err := readAll(t, bytes.NewReader(append(slices.Clip(a), "SEFH\x80\x01\x02trailer"...)), Config{})
	expect(t, found, err, whole(a, 320, 240))
}

func TestAJPEGWithoutEndIsRefusedBeforeItFillsTheMemory(t *testing.T) {
	endless := io.MultiReader(bytes.NewReader(fixture(t, "422.jpg")[:10000]), zeros{})
	_, err := readAll(t, endless, Config{Path: "x.mjpg"})
	if err == nil || !strings.HasSuffix(err.Error(), "no end of the JPEG within 64 MiB") {
		t.Errorf("an endless JPEG gave %v", err)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestAReadErrorIsNoEndOfTheRecording(t *testing.T) {
	broken := io.MultiReader(bytes.NewReader(fixture(t, "422.jpg")[:10000]), iotest.ErrReader(errors.New("disk on fire")))
	_, err := readAll(t, broken, Config{Path: "x.mjpg"})
	if err == nil || err.Error() != "read x.mjpg: offset 10000: disk on fire" {
		t.Errorf("got %v", err)
	}
}

// Of a live pipe each picture comes out as soon as its last byte went in.
func TestAPipesFrameWaitsForNoOtherByte(t *testing.T) {
	r, w := io.Pipe()
	a := fixture(t, "420.jpg")
	frames := make(chan []got, 1)
	go func() {
		s, err := NewReader(r, Config{Unpaced: true})
		if err != nil {
			t.Error(err)
			return
		}
		f := read(t, s)
		frames <- []got{{string(f.Planes[0]), f.Format.Width, f.Format.Height, f.Fault}}
	}()
	for _, piece := range []string{"--frame\r\nContent-Type: ", "image/jpeg\r\n\r\n", string(a)} {
		if _, err := io.WriteString(w, piece); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, <-frames, nil, whole(a, 320, 240)) // the pipe is still open
	_ = w.Close()
}
