package agent

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/status"
)

// An agent that runs on an older config works with less than was asked for.
func TestRefusedConfigIsToldOf(t *testing.T) {
	a := newAgent(t, "cameras: {front: {device: {pattern: bars}}}\n")
	if s := a.Status(); s.Degraded || a.refusal() != "" {
		t.Errorf("%+v", s.Reasons)
	}
	o := Options{Refused: errors.New("agent.yaml:1:1: one thing\nagent.yaml:2:1: another"), Since: a.started.Add(-time.Hour)}
	a.taken.Store(o.inForceFrom(a.started))
	const told = "the config was refused, the one before is in force: agent.yaml:1:1: one thing"
	s := a.Status()
	if !s.Degraded || len(s.Reasons) == 0 || s.Reasons[len(s.Reasons)-1].Kind != status.Degraded || s.Reasons[len(s.Reasons)-1].Text != told {
		t.Errorf("%+v", s.Reasons)
	}
	if !s.Config.Loaded.Equal(o.Since) {
		t.Errorf("in force since %v", s.Config.Loaded)
	}
	if line := a.statusLine(); !strings.Contains(line, told) {
		t.Errorf("STATUS %q", line)
	}
}
