package agent

import (
	"fmt"
	"os"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output"
	"github.com/edge-agent/agent/agent/output/pipe"
	"github.com/edge-agent/agent/agent/output/stream"
)

// pipePatience is how long a recording waits for a command, well within the
// limit of the stage that preprocesses.
const pipePatience = time.Second

func (a *Agent) openPipe(p place) (output.Output, error) {
	if p.cfg.Pipe == nil {
		return nil, nil
	}
	// The one place where the service may write.
	if err := os.MkdirAll(a.StateDir, 0o750); err != nil {
		return nil, fmt.Errorf("directory of the command: %w", err)
	}
	format, err := p.cfg.Pipe.Format.Of(&p.cfg.Spec)
	if err != nil {
		return nil, err
	}
	cfg := pipe.Config{
		Command: p.cfg.Pipe.Command, Dir: a.StateDir, Width: p.width, Height: p.height,
		Stream: stream.Config{
			Format: format, Camera: p.camera.Name, Spec: p.cfg.Spec, Every: p.cfg.Every, NoData: !p.cfg.Pipe.Data,
		},
		Said: func(line string, more uint64) {
			p.log.Info().Str("stage", "pipe").Str("line", line).Uint64("suppressed", more).Msg("command says")
		},
	}
	if p.camera.Queue.Policy == config.Block {
		cfg.Patience = pipePatience
	}
	o, err := pipe.New(cfg)
	if err != nil {
		return nil, err
	}
	p.log.Info().Str("command", p.cfg.Pipe.Command[0]).Stringer("format", format).Msg("a command gets images")
	return o, nil
}
