package process

import (
	"context"
	"io"

	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
)

// entry is the source of the one frame of an entry of the quarantine: with the
// planes, the format, the sequence and the fault that it had in the daemon.
type entry struct {
	*quarantine.Entry
	read bool
}

var _ capture.Source = (*entry)(nil)

func openEntry(r io.Reader) (capture.Source, error) {
	e, err := quarantine.Read(r)
	if err != nil {
		return nil, err
	}
	return &entry{Entry: e}, nil
}

func (e *entry) Read(context.Context) (*capture.Frame, error) {
	if e.read {
		return nil, io.EOF
	}
	e.read = true
	e.Frame.Lend(e)
	return e.Frame, nil
}

func (e *entry) Format() capture.Format { return e.Frame.Format }
func (e *entry) Return(*capture.Frame)  {}
func (e *entry) Close() error           { return nil }
