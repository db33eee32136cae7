package agent

import (
	"time"

	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/systemd"
)

// inForceFrom is what is known of the config that an agent starts with.
func (o *Options) inForceFrom(started time.Time) *status.Config {
	if o.Refused != nil {
		return &status.Config{Loaded: o.Since, Fault: brief(o.Refused)}
	}
	return &status.Config{Loaded: started}
}

// refusal says that the config in force is not that of its files, empty while it is.
func (a *Agent) refusal() string {
	fault := a.taken.Load().Fault
	if fault == "" {
		return ""
	}
	return "the config was refused, the one before is in force: " + fault
}

// keepConfig has the config kept that is in force, for a start at which its files are
// refused.
func (a *Agent) keepConfig() {
	if a.InForce == nil {
		return
	}
	if err := a.InForce(); err != nil {
		a.Log.Warn().Str("message_id", systemd.MessageConfigNotKept).Err(err).Msg("config not kept")
	}
}
