package agent_test

import (
	"os"
	"testing"
)

const modulePath = "github.com/edge-agent/agent"

// The rooms of the house, and what each may import beyond the standard library
// and itself. A room is its packages at any depth, less the rooms inside it.
// "x/..." is x and everything below it. Tests stand outside and are free.
var rooms = map[string]room{
	"cmd/agent": {
		"agent":                  "the daemon that run starts",
		"agent/...":              "a command shows what a room knows",
		"capture/...":            "devices lists cameras, process opens files",
		"preproc/...":            "process and bench drive a Processor without a daemon",
		"native":                 "version names the libraries and instruction sets in use, run refuses those that are not there",
		"systemd":                "the journal or the terminal: run decides where the log goes",
		"gocv.io/x/gocv":         "version names it, and OpenCV with it",
		"github.com/spf13/cobra": "the command line itself, and its completion",
		"github.com/spf13/pflag": "its flags",
		"github.com/rs/zerolog":  "the log is opened here and handed down",
	},
	"agent": {
		"agent/...":                    "the composition root joins the rooms below it",
		"capture/...":                  "cameras, replays and patterns become pipelines",
		"preproc/...":                  "each pipeline owns a Processor",
		"systemd":                      "readiness, watchdog and STATUS speak of the whole",
		"github.com/rs/zerolog":        "a trouble is logged once, where it is handled",
		"github.com/thejerf/suture/v4": "one camera's failure is its own",
	},
	"agent/config": {
		"agent/output/stream":          "its formats are what a pipe is given",
		"capture":                      "its option types are what a config fills",
		"preproc":                      "its option types are what a config fills",
		"preproc/lens":                 "a calibration becomes a lens",
		"github.com/goccy/go-yaml/...": "a fault is told with line and column",
	},
	"agent/proven": {
		"agent/config": "what is kept is the text of one",
	},
	"agent/queue":  {},
	"agent/health": {},
	"agent/recovery": {
		"capture":      "a rung opens a source again",
		"agent/health": "a rung is left when the stage beats again",
	},
	"agent/metrics": {
		"agent/status": "it shows a status",
	},
	"agent/metrics/metricstest": {},
	"agent/history":             {},
	"agent/control": {
		"agent/output/web":  "the commands of the machine are clients with the same bounds",
		"agent/output/door": "they knock at a socket in the file system",
		"agent/instance":    "an agent without a socket is told from none",
		"agent/status":      "what is asked of it most",
	},
	"agent/page": {
		"agent/status": "what it shows is a status",
	},
	"agent/status": { // a command and the page know it, and nothing behind it
		"agent/history": "a point that is not there is null",
	},
	"agent/bench": {
		"agent/config":      "the cameras that it measures",
		"agent/health":      "what the kernel says of processes and limits",
		"agent/output/ring": "images go where the daemon's go",
		"capture":           "frames are what is preprocessed",
		"preproc/...":       "the real processor is what is measured",
	},
	"agent/spool":           {},
	"agent/spool/spooltest": {},
	"agent/instance":        {},
	"agent/quarantine": {
		"agent/spool": "a bounded directory of whole files",
		"capture":     "what it keeps is a frame, in the words of capture",
	},
	"agent/output": {
		"preproc": "an output borrows a preproc.Image",
		"capture": "an image carries the times of capture's clock",
	},
	"agent/output/files": {
		"agent/output":        "it is one of its kinds",
		"agent/output/stream": "what lies beside an image is a record of it",
		"agent/spool":         "a bounded directory of whole files",
		"preproc":             "an output borrows a preproc.Image",
	},
	"agent/output/door": {
		"agent/instance":       "the socket of a process that cannot end is nobody's",
		"capture":              "what arrivals take is told by capture's clock",
		"golang.org/x/sys/...": "sockets of kinds that net does not tell apart, and who is at their other end",
	},
	"agent/output/gst": {
		"agent/output":         "it is one of its kinds",
		"agent/output/door":    "pipelines knock at it",
		"preproc":              "an output borrows a preproc.Image",
		"capture":              "how long a frame is held is told by capture's clock",
		"golang.org/x/sys/...": "shared memory by name, and sockets that never block",
	},
	"agent/output/v4l2": {
		"agent/output": "it is one of its kinds",
		"capture":      "pixel formats have one table",
		"capture/v4l2": "the room of ioctls opens the node",
		"preproc":      "an output borrows a preproc.Image",
	},
	"agent/output/pipe": {
		"agent/output":           "it is one of its kinds",
		"agent/output/stream":    "the command reads what that writes",
		"preproc":                "an output borrows a preproc.Image",
		"preproc/worker/nursery": "a command dies with the agent, as a worker does",
	},
	"agent/output/stream": {
		"preproc":      "what it writes is a preproc.Image",
		"preproc/lens": "a record has the camera's lens",
		"capture":      "a record tells the time of capture, by the clock on the wall",
	},
	"agent/output/web": {
		"agent/output":        "a tap is one of its kinds",
		"agent/output/files":  "a tensor has the same header in a file",
		"agent/output/stream": "a frame is described in the same words, with the time of day",
		"preproc":             "an output borrows a preproc.Image",
		"capture":             "an image carries the times of capture's clock",
	},
	"agent/output/ring": {
		"agent/output":           "it is one of its kinds",
		"agent/output/ring/wire": "the layout that writer and reader agree on",
		"agent/output/door":      "consumers knock at it",
		"preproc/lens":           "a ring's description has the camera's lens",
		"preproc":                "an output borrows a preproc.Image",
		"capture":                "an image carries the times of capture's clock",
		"golang.org/x/sys/...":   "memfd, seals and the passing of descriptors",
	},
	"agent/output/ring/reader": { // users build it: no cgo, no OpenCV
		"agent/output/ring/wire": "the layout that writer and reader agree on",
		"preproc/lens":           "a point of a frame is led through the lens to the camera's",
		"golang.org/x/sys/...":   "the mapping of a descriptor that came by socket",
	},
	"agent/output/ring/bench": {
		"agent/output/ring/reader": "it measures readers",
		"golang.org/x/sys/...":     "hostile ones speak to the kernel themselves",
	},
	"agent/output/ring/wire": {
		"preproc/lens": "a ring's description has the camera's lens",
	},
	"capture": {
		"github.com/pion/mediadevices/pkg/driver":   "each source is a driver.Adapter; the module's root would drag in WebRTC",
		"github.com/pion/mediadevices/pkg/frame":    "the words in which prop names a format",
		"github.com/pion/mediadevices/pkg/io/video": "a driver is a VideoRecorder",
		"github.com/pion/mediadevices/pkg/prop":     "modes are chosen by its constraints",
	},
	"capture/v4l2": {
		"capture":              "it is one of its sources",
		"golang.org/x/sys/...": "ioctl, mmap and poll",
	},
	"capture/survey": {
		"capture":      "modes are chosen, and errors named, as when a camera is opened",
		"capture/v4l2": "the nodes that there are",
	},
	"capture/replay": {
		"capture": "it is one of its sources",
	},
	"preproc": {
		"capture":        "a frame is what enters",
		"native":         "the one call that does the work",
		"preproc/lens":   "an image's way back to the camera leads through it",
		"gocv.io/x/gocv": "where an OpenCV call belongs in Go",
	},
	"preproc/lens":           {},
	"preproc/worker/nursery": {},
	"preproc/worker": {
		"preproc/lens":           "a parent says itself what the images show",
		"preproc/worker/nursery": "a child dies with its parent",
		"preproc":                "the same Processor, in a child process",
		"capture":                "a frame is what enters",
		"golang.org/x/sys/...":   "shared memory, descriptors and the child's limits",
	},
	"native": {
		"C": "the boundary to C++, and the only one",
	},
	"native/bench": {
		"capture":                  "ours gets frames as from a camera",
		"preproc/...":              "ours is what is measured",
		"agent/output/ring/reader": "the whole agent has a consumer",
		"gocv.io/x/gocv":           "is one of the others",
	},
	"systemd": {
		"github.com/coreos/go-systemd/v22/...": "the protocols of notify and journal",
		"github.com/rs/zerolog":                "its journal writer stands under zerolog",
	},
	"testdata": {},
	"systemd/e2e": {
		"golang.org/x/sys/...":  "the rig is a set of programs of its own, which drive virtual machines",
		"agent/output/ring/...": "a consumer of the installed package is part of the proof",
	},
}

// Where a goroutine may start, or only a callback of AfterFunc. Everywhere else
// the caller decides what runs beside what.
var starters = map[string]string{
	"cmd/agent":                   "signals; a camera that is waited for is named",
	"agent":                       "pipelines live here, and who starts a goroutine waits for it",
	"agent/output/files":          "a disk may hang and must not hang a pipeline",
	"agent/output/gst":            "pipelines connect while frames flow",
	"agent/output/v4l2":           "a driver may hang and must not hang a pipeline",
	"agent/output/pipe":           "a command may hang and must not hang a pipeline",
	"agent/quarantine":            "a disk may hang and must not hang a pipeline",
	"agent/output/ring":           "consumers connect while frames flow",
	"agent/output/web: AfterFunc": "the end of a context closes the connections; Serve waits for their goroutines",
	"agent/output/ring/reader":    "the end of a context interrupts a read",
	"capture/v4l2":                "the end of a context interrupts a poll; the runtime runs the wake-up, and Close stops it",
	"preproc/worker/nursery":      "a child dies with the thread that started it, so one thread starts all",
	"systemd":                     "the journal may freeze and must not freeze a pipeline; STATUS waits for its turn",
	"systemd/e2e":                 "the rig is a set of programs of its own",
	"capture/v4l2: AfterFunc":     "the end of a context wakes the poll through its eventfd",
}

func TestEveryImportIsAnArrowOfTheDesign(t *testing.T) {
	t.Parallel()
	h := house{module: modulePath, rooms: rooms, starters: starters}
	faults, err := h.check(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}

func TestEveryArrowHasAReason(t *testing.T) {
	t.Parallel()
	for name, r := range rooms {
		for to, why := range r {
			if why == "" {
				t.Errorf("%s -> %s: no reason", name, to)
			}
		}
	}
}
