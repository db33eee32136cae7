package status

import (
	"fmt"
	"strings"
	"time"
)

// A Reload is what came of a config that was read again. One that was refused
// changed nothing, and the one before is in force.
type Reload struct {
	Time  time.Time `json:"time"`
	Taken bool      `json:"taken"`
	// Changes are those of one that was taken, none if it says the same.
	Changes []Change `json:"changes"`
	// Faults are why it was refused, a line each, as `agent check` prints them.
	Faults []string `json:"faults"`
	// Warnings are of one that was taken, likewise.
	Warnings []string `json:"warnings"`
}

// A Change is what a new config changed, of a camera or of the rest.
type Change struct {
	// Kind is [Added], [Removed] or [Changed].
	Kind string `json:"kind"`
	// Camera is empty for the agent itself.
	Camera string `json:"camera"`
	// Keys are what differs: those below the name of a camera, or of the config.
	Keys []string `json:"keys"`
	// Kept is what of a changed camera went on: its source, and outputs with all
	// who are connected to them.
	Kept []string `json:"kept"`
	// Trouble is what did not come off, and what is done about it.
	Trouble string `json:"trouble"`
}

// The kinds of changes.
const (
	Added   = "added"
	Removed = "removed"
	Changed = "changed"
)

// String is a line for people.
func (c Change) String() string {
	var text strings.Builder
	if c.Camera != "" {
		text.WriteString("camera " + c.Camera + ": ")
	}
	text.WriteString(c.Kind)
	if len(c.Keys) > 0 {
		text.WriteString(": " + strings.Join(c.Keys, ", "))
	}
	if len(c.Kept) > 0 {
		fmt.Fprintf(&text, "; kept: %s", strings.Join(c.Kept, ", "))
	}
	if c.Trouble != "" {
		text.WriteString("; " + c.Trouble)
	}
	return text.String()
}

// A Config is what is known of the config that is in force.
type Config struct {
	// Loaded is when it was taken.
	Loaded time.Time `json:"loaded"`
	// Reloads counts those that were taken, Refused those that were not.
	Reloads uint64 `json:"reloads"`
	Refused uint64 `json:"refused"`
	// Fault is the first one of the last reload, or of a start that was on a config
	// which had worked before; empty when what the files said was taken.
	Fault string `json:"fault"`
}
