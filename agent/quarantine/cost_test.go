package quarantine_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// camera cycles through frames as a camera does: none of them is in the cache
// when its turn comes.
func camera(tb testing.TB, name string, width, height int) []*capture.Frame {
	tb.Helper()
	data, err := os.ReadFile("../../testdata/jpeg/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	frames := make([]*capture.Frame, max(2, 64<<20/len(data)))
	for i := range frames {
		frames[i] = &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: width, Height: height, Range: capture.Full}}
		frames[i].Planes[0] = slices.Clone(data)
	}
	return frames
}

// BenchmarkFlightBesideThePreprocessor is what the record of a frame costs
// where it is made, and its part of the preprocessor's time. The copy also
// brings the frame into the cache for the decoder, so that the whole, with the
// record and without, differs by less.
func BenchmarkFlightBesideThePreprocessor(b *testing.B) {
	s, err := quarantine.New(quarantine.Config{Dir: b.TempDir(), Keep: 1 << 20, FlightDir: filepath.Join(b.TempDir(), "in-flight")})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	flight, err := s.Flight("front")
	if err != nil {
		b.Fatal(err)
	}
	defer flight.Close()
	frames := camera(b, "422-720p.jpg", 1280, 720)
	b.Run("recorded", func(b *testing.B) { preprocess(b, flight, frames) })
	b.Run("unrecorded", func(b *testing.B) { preprocess(b, nil, frames) })
}

func preprocess(b *testing.B, flight *quarantine.Flight, frames []*capture.Frame) {
	spec := preproc.Spec{Name: "model", Width: 640, Height: 640, Pad: 114, DType: preproc.Float32, Layout: preproc.CHW}
	p, err := preproc.New(preproc.View{}, []preproc.Spec{spec})
	if err != nil {
		b.Fatal(err)
	}
	defer p.Close()
	images := []*preproc.Image{{Data: make([]byte, spec.MaxBytes(640, 640))}}
	var recording, processing time.Duration
	n := 0
	for b.Loop() {
		f := frames[n%len(frames)]
		n++
		begin := time.Now()
		flight.Begin(f)
		recorded := time.Now()
		if _, err := p.Process(b.Context(), f, images); err != nil {
			b.Fatal(err)
		}
		processed := time.Now()
		flight.End()
		recording += recorded.Sub(begin) + time.Since(processed)
		processing += processed.Sub(recorded)
	}
	b.ReportMetric(float64(len(frames[0].Planes[0]))/1000, "kB/frame")
	b.ReportMetric(float64(recording.Nanoseconds())/float64(n), "ns/record")
	b.ReportMetric(100*recording.Seconds()/processing.Seconds(), "%")
}
