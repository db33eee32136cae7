package config

import (
	"math"
	"regexp"
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// The schema: every key of the config file, in the order in which the
// reference shows them.
var root = section[Config]{
	named(Key{Name: "cameras", Type: "mapping", Doc: "the cameras by name; none at all means every camera that is found"},
		cameraNames, camera, func(c *Config, name string, v Camera) {
			v.Name = name
			c.Cameras = append(c.Cameras, v)
		}),
	value("isolation", oneOf[Isolation]("process", "none"), "process",
		"where native code runs: in a child process for each camera, so that a crash, a hang or a leak costs a frame or a few; or in the agent, which is a little faster with raw formats and ends when it crashes",
		func(c *Config, v Isolation) { c.Isolation = v }),
	short(group("http", "what browsers, curl and Prometheus ask: pictures, state, metrics and health; off, or an address alone, is its listen", web,
		func(c *Config) *HTTP { return &c.HTTP }), "listen", "address, off or mapping"),
	group("quarantine", "frames that went wrong, in the state directory: what agent process takes", quarantine,
		func(c *Config) *Quarantine { return &c.Quarantine }),
	group("limits", "what the agent and its workers may use; near a limit it first pauses previews, then uses fallback modes, then takes fewer frames", limits,
		func(c *Config) *Limits { return &c.Limits }),
	group("log", "what goes to the journal or the terminal", logging, func(c *Config) *Log { return &c.Log }),
}

// Names become directories and sockets.
var (
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	nameAllowed    = "allowed: 1 to 32 of a-z, 0-9 and -, not - first"
	cameraNames    = naming{"<camera>", namePattern, nameAllowed, 64}
	outputNames    = naming{"<output>", namePattern, nameAllowed, preproc.MaxOutputs}
	controlPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_]{0,63}$`)
	controlNames   = naming{"<control>", controlPattern, "allowed: a control as v4l2-ctl --list-ctrls prints it, of a-z, 0-9 and _", 64}
)

const maxFallbacks = 8

var camera = section[Camera]{
	group("device", "where frames come from; exactly one of by-id, by-path, serial, name, path, replay, pattern", device,
		func(c *Camera) *Device { return &c.Device }),
	group("mode", "the mode to ask for; what the driver makes of it is used and logged", mode,
		func(c *Camera) *capture.Request { return &c.Mode }),
	list("fallback", "modes to go down to, one after the other, when the bus has no room for the mode or the camera fails in it again and again, and to the first when the device comes near one of limits; what an item does not name is as in mode; better modes are tried again later", maxFallbacks,
		mode, func(c *Camera, v capture.Request) { c.Fallback = append(c.Fallback, v) }),
	freely(Key{Name: "controls", Type: "mapping", Doc: "V4L2 controls to set, in this order, before streaming"}, controlNames,
		[]Key{{Name: "<control>", Type: controlValues.name, Allowed: controlValues.allowed, Doc: "its value"}}, readControl),
	value("buffers", orAuto(integer(2, 32)), "auto", "V4L2 buffers; auto is queue.capacity + 3: one is preprocessed, one is filled by the driver, and one is ready for its next frame",
		func(c *Camera, v int) { c.Buffers = v }),
	group("queue", "between capture and preprocessing", queue, func(c *Camera) *Queue { return &c.Queue }),
	group("preprocess", "what all outputs see: undistorted, then cropped, then rotated, then flipped", view,
		func(c *Camera) *Camera { return c }),
	named(Key{Name: "outputs", Type: "mapping", Doc: "the products by name; none at all means one named model, 640x640 with every default"},
		outputNames, outputs, addOutput),
	group("quality", "when a picture is bad: it is published with that verdict all the same, and the journal and STATUS tell of it", quality,
		func(c *Camera) *preproc.Quality { return &c.Quality }),
	group("recovery", "when to give a stream up, and what to do then", recovery, func(c *Camera) *Camera { return c }),
}

// A selector is a key that says which device is meant.
type selector struct {
	name string
	at   func(*Device) *string
	// live selectors name a camera, which only one pipeline can open.
	live bool
}

var selectors = []selector{
	{"by-id", func(d *Device) *string { return &d.ByID }, true},
	{"by-path", func(d *Device) *string { return &d.ByPath }, true},
	{"serial", func(d *Device) *string { return &d.Serial }, true},
	{"name", func(d *Device) *string { return &d.Name }, true},
	{"path", func(d *Device) *string { return &d.Path }, true},
	{"replay", func(d *Device) *string { return &d.Replay }, false},
	{"pattern", func(d *Device) *string { return &d.Pattern }, false},
}

var device = section[Device]{
	value("by-id", links("/dev/v4l/by-id/"), "",
		"the camera by vendor, product and serial, whatever it is plugged into", func(d *Device, v string) { d.ByID = v }),
	value("by-path", links("/dev/v4l/by-path/"), "",
		"whatever camera is plugged into this port", func(d *Device, v string) { d.ByPath = v }),
	value("serial", text("text", "allowed: a USB serial number", `[^/\x00-\x1f]{1,255}`), "",
		"the camera by its USB serial number", func(d *Device, v string) { d.Serial = v }),
	value("name", patterns, "",
		"the camera whose card has this name; it must be the only one", func(d *Device, v string) { d.Name = v }),
	value("path", text("path", "allowed: a device node such as /dev/video0", `/[^\x00-\x1f]{1,255}`), "",
		"a device node; it may be another camera after the next boot", func(d *Device, v string) { d.Path = v }),
	value("replay", text("path", "allowed: a file", `[^\x00-\x1f]+`), "",
		"a recording: JPEG, MJPEG, Y4M, a directory of stills, or raw frames of mode.format and mode.size; relative to this config file",
		func(d *Device, v string) { d.Replay = v }),
	value("loop", booleans, "false", "replay: begin again at the end", func(d *Device, v bool) { d.Loop = v }),
	value("pace", oneOf[Pace]("realtime", "fastest"), "realtime",
		"replay: at mode.rate or the recording's own, or as fast as frames are taken", func(d *Device, v Pace) { d.Pace = v }),
	value("pattern", word("bars"), "", "the built-in moving test pattern", func(d *Device, v string) { d.Pattern = v }),
}

var mode = section[capture.Request]{
	value("format", orAuto(formats), "auto", "the V4L2 pixel format; auto is the cheapest to preprocess that reaches size and rate",
		func(m *capture.Request, v capture.PixelFormat) { m.PixelFormat = v }),
	value("size", orAuto(sizes), "auto", "the nearest size that is not smaller, else the largest",
		func(m *capture.Request, v size) { m.Width, m.Height = v.width, v.height }),
	value("rate", orAuto(rates), "auto", "frames per second", func(m *capture.Request, v float64) { m.Rate = v }),
}

var queue = section[Queue]{
	value("capacity", integer(1, 30), "2", "frames that may wait", func(q *Queue, v int) { q.Capacity = v }),
	value("policy", oneOf[Policy]("drop-oldest", "slow-input", "block"), "drop-oldest",
		"what a full queue does: the oldest frame goes; or it goes, and while that lasts only every second, third, ... frame is let in; or, for replay only, nothing is lost and the recording waits", func(q *Queue, v Policy) { q.Policy = v }),
}

var view = section[Camera]{
	short(group("undistort", "straightens what the lens bends, by a calibration; a path alone is its file", undistort,
		func(c *Camera) *Undistort { return &c.Undistort }), "file", "path or mapping"),
	value("crop", rects, "none", "the part of the camera's picture that is used, in pixels of mode.size; of a picture of another size, as in a fallback, it is the same part",
		func(c *Camera, v preproc.Rect) { c.View.Crop = v }),
	value("rotate", rotations, "0", "degrees clockwise", func(c *Camera, v int) { c.View.Rotate = v }),
	value("flip", enumeration[preproc.Flip](), "none", "mirrors the picture", func(c *Camera, v preproc.Flip) { c.View.Flip = v }),
}

var undistort = section[Undistort]{
	value("file", text("path", "allowed: a file", `[^\x00-\x1f]+`), "",
		"the YAML file of OpenCV's calibration samples or of ROS's camera_info, pinhole with 4, 5, 8, 12 or 14 coefficients or fisheye with 4; relative to this config file; of pictures with the aspect ratio of mode.size",
		func(u *Undistort, v string) { u.File = v }),
	value("balance", balances, "keep", "what becomes of the edges: keep holds the focal length, as cv::undistort does; 0 shows the most that leaves none empty, 1 all that the camera sees, and what is between is between; what is empty has the value of pad",
		func(u *Undistort, v float64) { u.Balance = v }),
}

var outputs = section[Output]{
	value("size", orAuto(sizes), "auto", "of the image; auto is what crop and rotate leave of the camera's",
		func(o *Output, v size) { o.Spec.Width, o.Spec.Height = v.width, v.height }),
	value("fit", enumeration[preproc.Fit](), "letterbox", "letterbox pads, stretch gives up the aspect ratio, cover cuts what hangs over, and inside makes the image no larger than the picture and without borders, so that size is the most it may be",
		func(o *Output, v preproc.Fit) { o.Spec.Fit = v }),
	value("filter", enumeration[preproc.Filter](), "area", "how pixels are made when the size changes",
		func(o *Output, v preproc.Filter) { o.Spec.Filter = v }),
	value("pad", integer(0, math.MaxUint8), "114", "the gray of letterbox borders, before mean and std",
		func(o *Output, v int) { o.Spec.Pad = uint8(v) }),
	value("color", enumeration[preproc.Color](), "rgb", "the order of the channels",
		func(o *Output, v preproc.Color) { o.Spec.Color = v }),
	value("dtype", enumeration[preproc.DType](), "uint8", "the type of an element; floats run from 0 to 1 before mean and std, and int8 is uint8 less 128 unless there is a scale",
		func(o *Output, v preproc.DType) { o.Spec.DType = v }),
	value("layout", enumeration[preproc.Layout](), "hwc", "the order of the axes: rows, columns, channels or channels first",
		func(o *Output, v preproc.Layout) { o.Spec.Layout = v }),
	value("mean", channels(0, 1), "0", "float outputs are real = (value - mean) / std, channels in the order of color; so are integers with a scale, before it",
		func(o *Output, v [3]float32) { o.Spec.Mean = v }),
	value("std", channels(0.001, 10), "1", "see mean", func(o *Output, v [3]float32) { o.Spec.Std = v }),
	value("scale", number(1e-6, 1e6), "", "for a quantised model, dtype uint8 or int8: elements are real / scale, rounded, + zero-point, as the input tensor of a TensorFlow Lite or ONNX model names them; without it, elements are levels from 0 to 255",
		func(o *Output, v float64) { o.Spec.Scale = float32(v) }),
	value("zero-point", integer(math.MinInt8, math.MaxUint8), "0", "see scale", func(o *Output, v int) { o.Spec.ZeroPoint = v }),
	group("tone", "light into dark pictures; luma is changed and chroma stays", tone, func(o *Output) *preproc.Tone { return &o.Spec.Tone }),
	value("encode", enumeration[preproc.Encode](), "raw", "raw is a tensor, jpeg a JPEG file; jpeg to a ring is a preview beside an output that is none, and the first to be paused near a limit",
		func(o *Output, v preproc.Encode) { o.Spec.Encode = v }),
	value("quality", integer(1, 100), "80", "encode: jpeg only", func(o *Output, v int) { o.Spec.Quality = v }),
	value("every", duration(0, 24*time.Hour), "0s", "the least time between two images; 0s takes every frame",
		func(o *Output, v time.Duration) { o.Every = v }),
	option("ring", "shared memory for local consumers; the default unless another kind is given", ring, func(o *Output) **Ring { return &o.Ring }),
	option("files", "a directory of images", files, func(o *Output) **Files { return &o.Files }),
	option("pipe", "a command that gets images on its standard input: whole frames, the newest ones when it is slower than they come; it is started with the first, started again when it ends or takes nothing for 10s, and ended with the agent", pipe, func(o *Output) **Pipe { return &o.Pipe }),
	option("gst-shm", "shared memory for GStreamer's shmsrc, at /run/agent/CAMERA/OUTPUT.gst; no image is made while no pipeline is connected; of dtype uint8 without a scale and layout hwc, or encode: jpeg", gstreamer,
		func(o *Output) **GStreamer { return &o.GStreamer }),
	option("v4l2", "a video output node, such as v4l2loopback's, for programs that only know cameras; one that is absent or taken is tried again; of dtype uint8 without a scale and layout hwc, or encode: jpeg", video,
		func(o *Output) **Video { return &o.Video }),
}

var tone = section[preproc.Tone]{
	short(group("clahe", "contrast-limited adaptive histogram equalisation as OpenCV's CLAHE has it: each part of the picture gets the contrast that its own levels allow; a number alone is its clip", clahe,
		func(t *preproc.Tone) *preproc.Tone { return t }), "clip", "number or mapping"),
	value("gamma", number(0.05, 20), "1", "luma from 0 to 1 becomes luma to this power, after clahe: 0.5 makes what is dark much brighter, 1 changes nothing",
		func(t *preproc.Tone, v float64) { t.Gamma = float32(v) }),
}

var clahe = section[preproc.Tone]{
	value("clip", orOff(number(0.1, 256)), "off", "how steep the curve may be, and thus how strong noise; 2 to 4 are usual",
		func(t *preproc.Tone, v float64) { t.Clip = float32(v) }),
	value("tiles", grids, "8x8", "how many parts the picture has, across and down",
		func(t *preproc.Tone, v size) { t.Columns, t.Rows = v.width, v.height }),
}

var ring = section[Ring]{
	value("slots", integer(2, 64), "4", "images that the ring holds", func(r *Ring, v int) { r.Slots = v }),
}

var gstreamer = section[GStreamer]{
	value("slots", integer(5, 64), "8", "images that there is memory for, of which one pipeline may hold fewer than half",
		func(g *GStreamer, v int) { g.Slots = v }),
}

var video = section[Video]{
	value("device", text("path", "allowed: a device node such as /dev/video10", `/[^\x00-\x1f]{1,255}`), "", "the node; which number it has is said when its module is loaded",
		func(v *Video, path string) { v.Device = path }),
	value("format", orAuto(oneOfFormats(capture.YUYV, capture.RGB3, capture.BGR3, capture.GREY, capture.MJPG)), "auto", "the V4L2 pixel format; auto is YUYV of colour, which needs an even width and which browsers can read, GREY of gray, and MJPG with encode: jpeg; RGB3 needs color: rgb, BGR3 bgr, GREY gray",
		func(v *Video, p capture.PixelFormat) { v.Format = p }),
}

var files = section[Files]{
	value("dir", directories, "", "relative to the state directory /var/lib/agent; CAMERA/OUTPUT when absent",
		func(f *Files, v string) { f.Dir = v }),
	value("keep", bytes(1<<20, "allowed: 1MiB or more, in KiB, MiB, GiB or TiB"), "256MiB",
		"how much may lie there; the oldest files make room", func(f *Files, v int64) { f.Keep = v }),
	value("keep-for", orNone(long(time.Minute, 3650*day)), "0",
		"how long a file stays, while the agent runs and between two runs; 0 is as long as there is room. A clock that is set makes no file older: see agent(8)",
		func(f *Files, v time.Duration) { f.KeepFor = v }),
	value("on", oneOf[On]("all", "verdict"), "all",
		"which images are kept: all, or those with a verdict against them (quality); every is the least time between two of those then, and frames without count as not-due",
		func(f *Files, v On) { f.On = v }),
	value("sidecar", booleans, "false",
		"whether NAME.json lies beside each image: camera, output, sequence, times, verdict, shape, geometry, SHA-256; it counts towards keep, and goes with the image",
		func(f *Files, v bool) { f.Sidecar = v }),
}

var pipe = section[Pipe]{
	value("command", arguments(64), "", "the program, of PATH unless it has a slash, and its arguments, for which there is no shell; EDGE_AGENT_CAMERA, _OUTPUT, _FORMAT, _WIDTH, _HEIGHT, _CHANNELS, _DTYPE, _LAYOUT, _COLOR and _RATE tell it what it gets",
		func(p *Pipe, v []string) { p.Command = v }),
	value("format", enumeration[stream.Format](), "auto", "raw is tensors or JPEG files, one after the other; y4m is YUV4MPEG2 4:2:0, of dtype uint8 without a scale and layout hwc; ndjson is a line of JSON for each image; auto is y4m where that can be, else raw",
		func(p *Pipe, v stream.Format) { p.Format = v }),
	value("data", booleans, "true", "format: ndjson only; whether lines have the image, in base64", func(p *Pipe, v bool) { p.Data = v }),
}

var quality = section[preproc.Quality]{
	value("frozen-after", orOff(duration(time.Second, time.Hour)), "5s", "how long the same content may be repeated; noise makes every frame of a live camera differ",
		func(q *preproc.Quality, v time.Duration) { q.FrozenAfter = v }),
	value("black-below", orOff(integer(1, 127)), "8", "black is when all of the picture, but for 2 %, is darker than this",
		func(q *preproc.Quality, v int) { q.BlackBelow = v }),
	value("blown-above", orOff(integer(128, 254)), "247", "blown-out is when all of the picture, but for 2 %, is brighter than this",
		func(q *preproc.Quality, v int) { q.BlownAbove = v }),
	value("blur-below", orOff(integer(1, 10_000)), "off", "the least sharpness, as agent process prints it; what is sharp depends on the scene",
		func(q *preproc.Quality, v int) { q.BlurBelow = v }),
	value("stale-after", orOff(duration(time.Millisecond, time.Hour)), "1s", "how old a frame may be when it is published",
		func(q *preproc.Quality, v time.Duration) { q.StaleAfter = v }),
}

var recovery = section[Camera]{
	value("stall-after", duration(100*time.Millisecond, time.Minute), "2s", "how long a streaming camera may deliver nothing",
		func(c *Camera, v time.Duration) { c.StallAfter = v }),
	value("process-deadline", duration(20*time.Millisecond, 2*time.Second), "200ms",
		"isolation: process only; how long one frame may take before its process is replaced and the frame dropped as timed-out; what it waits for a busy CPU is not counted, up to 2s",
		func(c *Camera, v time.Duration) { c.ProcessDeadline = v }),
	value("usb-reset", booleans, "false",
		"whether the USB device of a camera that nothing else helps may be forgotten and found again, with all its interfaces, twice an hour; it needs a permission that the service does not have, see agent(8)",
		func(c *Camera, v bool) { c.USBReset = v }),
}

var quarantine = section[Quarantine]{
	value("keep", orNone(bytes(1<<20, "allowed: 1MiB or more, in KiB, MiB, GiB or TiB")), "64MiB",
		"how much may lie there; the oldest frames make room, and 0 keeps none", func(q *Quarantine, v int64) { q.Keep = v }),
}

var limits = section[Limits]{
	value("memory", bytes(64<<20, "allowed: 64MiB or more, in KiB, MiB, GiB or TiB"), "400MiB",
		"private and shared memory of all processes, at most four fifths of the unit's MemoryMax or of the machine's memory; what goes beyond it is restarted",
		func(l *Limits, v int64) { l.Memory = v }),
	value("temperature", orOff(integer(40, 120)), "85",
		"degrees Celsius of the hottest thermal zone that should not be reached; degrading begins 5 below it",
		func(l *Limits, v int) { l.Temperature = v }),
}

// Levels are the words of log.level, the lowest first.
var levels = []string{"debug", "info", "warn", "error"}

var logging = section[Log]{
	value("level", word(levels...), "info", "the least severe event that is logged", func(l *Log, v string) { l.Level = v }),
}

func readControl(d *decoder, path, name string, n *node, c *Camera) {
	v, ok := controlValues.read(n)
	if !ok {
		d.fault(n.at, path, "found "+n.describe(), controlValues.allowed)
		return
	}
	c.Controls = append(c.Controls, Control{name, v})
}

func addOutput(c *Camera, name string, o Output) {
	o.Spec.Name = name
	c.Outputs = append(c.Outputs, o)
}
