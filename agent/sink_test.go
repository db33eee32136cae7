package agent

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// disk takes every image, and says what became of the one before.
type disk struct{ err error }

func (d *disk) Write(context.Context, *preproc.Image) error { return nil }
func (d *disk) Close() error                                { return nil }
func (d *disk) Err() error                                  { return d.err }

// A disk that is full is told of once, and so is its end; the frames count as
// published all the while.
func TestImagesThatAreNotWrittenAreToldOf(t *testing.T) {
	var log bytes.Buffer
	d := &disk{}
	s := &sink{outputs: []output.Output{d}, ailing: make([]bool, 1), log: zerolog.New(&log)}
	full := errors.New("no space left on device")
	for _, d.err = range []error{nil, full, full, nil, nil, full} {
		if err := s.write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	if len(lines) != 3 {
		t.Fatalf("%q", lines)
	}
	for i, want := range []string{"images cannot be written", "images are written again", "images cannot be written"} {
		if !strings.Contains(lines[i], want) || strings.Contains(lines[i], full.Error()) != (i != 1) {
			t.Errorf("%s, want %q", lines[i], want)
		}
	}
}

// slots lends two memories in turns.
type slots struct {
	memory [2][]byte
	turn   int
}

func (s *slots) Lend() []byte { return s.memory[s.turn] }
func (s *slots) Close() error { return nil }
func (s *slots) Write(context.Context, *preproc.Image) error {
	s.turn = 1 - s.turn
	return nil
}

// Each memory keeps the mark of the border that was drawn in it, unless nothing
// was written there in the end; with other outputs all are forgotten.
func TestEachMemoryKeepsItsMark(t *testing.T) {
	spec := preproc.Spec{Width: 4, Height: 4, Color: preproc.Gray}
	s := &sink{cfg: config.Output{Spec: spec}, open: func(int, int) ([]output.Output, error) {
		return []output.Output{&slots{memory: [2][]byte{make([]byte, 16), make([]byte, 16)}}}, nil
	}}
	format := capture.Format{Width: 8, Height: 8}
	frame := func(want preproc.Drawn, mark preproc.Drawn, written bool) {
		t.Helper()
		if got := s.blank().Drawn; got != want {
			t.Errorf("mark is %d, want %d", got, want)
		}
		s.image.Drawn = mark
		if !written {
			return
		}
		if err := s.write(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.fit(preproc.View{}, format); err != nil {
		t.Fatal(err)
	}
	frame(0, 8, true)
	frame(0, 9, true)
	frame(8, 8, true)
	frame(9, 9, false) // a frame that failed
	frame(0, 9, true)
	frame(8, 8, true)
	frame(9, 9, true)
	if err := s.close(output.Output.Close); err != nil {
		t.Fatal(err)
	}
	if err := s.fit(preproc.View{}, format); err != nil {
		t.Fatal(err)
	}
	frame(0, 8, true)
}

// watched wants images while somebody looks.
type watched struct {
	disk
	looks bool
}

func (w *watched) Wanted() bool          { return w.looks }
func (w *watched) Report() output.Report { return output.Report{Kind: "watched"} }

// No image is made for outputs that nobody looks at, but for those that one of
// the outputs beside them wants.
func TestImagesThatNobodyWantsAreNotMade(t *testing.T) {
	w := &watched{}
	var beside []output.Output
	s := &sink{cfg: config.Output{Spec: preproc.Spec{Width: 4, Height: 4, Color: preproc.Gray}}, open: func(int, int) ([]output.Output, error) {
		return append([]output.Output{w}, beside...), nil
	}}
	fit := func() {
		t.Helper()
		if err := s.fit(preproc.View{}, capture.Format{Width: 8, Height: 8}); err != nil {
			t.Fatal(err)
		}
	}
	fit()
	for _, w.looks = range []bool{false, true, false} {
		if made := s.next(0) != nil; made != w.looks {
			t.Errorf("looked at %v, made %v", w.looks, made)
		}
	}
	if r := s.reports(); len(r) != 1 || r[0].Kind != "watched" {
		t.Errorf("reports: %+v", r)
	}
	if err := s.close(output.Output.Close); err != nil {
		t.Fatal(err)
	}
	if r := s.reports(); r != nil {
		t.Errorf("reports of closed outputs: %+v", r)
	}
	beside = []output.Output{&disk{}}
	if fit(); s.next(0) == nil {
		t.Error("not made for the output beside")
	}
}
