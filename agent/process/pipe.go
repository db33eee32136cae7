package process

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/preproc"
)

// A pipe has the images one after the other.
type pipe struct {
	options  *Options
	encoders map[string]*stream.Encoder // by output
	header   []byte                     // that the stream began with
	begun    bool
	bytes    []byte // of the frame at hand
}

// newPipe makes a pipe. Only records say which output an image is of.
func newPipe(o *Options, specs []preproc.Spec) (*pipe, error) {
	p := &pipe{options: o, encoders: map[string]*stream.Encoder{}}
	var names []string
	for i := range specs {
		names = append(names, specs[i].Name)
		e, err := stream.New(stream.Config{Format: o.Format, Camera: o.Camera.Name, Spec: specs[i]})
		if err != nil {
			return nil, fmt.Errorf("output %s: %w", specs[i].Name, err)
		}
		p.encoders[specs[i].Name] = e
	}
	if len(specs) > 1 && o.Format != stream.NDJSON {
		return nil, fmt.Errorf("camera %s has the outputs %s: a stream has one, unless it is ndjson", o.Camera.Name, strings.Join(names, ", "))
	}
	return p, nil
}

func (p *pipe) put(_ string, _ uint64, img *preproc.Image) (string, error) {
	e := p.encoders[img.Spec.Name]
	p.bytes = e.AppendHeader(p.bytes[:0], img)
	switch {
	case !p.begun:
		p.begun, p.header = true, bytes.Clone(p.bytes)
	case !bytes.Equal(p.header, p.bytes):
		return "", fmt.Errorf("image of %dx%d: all of a %v stream are as the first: %s",
			img.Width, img.Height, e.Format(), bytes.TrimSpace(p.header))
	default:
		p.bytes = p.bytes[:0]
	}
	var err error
	if p.bytes, err = e.AppendFrame(p.bytes, img); err != nil {
		return "", err
	}
	_, err = p.options.Stream.Write(p.bytes)
	return "", err
}
