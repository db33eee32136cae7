// Package status has the words in which the agent tells how it is: as JSON, as
// metrics, on the page, on the command line.
//
// What enters: nothing; the agent fills these structs. What leaves: plain values
// with stable names and their units in them. It never measures, judges or waits.
//
// Durations are float64 in seconds, times are RFC 3339 by the clock on the wall.
// Counters begin with the process. Every member is always there; null is for what
// is not known, an empty string for what is nothing.
package status

import (
	"time"

	"github.com/edge-agent/agent/agent/history"
)

// A Status is the agent at one moment.
type Status struct {
	// Time is that moment: durations that a reader makes of it and of other times
	// here do not depend on the reader's clock.
	Time          time.Time `json:"time"`
	Version       string    `json:"version"`
	Started       time.Time `json:"started"`
	UptimeSeconds float64   `json:"uptime_seconds"`

	// Headline is whether all is well, and if not, what is not: see [Status.Words].
	Headline string `json:"headline"`
	// Alive: every stage makes progress, which is what the watchdog asks.
	Alive bool `json:"alive"`
	// Ready: every camera publishes fresh frames, and good ones.
	Ready bool `json:"ready"`
	// Healthy: Alive and Ready, and the preprocessor gives right answers.
	Healthy bool `json:"healthy"`
	// Degraded: it works, but with less than the config asks for.
	Degraded bool `json:"degraded"`
	// Reasons say why it is not healthy, and then why it is degraded; empty when
	// all is well.
	Reasons []Reason `json:"reasons"`
	// LastWords is what was stuck when the process before this one was ended for it.
	LastWords string `json:"last_words"`

	Cameras   []Camera  `json:"cameras"`
	Resources Resources `json:"resources"`
	Log       Log       `json:"log"`
	Config    Config    `json:"config"`
	// HTTP is null where none is served.
	HTTP *HTTP `json:"http"`
	// Control is the same of commands, and of whoever else uses their socket.
	Control *HTTP `json:"control"`
	// BoundsSeconds are the upper bounds of all histograms here.
	BoundsSeconds []float64 `json:"histogram_bounds_seconds"`
}

// A Reason is one thing that is not as it should be.
type Reason struct {
	// Kind is [Failed] or [Degraded].
	Kind string `json:"kind"`
	// Camera is empty for the agent itself.
	Camera string `json:"camera"`
	Text   string `json:"text"`
	// Since is when it began, or was noticed.
	Since *time.Time `json:"since"`
}

// The kinds of reasons.
const (
	Failed   = "failed"
	Degraded = "degraded"
)

// Silent is the reason of a camera that publishes no frame though it should.
const Silent = "no good frame"

// A Camera is one pipeline.
type Camera struct {
	Name string `json:"name"`
	// Device is how the config names it.
	Device string `json:"device"`
	// State is opening, publishing, waiting, ended or stopped.
	State string `json:"state"`
	// Since is when State began.
	Since time.Time `json:"since"`
	// Healthy: it publishes fresh frames, its pictures are good, and known frames
	// come out right. Reason is why not, and ReasonSince since when.
	Healthy     bool       `json:"healthy"`
	Reason      string     `json:"reason"`
	ReasonSince *time.Time `json:"reason_since"`
	// Remedy is what was tried last on a camera that fails, NextTry when it is tried
	// again at the latest, null while it is not waited for.
	Remedy  string     `json:"remedy"`
	NextTry *time.Time `json:"next_try"`
	// Format is what its driver delivers: "MJPG 1280x720"; Mode what was asked for.
	Format string `json:"format"`
	Mode   string `json:"mode"`
	// Fallback is the number of the fallback mode that it runs in, of Fallbacks;
	// 0 is the wanted mode.
	Fallback  int `json:"fallback"`
	Fallbacks int `json:"fallbacks"`
	// Verdict is what has lastingly been wrong with its pictures, good if nothing.
	Verdict      string     `json:"verdict"`
	VerdictSince *time.Time `json:"verdict_since"`
	// KnownFrame is how its worker failed on a known frame.
	KnownFrame string `json:"known_frame_failure"`
	// Throttle says that not all frames are taken, and why: "1 of 2 frames
	// (limits)"; Drift that they take longer than usual.
	Throttle string `json:"throttle"`
	Drift    string `json:"drift"`

	Account
	Rates
	// LastCaptured and LastPublished are how long ago the newest frame came and
	// one left.
	LastCaptured  *float64 `json:"last_captured_seconds_ago"`
	LastPublished *float64 `json:"last_published_seconds_ago"`
	// Age is from capture, by the driver's time stamp, to publication.
	Age Latency `json:"age"`
	// Stages are where that time goes: see [Stage].
	Stages []Stage `json:"stages"`
	Queue  Queue   `json:"queue"`
	// Worker is null without one.
	Worker     *Worker           `json:"worker"`
	Recoveries map[string]uint64 `json:"recoveries"`
	// Verdicts count published frames.
	Verdicts map[string]uint64 `json:"quality_verdicts"`
	Outputs  []Output          `json:"outputs"`
}

// An Account says where frames went:
// captured = published + the sum of dropped + in_flight.
type Account struct {
	Captured   uint64            `json:"captured"`
	KernelLost uint64            `json:"kernel_lost"`
	Published  uint64            `json:"published"`
	InFlight   int64             `json:"in_flight"`
	Dropped    map[string]uint64 `json:"dropped"`
}

// Rates are over the last [RateWindow].
type Rates struct {
	CaptureRate float64 `json:"captured_per_second"`
	PublishRate float64 `json:"published_per_second"`
}

// RateWindow is what rates are taken over, LatencyWindow what recent latencies
// are of: one that has ended.
const (
	RateWindow    = 5 * time.Second
	LatencyWindow = history.Period
)

// A Histogram counts durations by the bounds of [Status].
type Histogram struct {
	Count      uint64  `json:"count"`
	SumSeconds float64 `json:"sum_seconds"`
	// Counts has an element for each bound, not cumulative, and one for what is
	// beyond the last.
	Counts []uint64 `json:"counts"`
}

// A Latency is a histogram since the start, and what the last window had of it:
// the last whole one, or all there was before the first ended.
type Latency struct {
	Histogram
	Recent     []uint64 `json:"recent_counts"`
	P50Seconds *float64 `json:"p50_seconds"`
	P99Seconds *float64 `json:"p99_seconds"`
	MaxSeconds *float64 `json:"max_seconds"`
}

// A Stage is a part of a frame's way: capture (from its time stamp until it was
// dequeued), queue (until a preprocessor took it), preprocess, publish.
type Stage struct {
	Name string `json:"name"`
	Histogram
}

// A Queue is between capture and preprocessing.
type Queue struct {
	Length   int `json:"length"`
	Capacity int `json:"capacity"`
}

// A Worker is the process in which a camera's frames are preprocessed.
type Worker struct {
	PID int `json:"pid"`
	// Replaced counts those before it, by cause: crashed, timed-out, or
	// renewed, for what it held or a wrong answer.
	Replaced    map[string]uint64 `json:"replaced"`
	MemoryBytes int64             `json:"memory_bytes"`
	// Leaking: it has grown for an hour or for days.
	Leaking bool `json:"leaking"`
}

// An Output is where images of a camera go.
type Output struct {
	Name      string `json:"name"`
	Kind      string `json:"kind"`
	Address   string `json:"address"`
	Consumers int    `json:"consumers"`
	Delivered uint64 `json:"delivered"`
	Missed    uint64 `json:"missed"`
	// Error is why nothing comes of images at the moment.
	Error string `json:"error"`
	// Paused: no images are made, for want of memory or coolness.
	Paused bool `json:"paused"`
}

// Resources are what the agent and its workers hold, measured every few seconds;
// a limit of 0 is none.
type Resources struct {
	// MemoryBytes is what counts towards the limit: anonymous memory of all
	// processes, and what they share once.
	MemoryBytes       int64 `json:"memory_bytes"`
	MemorySharedBytes int64 `json:"memory_shared_bytes"`
	MemoryLimitBytes  int64 `json:"memory_limit_bytes"`
	Descriptors       int   `json:"descriptors"`
	DescriptorsLimit  int   `json:"descriptors_limit"`
	Threads           int   `json:"threads"`
	ThreadsLimit      int   `json:"threads_limit"`
	Goroutines        int   `json:"goroutines"`
	// Leaking are those of [Leaks] that have grown for an hour or for days, of the
	// agent without its workers.
	Leaking            []string `json:"leaking"`
	TemperatureCelsius *float64 `json:"temperature_celsius"`
	TemperatureLimit   float64  `json:"temperature_limit_celsius"`
	WatchdogPings      uint64   `json:"watchdog_pings"`
	// WatchdogSeconds is WatchdogSec of the unit, 0 when no watchdog watches.
	WatchdogSeconds float64 `json:"watchdog_interval_seconds"`
}

// Log is how much is logged: debug, info, warn or error.
type Log struct {
	Level string `json:"level"`
	// Configured is what the config says, and what Level is again after Until, which
	// is null while nobody asked for another one.
	Configured string     `json:"configured_level"`
	Until      *time.Time `json:"until"`
	// LeftOut are entries since the start that repeated others and were only counted:
	// other entries tell of them. Lost did not reach a journal that does not read.
	LeftOut uint64 `json:"left_out"`
	Lost    uint64 `json:"lost"`
}

// HTTP is what its clients ask of the agent; counters are since its start.
type HTTP struct {
	Connections int    `json:"connections"`
	Watchers    int    `json:"watchers"` // of images and streams
	Requests    uint64 `json:"requests"`
	// Refused are requests and connections that came when there were too many,
	// Evicted connections that were closed for newer ones.
	Refused uint64 `json:"refused"`
	Evicted uint64 `json:"evicted"`
}

// Leaks are the resources that may leak.
var Leaks = []string{"memory", "descriptors", "threads", "goroutines"}

// States are all that a camera may be in.
var States = []string{"opening", "publishing", "waiting", "ended", "stopped"}
