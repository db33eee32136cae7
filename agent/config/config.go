package config

import (
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// A Config is what the agent is to do.
type Config struct {
	// Cameras are in the order of the file. None means: every camera found.
	Cameras []Camera
	// Isolation is where the native code runs, of all cameras.
	Isolation  Isolation
	HTTP       HTTP
	Quarantine Quarantine
	Limits     Limits
	Log        Log
	// Warnings are about keys that are accepted but unwise.
	Warnings []Fault
}

// A Camera is one pipeline, from a device to its outputs.
type Camera struct {
	// Name is also a directory name: see [ValidName].
	Name   string
	Device Device
	Mode   capture.Request
	// Fallback are modes for when Mode cannot be held, the best one first.
	Fallback []capture.Request
	Controls []Control
	// Buffers is how many V4L2 buffers are asked for. It exceeds
	// Queue.Capacity by two at least: one frame is being preprocessed, and one
	// is with the driver.
	Buffers int
	Queue   Queue
	// View has the lens that Undistort names.
	View      preproc.View
	Undistort Undistort
	// Quality says from where on a frame is bad.
	Quality preproc.Quality
	// Outputs has one element at least.
	Outputs []Output
	// StallAfter is how long a streaming camera may deliver nothing.
	StallAfter time.Duration
	// USBReset allows to reset the USB port of a camera that nothing else helps.
	USBReset bool
	// ProcessDeadline is how long the preprocessing of one frame may take, with
	// Isolation Process.
	ProcessDeadline time.Duration
}

// Specs are what the outputs look like, in their order.
func (c *Camera) Specs() []preproc.Spec {
	specs := make([]preproc.Spec, len(c.Outputs))
	for i := range c.Outputs {
		specs[i] = c.Outputs[i].Spec
	}
	return specs
}

// An Undistort names the calibration of a camera.
type Undistort struct {
	// File is its path, joined to the directory of the file that names it; none
	// when it is empty.
	File string
	// Balance is that of [lens.Lens.Balanced], or KeepFocalLength.
	Balance float64
}

// KeepFocalLength: the undistorted picture has the camera's focal length.
const KeepFocalLength = -1

// A Device says where frames come from. Exactly one of ByID, ByPath, Serial,
// Name, Path, Replay and Pattern is set.
type Device struct {
	// ByID and ByPath are names in /dev/v4l/by-id and /dev/v4l/by-path.
	ByID, ByPath string
	// Serial is the USB serial number.
	Serial string
	// Name is a pattern for the card's name, with * and ?.
	Name string
	// Path is a device node. It may be another camera after the next boot.
	Path string

	// Replay is a recording; a relative path was joined to the directory of
	// the file that names it.
	Replay string
	// Loop starts the recording again at its end.
	Loop bool
	// Pace is how fast a recording is played.
	Pace Pace

	// Pattern is a picture that the agent draws itself.
	Pattern string
}

// Live says that frames come from a camera, not from a file or a pattern.
func (d *Device) Live() bool { return d.Replay == "" && d.Pattern == "" }

// String is the one selector that is set, as the config file has it.
func (d *Device) String() string {
	for _, s := range selectors {
		if v := *s.at(d); v != "" {
			return s.name + ": " + v
		}
	}
	return "none"
}

// A Control is a V4L2 control to be set, by the name that v4l2-ctl prints.
type Control struct {
	Name  string
	Value int64
}

// A Queue lies between capture and preprocessing.
type Queue struct {
	Capacity int
	Policy   Policy
}

// An Output is one product of a camera's frames.
type Output struct {
	Spec preproc.Spec
	// Every is the least time between two images; 0 takes every frame.
	Every time.Duration
	// What follows is where images go; one of them is set at least.
	Ring      *Ring
	Files     *Files
	Pipe      *Pipe
	GStreamer *GStreamer
	Video     *Video
}

// placed says that images go somewhere.
func (o *Output) placed() bool {
	return o.Ring != nil || o.Files != nil || o.Pipe != nil || o.GStreamer != nil || o.Video != nil
}

// A Ring is shared memory for local consumers.
type Ring struct{ Slots int }

// Files are images on disk.
type Files struct {
	// Dir is absolute, or relative to the state directory.
	Dir string
	// Keep is how many bytes may lie there, KeepFor how long a file stays, 0 for as
	// long as there is room; the oldest files make room.
	Keep    int64
	KeepFor time.Duration
	// On says which images are kept.
	On On
	// Sidecar says whether what is known of an image lies beside it.
	Sidecar bool
}

// A Pipe is a command that gets images on its standard input.
type Pipe struct {
	// Command is the program and its arguments.
	Command []string
	Format  stream.Format
	// Data says whether NDJSON has the image.
	Data bool
}

// A GStreamer is shared memory for shmsrc.
type GStreamer struct{ Slots int }

// A Video is a V4L2 output node, which other programs open as a camera.
type Video struct {
	// Device is the path of the node.
	Device string
	// Format is what is written; 0 is auto.
	Format capture.PixelFormat
}

// A Quarantine keeps frames that went wrong, as evidence.
type Quarantine struct {
	// Keep is how many bytes may lie there; 0 keeps nothing.
	Keep int64
}

// Limits are what the agent and its workers may use of the device.
type Limits struct {
	// Memory is in bytes, as health.MemoryOf counts it.
	Memory int64
	// Temperature is in degrees Celsius; 0 is none.
	Temperature int
}

// A Log says what is logged.
type Log struct{ Level string }

// Isolation says where native code runs.
type Isolation uint8

const (
	// Process is a child process for each camera.
	Process Isolation = iota
	// None is the agent itself, which a crash ends.
	None
)

// On says which images a file output keeps.
type On uint8

const (
	// All images.
	All On = iota
	// Verdict: those with a verdict against them.
	Verdict
)

// A Policy says what a full queue does.
type Policy uint8

const (
	// DropOldest makes room: newest wins.
	DropOldest Policy = iota
	// SlowInput makes room as well, and lets fewer frames in while the
	// preprocessor does not keep up.
	SlowInput
	// Block waits for room, so that nothing is lost; for recordings only.
	Block
)

// A Pace says how fast a recording is played.
type Pace uint8

const (
	// Realtime plays at the rate of the mode, or of the recording.
	Realtime Pace = iota
	// Fastest plays as fast as frames are taken.
	Fastest
)

func (i Isolation) String() string { return [...]string{"process", "none"}[i] }
func (p Policy) String() string    { return [...]string{"drop-oldest", "slow-input", "block"}[p] }
func (p Pace) String() string      { return [...]string{"realtime", "fastest"}[p] }
