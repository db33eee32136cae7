package agent

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/output"
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
