package agent

import (
	"errors"
	"path/filepath"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
	"github.com/edge-agent/agent/systemd"
)

// evidence says which drops leave a frame whose bytes tell more than its log
// line. A short frame is a number of bytes, a stale one is a time and a picture
// without fault, and a flag is the driver's word about its bus: whoever sees
// the same bytes again sees nothing.
var evidence = [dropCount]bool{
	DropCorrupt: true, DropGeometry: true, DropUnsupported: true, DropFailed: true, DropTimedOut: true, DropCrashed: true,
}

// keep offers a frame to the quarantine, on its way to being dropped. It costs
// a copy at most.
func (c *camera) keep(f *capture.Frame, d Drop, cause error) {
	if !evidence[d] {
		return
	}
	if (d == DropTimedOut || d == DropCrashed) && !c.blamed {
		return // there was no worker to take it
	}
	detail := ""
	if refused, ok := errors.AsType[*preproc.Error](cause); ok {
		detail = refused.Detail
	} else if cause != nil {
		detail = cause.Error()
	}
	c.evidence.Offer(c.cfg.Name, f, quarantine.Cause{Reason: d.String(), Detail: detail})
}

// openQuarantine also finds what the process before this one left in flight.
// It must come before the first camera.
func (a *Agent) openQuarantine(keep int64) (*quarantine.Store, error) {
	if keep == 0 {
		return nil, nil
	}
	return quarantine.New(quarantine.Config{
		Dir:  filepath.Join(a.StateDir, "quarantine"),
		Keep: keep,
		// No camera has a name with a dot. The directory outlives the process,
		// and is in memory.
		FlightDir: filepath.Join(a.RuntimeDir, ".in-flight"),
		Kept:      a.quarantined,
		Trouble:   a.quarantineTrouble,
	})
}

func (a *Agent) quarantined(e *quarantine.Entry, path string, suppressed uint64) {
	a.Log.Warn().Str("message_id", systemd.MessageFrameQuarantined).Str("camera", e.Camera).Str("drop_reason", e.Reason).
		Uint64("frame_seq", e.Frame.Sequence).Uint64("suppressed", suppressed).Str("file", path).Msg("frame quarantined")
}

func (a *Agent) quarantineTrouble(err error) {
	if err != nil {
		a.Log.Warn().Str("message_id", systemd.MessageQuarantineFailing).Err(err).Msg("frames cannot be quarantined")
		return
	}
	a.Log.Info().Msg("frames can be quarantined again")
}

// flight is the record of a camera's frame in flight. A camera works without,
// and needs none when its frames can only kill a worker.
func (a *Agent) flight(g *ground, camera string) *quarantine.Flight {
	if g.Isolation == config.Process {
		return nil
	}
	f, err := g.evidence.Flight(camera)
	if err != nil {
		a.Log.Warn().Str("message_id", systemd.MessageQuarantineFailing).Str("camera", camera).Err(err).Msg("a frame that kills the agent will not be found")
	}
	return f
}

// closeQuarantine writes what is pending and says what was not kept.
func (a *Agent) closeQuarantine(q *quarantine.Store) error {
	err := q.Close()
	s := q.Stats()
	if s.Kept > 0 || s.Dropped != (quarantine.Dropped{}) {
		a.Log.Info().Uint64("kept", s.Kept).Uint64("suppressed", s.Dropped.Suppressed).Uint64("busy", s.Dropped.Busy).
			Uint64("too_large", s.Dropped.TooLarge).Uint64("full", s.Dropped.Full).Uint64("failed", s.Dropped.Failed).
			Int64("bytes", s.BytesKept).Msg("quarantine")
	}
	return err
}
