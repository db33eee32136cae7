package quarantine

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
)

// picture is a frame of the camera as its driver would hand it out.
func picture(t testing.TB) *capture.Frame {
	t.Helper()
	data, err := os.ReadFile("../../testdata/jpeg/stream-160x120.mjpg")
	if err != nil {
		t.Fatal(err)
	}
	f := &capture.Frame{
		Format: capture.Format{
			PixelFormat: capture.MJPG, Width: 160, Height: 120, Range: capture.Full, Interval: 33333333,
		},
		Sequence: 42, Lost: 3, Timestamp: 81*time.Second + 123, Dequeued: 81*time.Second + 456,
	}
	f.Planes[0] = data[:5000]
	return f
}

// planar is one with several planes, padding, and colours of its own.
func planar() *capture.Frame {
	f := &capture.Frame{
		Format: capture.Format{
			PixelFormat: capture.NV12, Width: 6, Height: 4, Stride: [capture.MaxPlanes]int{8, 8},
			Matrix: capture.BT709,
		},
		Sequence: 1 << 40, Timestamp: -5, Fault: capture.FaultCorrupt,
	}
	f.Planes[0], f.Planes[1] = bytes.Repeat([]byte{1, 2}, 16), bytes.Repeat([]byte{3}, 14)
	return f
}

var evening = time.Date(2026, 11, 23, 8, 15, 2, 123456000, time.UTC)

func entryOf(f *capture.Frame) *Entry {
	return newEntry("front", f, Cause{"corrupt", `premature "end" of <JPEG> file` + "\n"}, evening)
}

func written(t testing.TB, e *Entry) []byte {
	t.Helper()
	var file bytes.Buffer
	if n, err := e.WriteTo(&file); err != nil || n != int64(file.Len()) {
		t.Fatal(n, err)
	}
	return file.Bytes()
}

func TestEntryIsTheWholeFrame(t *testing.T) {
	for _, f := range []*capture.Frame{picture(t), planar()} {
		e := entryOf(f)
		got, err := Read(bytes.NewReader(written(t, e)))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, e) {
			t.Errorf("read\n%+v of\n%+v, written\n%+v of\n%+v", got, got.Frame, e, e.Frame)
		}
	}
}

// What README says about head and tail.
func TestEntryIsALineOfJSONAndTheBitstream(t *testing.T) {
	e := entryOf(picture(t))
	line, rest, _ := bytes.Cut(written(t, e), []byte("\n"))
	if !bytes.HasPrefix(line, []byte(Magic)) || !bytes.Contains(line, []byte(`"reason":"corrupt"`)) {
		t.Errorf("first line: %s", line)
	}
	if !bytes.Equal(rest, e.Frame.Planes[0]) {
		t.Error("what follows the first line is not the bitstream")
	}
	if got, want := e.Name(), "front-20261123T081502.123456Z-00000042-corrupt.frame"; got != want {
		t.Errorf("name %s, want %s", got, want)
	}
}

func TestDetailIsBoundedAndText(t *testing.T) {
	for _, detail := range []string{strings.Repeat("<", 5000), strings.Repeat("é", 5000), "\xff\x00"} {
		e := newEntry("front", picture(t), Cause{"failed", detail}, evening)
		got, err := Read(bytes.NewReader(written(t, e)))
		if err != nil || len(got.Detail) == 0 || len(got.Detail) > maxDetailBytes {
			t.Errorf("detail of %d bytes became %d, %v", len(detail), len(got.Detail), err)
		}
	}
}

func TestDamagedEntryIsRefusedWithWhatIsWrong(t *testing.T) {
	file := string(written(t, entryOf(picture(t))))
	line, pixels, _ := strings.Cut(file, "\n")
	change := func(old, new string) string {
		changed := strings.Replace(file, old, new, 1)
		if changed == file {
			t.Fatalf("no %s in %s", old, line)
		}
		return changed
	}
	for damaged, want := range map[string]string{
		"":                                  "EOF",
		line:                                "does not end",
		strings.Repeat("x", 1<<20):          "does not end within 8192 bytes",
		line + "\n":                         "found 0 bytes or more, want 5000",
		file[:len(file)-1]:                  "found 4999 bytes",
		file + "x":                          "found 5001 bytes",
		line + "\n" + pixels[1:] + "\x00":   "found sha256",
		" " + file:                          "one form",
		line + " \n" + pixels:               "one form",
		"[]\n":                              "cannot unmarshal",
		"{}\n":                              "one form",
		change(`frame":1`, `frame":2`):      "version 2: allowed: 1",
		change(`"lost":3`, `"lost":3.0`):    "cannot unmarshal",
		change(`"lost":3`, `"LOST":3`):      "one form",
		change(`"lost":3,`, ``):             "one form",
		change(`"lost":3`, `"lost":3,"x":`): "invalid character",
		change(`"camera":"front"`, `"camera":"../front"`):      `camera "../front"`,
		change(`"camera":"front"`, `"camera":""`):              `camera ""`,
		change(`"reason":"corrupt"`, `"reason":"a/b"`):         `reason "a/b"`,
		change(`"fault":"none"`, `"fault":"bad"`):              `fault "bad": allowed: none, error-flag`,
		change(`"MJPG"`, `"XXXX"`):                             `pixel_format "XXXX"`,
		change(`"MJPG"`, `"NV12"`):                             "NV12 has 2",
		change(`"width":160`, `"width":-1`):                    "-1x120",
		change(`"height":120`, `"height":65537`):               "160x65537",
		change(`"matrix":"bt601"`, `"matrix":"601"`):           "allowed: bt601, bt709, bt2020",
		change(`"range":"full"`, `"range":""`):                 "allowed: limited, full",
		change(`"plane_bytes":[5000]`, `"plane_bytes":[-1]`):   "plane_bytes [-1]",
		change(`"plane_bytes":[5000]`, `"plane_bytes":[1e9]`):  "cannot unmarshal",
		change(`"stride":[0]`, `"stride":[999999999]`):         "stride [999999999]",
		change(`"interval_ns":33333333`, `"interval_ns":-1`):   "every -1 ns",
		change(`2026-11-23T08:15:02.123456Z`, `2026-11-23`):    `captured "2026-11-23"`,
		change(`"2026-11-23T08:15:02.123456Z"`, `"tomorrow"`):  `captured "tomorrow"`,
		change(`"plane_bytes":[5000]`, `"plane_bytes":[5001]`): "want 5001",
	} {
		if _, err := Read(strings.NewReader(damaged)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200q: %v, want %q", damaged, err, want)
		}
	}
}

// A first line may claim 64 MiB; nothing is allocated for a claim.
func TestClaimTakesNoMemory(t *testing.T) {
	file := written(t, entryOf(picture(t)))
	claim := bytes.Replace(file, []byte(`"plane_bytes":[5000]`), fmt.Appendf(nil, `"plane_bytes":[%d]`, maxFrameBytes), 1)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(bytes.NewReader(claim))
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; err == nil || n > 1<<20 {
		t.Errorf("%v; %d bytes were allocated for a file of %d", err, n, len(claim))
	}
}

// An operator may be sent a file by anyone. What is taken can be written again,
// and is then the same file.
func FuzzRead(f *testing.F) {
	for _, frame := range []*capture.Frame{picture(f), planar()} {
		f.Add(written(f, entryOf(frame)))
	}
	empty := picture(f)
	empty.Planes[0] = nil
	f.Add(written(f, entryOf(empty)))
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := Read(bytes.NewReader(file))
		if err != nil {
			return
		}
		if again := written(t, e); !bytes.Equal(file, again) {
			t.Errorf("read %q, written again it is %q", file, again)
		}
		if _, ours := own(e.Name()); !ours {
			t.Errorf("its name would be %q", e.Name())
		}
	})
}
