package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
)

const clip = stills + "stream-160x120.mjpg"

// Whoever reads the stream finds each image that the listing tells of, and the
// files of a run into a directory are the same.
func TestStreamHasTheImagesOfTheListing(t *testing.T) {
	front := camera(t, "outputs: {model: {size: 64x48, dtype: float32, layout: chw}, preview: {size: 80x60, encode: jpeg}}")
	for _, output := range []string{"model", "preview"} {
		var images bytes.Buffer
		results, err := process(t, Options{Camera: front, Output: output, Inputs: []string{clip}, Stream: &images})
		if err != nil || len(results) != 8 {
			t.Fatalf("%d results, %v", len(results), err)
		}
		stored, err := process(t, Options{Camera: front, Output: output, Inputs: []string{clip}})
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range results {
			want := read(t, stored[i].File)
			if output == "model" {
				want = pixels(t, stored[i].File)
			}
			got := images.Next(len(want))
			sum := sha256.Sum256(got)
			if !bytes.Equal(got, want) || r.SHA256 != hex.EncodeToString(sum[:]) || r.File != "" {
				t.Errorf("%s: image %d is another one: %+v", output, i, r)
			}
		}
		if images.Len() != 0 {
			t.Errorf("%s: %d bytes more", output, images.Len())
		}
	}
}

func TestStreamOfPicturesIsY4M(t *testing.T) {
	var images bytes.Buffer
	results, err := process(t, Options{Camera: camera(t, "outputs: {a: {size: 33x21}}"), Inputs: []string{clip, stills + "422.jpg"}, Stream: &images})
	if err != nil || len(results) != 9 {
		t.Fatalf("%d results, %v", len(results), err)
	}
	source, err := replay.NewReader(&images, replay.Config{Path: "stream", Unpaced: true, Lossless: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for i := range results {
		f, err := source.Read(t.Context())
		if err != nil || f.Fault != capture.FaultNone || f.Format.Width != 33 || f.Format.Height != 21 {
			t.Fatalf("frame %d: %+v, %v", i, f, err)
		}
		f.Release()
	}
}

// Only records say which output an image is of.
func TestRecordsMayBeOfSeveralOutputs(t *testing.T) {
	front := camera(t, "outputs: {a: {size: 8x8}, b: {size: 8x8, encode: jpeg}}")
	var images bytes.Buffer
	results, err := process(t, Options{Camera: front, Inputs: []string{stills + "422.jpg"}, Stream: &images, Format: stream.NDJSON})
	if err != nil || len(results) != 2 {
		t.Fatalf("%+v, %v", results, err)
	}
	for _, r := range results {
		var line struct {
			Output, Verdict, DType string
			Shape                  []int
			Data                   string
		}
		if text, err := images.ReadBytes('\n'); err != nil || json.Unmarshal(text, &line) != nil {
			t.Fatalf("%s: %v", text, err)
		}
		data, err := base64.StdEncoding.DecodeString(line.Data)
		sum := sha256.Sum256(data)
		if err != nil || r.SHA256 != hex.EncodeToString(sum[:]) || line.Output != r.Output || line.DType != r.DType || line.Verdict != "good" || !slices.Equal(line.Shape, r.Shape) {
			t.Errorf("%+v of %+v, %v", line, r, err)
		}
	}
	for format, want := range map[stream.Format]string{stream.Raw: "has the outputs a, b", stream.Y4M: "output b: y4m"} {
		_, err = process(t, Options{Camera: front, Inputs: []string{clip}, Stream: &images, Format: format})
		if err == nil || !strings.Contains(err.Error(), want) || images.Len() > 0 {
			t.Errorf("%v: %v, want %s", format, err, want)
		}
	}
}

// A Y4M stream has one size, of which its reader was told.
func TestPictureOfAnotherSizeEndsAY4MStream(t *testing.T) {
	var images bytes.Buffer
	results, err := process(t, Options{
		Camera: camera(t, "outputs: {a: {}}"), Inputs: []string{clip, stills + "422.jpg"}, Stream: &images,
	})
	if err == nil || !strings.Contains(err.Error(), "all of a y4m stream are as the first: YUV4MPEG2 W160 H120") || len(results) != 8 {
		t.Errorf("%d results, %v", len(results), err)
	}
	if n, want := images.Len(), 8*(160*120*3/2+6); n-bytes.IndexByte(images.Bytes(), '\n')-1 != want {
		t.Errorf("%d bytes, of which frames should be %d", n, want)
	}
}

func TestReaderThatHangsUpEndsTheRun(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	_, err = process(t, Options{Camera: camera(t, "outputs: {a: {}}"), Inputs: []string{clip, "never-opened.jpg"}, Stream: w})
	if !errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "never-opened") {
		t.Errorf("error %v, want EPIPE", err)
	}
}
