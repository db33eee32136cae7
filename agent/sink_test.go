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
	s := &sink{outputs: []output.Output{d}, log: zerolog.New(&log)}
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
