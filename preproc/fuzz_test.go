package preproc

import (
	"bytes"
	"errors"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc/lens"
)

// FuzzProcess sends any bytes as frames of any geometry: each is preprocessed
// or refused with a reason, and a good frame right after it comes out as ever.
func FuzzProcess(f *testing.F) {
	for _, name := range []string{"444", "422", "420", "440", "411", "gray", "progressive", "restart", "rgb", "arithmetic"} {
		data := jpegFrame(f, name).Planes[0]
		f.Add(data, uint8(0), uint16(51), uint16(38), uint8(20), uint8(20), uint8(0))
		f.Add(data, uint8(0), uint16(51), uint16(38), uint8(4), uint8(60), uint8(0x5b))
	}
	for i := range rawFormats {
		f.Add(make([]byte, 5000), uint8(i+1), uint16(33), uint16(31), uint8(20), uint8(9), uint8(0xa5))
	}
	f.Fuzz(func(t *testing.T, data []byte, format uint8, width, height uint16, outWidth, outHeight, options uint8) {
		if int(width)*int(height) > 1<<20 {
			return // it would only cost time
		}
		frame := fuzzFrame(data, format, int(width), int(height))
		v := View{Rotate: int(options&3) * 90, Flip: Flip(options >> 2 & 3)}
		if outHeight%4 == 3 && width > 0 && height > 0 {
			k := float64(outWidth)/100 - 1
			v.Lens = lens.New(lens.Pinhole, int(width), int(height), lens.Matrix{FX: 50, FY: 40, CX: float64(width) / 2, CY: float64(height) / 3}, []float64{k, k / 3})
		}
		s := Spec{
			Width: 1 + int(outWidth), Height: 1 + int(outHeight), Quality: 80,
			Fit: Fit(options >> 4 % 3), Filter: Filter(options >> 5 % 3), Encode: Encode(options >> 7),
		}
		if outWidth%3 == 1 {
			s.Tone = Tone{Clip: 2, Columns: 1 + int(outHeight%9), Rows: 1 + int(outWidth%7), Gamma: 0.7}
		}
		checkAnyFrame(t, frame, v, s)
	})
}

// fuzzFrame spreads bytes over the planes of a format: 0 is MJPG, else a raw one.
func fuzzFrame(data []byte, format uint8, width, height int) *capture.Frame {
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: width, Height: height}}
	n := int(format) % (len(rawFormats) + 1)
	if n == 0 {
		f.Planes[0] = data
		return f
	}
	f.Format = capture.DefaultFormat(rawFormats[n-1], width, height)
	for i := range f.Format.PixelFormat.Layout().Planes {
		f.Format.Stride[i] = f.Format.RowBytes(i)
		n := min(len(data), max(0, f.Format.PlaneBytes(i)))
		f.Planes[i], data = data[:n], data[n:]
	}
	return f
}

func checkAnyFrame(t *testing.T, f *capture.Frame, v View, s Spec) {
	t.Helper()
	p, err := New(v, []Spec{s})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	img := &Image{Data: make([]byte, 0, s.MaxBytes(s.Width, s.Height))}
	_, err = p.Process(t.Context(), f, []*Image{img})
	var refused *Error
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("refused without a reason: %v", err)
	}
	good := newFrame(capture.GREY, 8, 8, 0, noise())
	if _, err := p.Process(t.Context(), good, []*Image{img}); err != nil {
		t.Fatalf("a good frame after it: %v", err)
	}
	if !bytes.Equal(img.Data, process(t, good, v, s).Data) {
		t.Error("a good frame after it looks different")
	}
}

// TestCorpus sends every file of testdata/jpeg, and of the folder that
// AGENT_JPEG_CORPUS names, as a frame: in the size that its header tells, and
// in another one.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/jpeg/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in testdata/jpeg: %v", err)
	}
	if folder := os.Getenv("AGENT_JPEG_CORPUS"); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(more) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		files = append(files, more...)
	}
	reasons := map[string]int{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reasons[corpusVerdict(t, file, data)]++
	}
	t.Logf("%d files: %v", len(files), reasons)
}

// corpusVerdict sends a file between good frames and gives the reason why it
// was refused in its own size, or "good".
func corpusVerdict(t *testing.T, file string, data []byte) string {
	width, height := 51, 38
	if header, err := stdjpeg.DecodeConfig(bytes.NewReader(data)); err == nil {
		width, height = header.Width, header.Height
	}
	verdict := "good"
	for _, other := range []int{1, 0} {
		p, err := New(View{}, []Spec{{Width: 64, Height: 64}, {Width: 300, Height: 300, Encode: JPEG, Quality: 50}})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		f := fuzzFrame(data, 0, width+other, height)
		images := []*Image{imageFor(t, f, View{}, p.specs[0]), imageFor(t, f, View{}, p.specs[1])}
		_, err = p.Process(t.Context(), f, images)
		var refused *Error
		if errors.As(err, &refused) {
			verdict = refused.Reason.String()
		} else if err != nil {
			t.Errorf("%s: refused without a reason: %v", file, err)
		}
		if other == 1 && err == nil {
			t.Errorf("%s: taken in a size that it does not have", file)
		}
		if other == 0 && err == nil {
			verdict = "good"
		}
	}
	return verdict
}
