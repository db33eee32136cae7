package status

import (
	"time"

	"github.com/edge-agent/agent/agent/history"
)

// A History is what was in the last hour: a point each PeriodSeconds, the oldest
// first, the last one at Time. All series have the same length; null is where
// nothing was measured.
type History struct {
	Time          time.Time       `json:"time"`
	PeriodSeconds float64         `json:"period_seconds"`
	MemoryBytes   []history.Value `json:"memory_bytes"`
	Cameras       []CameraHistory `json:"cameras"`
}

// A CameraHistory has the members of a [Camera] of these names.
type CameraHistory struct {
	Name        string          `json:"name"`
	CaptureRate []history.Value `json:"captured_per_second"`
	PublishRate []history.Value `json:"published_per_second"`
	P50Seconds  []history.Value `json:"age_p50_seconds"`
	P99Seconds  []history.Value `json:"age_p99_seconds"`
}

// Events are the newest events of the log, the newest first.
type Events struct {
	Events []Event `json:"events"`
}

// An Event is a log entry that the catalog explains, or a warning. Equal ones are
// one with a count.
type Event struct {
	// Time is when it happened last, First when for the first time.
	Time      time.Time `json:"time"`
	First     time.Time `json:"first"`
	Count     int       `json:"count"`
	Level     string    `json:"level"`
	Camera    string    `json:"camera"`
	Output    string    `json:"output"`
	Message   string    `json:"message"`
	Reason    string    `json:"reason"`
	Details   string    `json:"details"`
	MessageID string    `json:"message_id"`
}
