package agent

import "github.com/edge-agent/agent/systemd"

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
