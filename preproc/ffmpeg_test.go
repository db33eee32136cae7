package preproc

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/capture"
)

var updateFFmpeg = flag.Bool("ffmpeg", false, "make testdata/ffmpeg again, with the ffmpeg of this machine")

// The picture that ffmpeg was given: a wheel of hues, brighter from left to
// right, so smooth that it does not matter how chroma is spread over pixels.
const ffmpegWidth, ffmpegHeight = 32, 24

func ffmpegPicture() []byte {
	var b []byte
	for y := range ffmpegHeight {
		for x := range ffmpegWidth {
			turn, v := 2*math.Pi*float64(y)/ffmpegHeight, 20+4.8*float64(x)
			for c := range 3 {
				b = append(b, byte(v*(0.75+0.25*math.Sin(turn+float64(c)*2*math.Pi/3))+20))
			}
		}
	}
	return b
}

// ffmpegNames are ffmpeg's names of our formats, with how far a level may be off
// and how far all are at the mean. What is deeper than 8 bits ffmpeg cuts off
// where we round. It has no other codes of V4L2, or does not pack them; its 4:4:4
// of 12 bits it reads as if the lower ones were 0.
var ffmpegNames = []struct {
	code, name string
	most       int
	mean       float64
}{
	{"NV12", "nv12", 2, 0.5}, {"NV21", "nv21", 2, 0.5}, {"YU12", "yuv420p", 2, 0.5}, {"411P", "yuv411p", 2, 0.5}, {"YUV9", "yuv410p", 2, 0.5},
	{"YUYV", "yuyv422", 2, 0.5}, {"UYVY", "uyvy422", 2, 0.5}, {"YVYU", "yvyu422", 2, 0.5}, {"422P", "yuv422p", 2, 0.5},
	{"NV24", "nv24", 2, 0.5}, {"NV42", "nv42", 2, 0.5}, {"YM24", "yuv444p", 2, 0.5}, {"P010", "p010le", 5, 0.9},
	{"GREY", "gray", 0, 0}, {"Y10", "gray10le", 1, 0.5}, {"Y12", "gray12le", 1, 0.5}, {"Y14", "gray14le", 1, 0.5}, {"Y16", "gray16le", 1, 0.5}, {"Y16-BE", "gray16be", 1, 0.5},
	{"RGB3", "rgb24", 0, 0}, {"BGR3", "bgr24", 0, 0}, {"RGB4", "0rgb", 0, 0}, {"BX24", "0rgb", 0, 0}, {"BA24", "argb", 0, 0},
	{"BGR4", "bgr0", 0, 0}, {"XR24", "bgr0", 0, 0}, {"AR24", "bgra", 0, 0}, {"XB24", "rgb0", 0, 0}, {"AB24", "rgba", 0, 0}, {"RX24", "0bgr", 0, 0}, {"RA24", "abgr", 0, 0},
	{"RGB1", "rgb8", 3, 0.8}, {"RGBP", "rgb565le", 1, 0.4}, {"RGBR", "rgb565be", 1, 0.4}, {"RGBO", "rgb555le", 1, 0.4}, {"XR15", "rgb555le", 1, 0.4}, {"RGBQ", "rgb555be", 1, 0.4},
	{"XB15", "bgr555le", 1, 0.4}, {"AR30", "x2rgb10le", 1, 0.4},
}

// ffmpeg runs the converter from one format to another, by its filter scale.
func ffmpeg(t *testing.T, in []byte, from, to, options string) []byte {
	t.Helper()
	size := fmt.Sprintf("%dx%d", ffmpegWidth, ffmpegHeight)
	cmd := exec.CommandContext(t.Context(), "ffmpeg", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", from, "-s", size, "-i", "-",
		"-vf", "scale=in_color_matrix=bt601:out_color_matrix=bt601:flags=bilinear+accurate_rnd+full_chroma_int+bitexact:sws_dither=none"+options,
		"-f", "rawvideo", "-pix_fmt", to, "-")
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg from %s to %s: %v", from, to, err)
	}
	return out
}

// ffmpegRGB is what ffmpeg makes of a frame: of YUV in two steps, the first of
// which is told where V4L2 has chroma, in 1/256 of a pixel.
func ffmpegRGB(t *testing.T, raw []byte, p capture.PixelFormat, name string) []byte {
	l := p.Layout()
	if l.Kind == capture.YUV && name != "yuv444p" {
		c := l.Components[1]
		raw = ffmpeg(t, raw, name, "yuv444p", fmt.Sprintf(":in_h_chr_pos=%d:in_v_chr_pos=%d:out_h_chr_pos=0:out_v_chr_pos=0", 128*(c.HSub-1), 128*(c.VSub-1)))
		name = "yuv444p"
	}
	return ffmpeg(t, raw, name, "rgb24", "")
}

// ffmpegGolden is a frame as ffmpeg packs it and the RGB that it makes of it.
func ffmpegGolden(t *testing.T, p capture.PixelFormat, name string) (raw, rgb []byte) {
	t.Helper()
	path := filepath.Join("testdata", "ffmpeg", p.String()+".gz")
	f := capture.Format{PixelFormat: p, Width: ffmpegWidth, Height: ffmpegHeight}
	n := 0
	for i := range p.Layout().Planes {
		n += f.RowBytes(i) * f.Rows(i)
	}
	if *updateFFmpeg {
		raw = ffmpeg(t, ffmpegPicture(), "rgb24", name, "")
		writeGzip(t, path, append(raw[:n:n], ffmpegRGB(t, raw, p, name)...))
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatalf("%v; go test ./preproc -run FFmpeg -ffmpeg makes it", err)
	}
	defer file.Close()
	r, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err != nil || len(all) != n+ffmpegWidth*ffmpegHeight*3 {
		t.Fatalf("%s: %d bytes, %v", path, len(all), err)
	}
	return all[:n], all[n:]
}

func writeGzip(t *testing.T, path string, data []byte) {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// A frame that ffmpeg packed comes out as ffmpeg unpacks it: nobody but the two
// of us, and the kernel's documentation, says where the bits are.
func TestFramesAreReadAsFFmpegReadsThem(t *testing.T) {
	for _, c := range ffmpegNames {
		p, ok := capture.ParsePixelFormat(c.code)
		if !ok {
			t.Fatal(c.code)
		}
		raw, want := ffmpegGolden(t, p, c.name)
		f := &capture.Frame{Format: capture.DefaultFormat(p, ffmpegWidth, ffmpegHeight)}
		for i := range p.Layout().Planes {
			f.Format.Stride[i] = f.Format.RowBytes(i)
			n := f.Format.PlaneBytes(i)
			f.Planes[i], raw = raw[:n], raw[n:]
		}
		got := process(t, f, View{}, Spec{}).Data
		most, sum, n := 0, 0, 0
		for i := range got {
			d := max(int(got[i])-int(want[i]), int(want[i])-int(got[i]))
			most, sum, n = max(most, d), sum+d, n+1
		}
		mean := float64(sum) / float64(n)
		t.Logf("%-6s  max %d  mean %.3f", p, most, mean)
		if most > c.most || mean > c.mean {
			t.Errorf("%s: off by %d at most and %.3f at the mean, allowed are %d and %.1f", p, most, mean, c.most, c.mean)
		}
	}
}
