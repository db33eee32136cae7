package worker

import (
	"bytes"
	"errors"
	"fmt"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// Files that were made to break decoders, and those of the folder that
// AGENT_JPEG_CORPUS names, break no child, and are refused as they are without
// one. Under the address sanitizer no child reads or writes beside a buffer.
func TestCorpusBreaksNoChild(t *testing.T) {
	files, err := filepath.Glob("../testdata/jpeg/*.jpg")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	if folder := os.Getenv("AGENT_JPEG_CORPUS"); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(more) == 0 {
			t.Fatalf("no files in %s: %v", folder, err)
		}
		files = append(files, more...)
	}
	specs := []preproc.Spec{{Width: 64, Height: 64}, {Width: 300, Height: 300, Encode: preproc.JPEG, Quality: 50}}
	r := open(t, "good", func(c *Config) { c.Specs = specs })
	here, err := preproc.New(preproc.View{}, specs)
	if err != nil {
		t.Fatal(err)
	}
	defer here.Close()
	var images []*preproc.Image
	for i := range r.images {
		images = append(images, &preproc.Image{Data: make([]byte, cap(r.images[i].Data))})
	}
	for n, file := range files {
		f := &capture.Frame{Sequence: uint64(n), Format: capture.Format{PixelFormat: capture.MJPG, Width: 51, Height: 38}}
		if f.Planes[0], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		if header, err := stdjpeg.DecodeConfig(bytes.NewReader(f.Planes[0])); err == nil {
			f.Format.Width, f.Format.Height = header.Width, header.Height
		}
		_, want := here.Process(t.Context(), f, images)
		_, got := r.Process(t.Context(), f, r.images)
		// Not in the same words: those tell of tables that are left of the files before.
		if reasonOf(got) != reasonOf(want) {
			t.Errorf("%s: %v, in this process %v", file, got, want)
		}
		for i := range images {
			if want == nil && got == nil {
				sameImage(t, n, r.images[i], images[i])
			}
		}
	}
	if len(r.gone) != 0 {
		t.Errorf("%d files, replaced: %+v", len(files), r.gone)
	}
}

func reasonOf(err error) string {
	if e, ok := errors.AsType[*preproc.Error](err); ok {
		return e.Reason.String()
	}
	return fmt.Sprint(err)
}
