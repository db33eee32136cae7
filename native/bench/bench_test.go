package main

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/native/bench/contest"
)

// small is a job with a recording of one frame.
func small(t *testing.T, format, output string, width, height int, frame []byte) (job, string) {
	t.Helper()
	dir := t.TempDir()
	j := job{"small", format, width, height, output, "set", "frames"}
	if err := os.Mkdir(filepath.Join(dir, "set"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"": frame, ".lengths": fmt.Appendln(nil, len(frame))} {
		if err := os.WriteFile(j.path(dir)+name, content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return j, dir
}

// slopes is a frame of smooth colours, none of which is beyond R'G'B'.
func slopes(format string, width, height int) []byte {
	stride, rows := 2*width, height
	if format == "NV12" {
		stride, rows = width, height*3/2
	}
	frame := make([]byte, stride*rows)
	for i := range frame {
		x, y := float64(i%stride/4), float64(i/stride)
		frame[i] = byte(128 + 25*math.Sin(x/40) + 15*math.Cos(y/70))
	}
	return frame
}

func jpegOf(t *testing.T, width, height int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			img.Set(x, y, color.NRGBA{byte(x / 8), byte(y / 4), byte((x + y) / 10), 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// The reference shares no code with the preprocessor: what both say of a frame
// must be the same picture.
func TestOursIsThePictureOfTheReference(t *testing.T) {
	t.Parallel()
	frames := map[string]func(width, height int) []byte{
		"YUYV": func(w, h int) []byte { return slopes("YUYV", w, h) },
		"NV12": func(w, h int) []byte { return slopes("NV12", w, h) },
		"MJPG": func(w, h int) []byte { return jpegOf(t, w, h) },
	}
	for format, draw := range frames {
		for output := range outputs {
			width, height := 1280, 720
			if output == "undistorted" {
				width, height = 1920, 1080 // which its lens is of
			}
			t.Run(format+"/"+output, func(t *testing.T) {
				t.Parallel()
				frame := draw(width, height)
				j, dir := small(t, format, output, width, height, frame)
				out := filepath.Join(dir, "out")
				var answers strings.Builder
				question := strings.NewReader("run 2\nframe 0 " + out + "\n")
				if err := contend(j.arguments("ours", options{frames: dir}), question, &answers); err != nil {
					t.Fatal(err)
				}
				var took, none int64
				if _, err := fmt.Sscan(answers.String(), &took, &none); err != nil || took <= 0 || none != 0 {
					t.Errorf("answers %q, want the time of two frames and 0", answers.String())
				}
				content, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				got, err := understand(j, content)
				if err != nil {
					t.Fatal(err)
				}
				want, err := reference(j, frame)
				if err != nil {
					t.Fatal(err)
				}
				if db := psnr(got, want); db < 35 {
					t.Errorf("%.1f dB to the reference, want 35 at least", db)
				}
			})
		}
	}
}

func TestReferenceKnowsColours(t *testing.T) {
	t.Parallel()
	j := job{format: "YUYV", width: 1280, height: 720}
	// BT.601, limited range: red.
	frame := bytes.Repeat([]byte{81, 90, 81, 240}, 1280*720/2)
	p, err := reference(j, frame)
	if err != nil {
		t.Fatal(err)
	}
	red := picture{p.width, p.height, make([][3]float64, len(p.pixels))}
	for i := range red.pixels {
		red.pixels[i] = [3]float64{255, 0, 0}
	}
	if db := psnr(p, red); db < 45 {
		t.Errorf("red is %v, %.1f dB away", p.pixels[0], db)
	}
}

func TestPSNR(t *testing.T) {
	t.Parallel()
	a := picture{1, 1, [][3]float64{{10, 10, 10}}}
	b := picture{1, 1, [][3]float64{{11, 9, 11}}}
	if got := psnr(a, b); math.Abs(got-48.1308) > 1e-3 {
		t.Errorf("psnr of one level is %v, want 48.13 dB", got)
	}
}

func TestStandIsTheMedianOfPairs(t *testing.T) {
	t.Parallel()
	ms := time.Millisecond
	// The machine became slower in between, for both.
	s := stand("x", []pair{{1 * ms, 2 * ms}, {2 * ms, 4 * ms}, {5 * ms, 11 * ms}})
	if s.Milliseconds != 4 || s.Ratio != 2 {
		t.Errorf("stands at %v ms and %v times, want 4 and 2", s.Milliseconds, s.Ratio)
	}
}

func TestTableStandsBetweenItsMarks(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "README.md")
	text := "before\n" + sectionBegin + "old\n" + sectionEnd + "after\n"
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	results := []result{{Job: "YUYV 1080p", Set: seen, Output: "model", Contenders: []standing{
		{Name: oursName, Milliseconds: 0.5, Ratio: 1, PSNR: 54}, {Name: "OpenCV", Milliseconds: 10, Ratio: 20, PSNR: 36},
	}}}
	if err := insert(name, tables(results, "a machine")); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"before\n" + sectionBegin, sectionEnd + "after\n", "on a machine.",
		"| | YUYV 1080p |\n|---|---|\n| this agent | 0.50, 54.0 dB |\n| OpenCV | 10.00, 20.00x, 36.0 dB |\n",
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("README is %q, want %q in it", got, want)
		}
	}
	if strings.Contains(string(got), "old") {
		t.Errorf("README is %q: the old table stands", got)
	}
}

func TestGarbageIsAFailure(t *testing.T) {
	t.Parallel()
	if err := garbage([]result{{Job: "j", Contenders: []standing{{Name: "good", PSNR: 30}, {Name: "no picture"}}}}); err != nil {
		t.Errorf("unexpected: %v", err)
	}
	if err := garbage([]result{{Job: "j", Contenders: []standing{{Name: "bad", PSNR: 12}}}}); err == nil {
		t.Error("12 dB pass")
	}
}

func TestRecordingThatDoesNotFitItsLengths(t *testing.T) {
	t.Parallel()
	j, dir := small(t, "YUYV", "model", 1280, 720, []byte("frame"))
	for _, lengths := range []string{"", "6\n", "0\n", "x\n", "-1\n"} {
		if err := os.WriteFile(j.path(dir)+".lengths", []byte(lengths), 0o644); err != nil {
			t.Fatal(err)
		}
		if f, err := contest.OpenFrames(j.path(dir)); err == nil {
			t.Errorf("lengths %q gave %d frames, want an error", lengths, len(f))
		}
	}
}

// Not beside others, whose memory comes and goes.
func TestProcessesAreMeasuredByTheirFamily(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { child.Process.Kill(); child.Wait() }()
	if list := children(os.Getpid()); !slices.Contains(list, child.Process.Pid) {
		t.Errorf("children %v, want %d among them", list, child.Process.Pid)
	}
	alone, err := memoryOf(child.Process.Pid)
	if err != nil || alone <= 0 || alone > 20 {
		t.Errorf("sleep holds %v MiB, %v", alone, err)
	}
	debug.FreeOSMemory() // or the block would take the place of what is held for nothing
	before, err := memoryOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<20)
	for i := range block {
		block[i] = 1
	}
	after, err := memoryOf(os.Getpid(), child.Process.Pid)
	if err != nil || after-before < 60 {
		t.Errorf("%v MiB before, %v with 64 MiB more and a child, %v", before, after, err)
	}
	runtime.KeepAlive(block)
	for began := ticksOf([]int{os.Getpid()}); ticksOf([]int{os.Getpid()}) == began; {
		for i := range block {
			block[i]++
		}
	}
}

func TestTablesOfWhatIsBesides(t *testing.T) {
	t.Parallel()
	paced := pacedTable([]run{{oursName, 0.21, 26.4, 7.04, 9}})
	if want := "| this agent | 21 % | 26 MiB | 7.0 ms | 9.0 ms |\n"; !strings.Contains(paced, want) {
		t.Errorf("%q, want %q in it", paced, want)
	}
	counted := tallyTable([]tally{{"YUYV", map[string]float64{oursName: 3.5}}, {"NV12", map[string]float64{oursName: 3, "OpenCV": 40}}})
	if want := "| | YUYV | NV12 |\n|---|---|---|\n| this agent | 3.5 | 3.0 |\n| OpenCV |  | 40.0 |\n"; !strings.Contains(counted, want) {
		t.Errorf("%q, want %q in it", counted, want)
	}
	if pacedTable(nil) != "" || tallyTable(nil) != "" {
		t.Error("tables of nothing")
	}
}
