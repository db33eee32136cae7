// Package survey says what cameras a machine has, what is in the way of using them,
// and what to do about it.
//
// What enters: the directories of a machine (/dev, /sys, /proc) and its users. What
// leaves: a [Survey] of plain values with stable JSON names, in which every problem
// has a kind, a text and a remedy. It opens each video node once or twice and asks it,
// and never streams, sets or mends anything.
package survey

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/v4l2"
)

// A Survey is what there is.
type Survey struct {
	Cameras []Camera `json:"cameras"`
	// Others are the video nodes that are no cameras.
	Others []Other `json:"others"`
	// Problems are those of the machine and of no camera in particular.
	Problems []Problem `json:"problems"`
}

// A Camera is a node from which pictures come.
type Camera struct {
	v4l2.Device
	State State `json:"state"`
	// Mode is the one to begin with, and what the agent takes by itself: the cheapest that
	// reaches 1280x720 at 30 a second, or what comes next. Nil when there is none.
	Mode *Mode `json:"mode"`
	// Owner says who may open the node.
	Owner Owner `json:"owner"`
	// Holders are the processes that have the node open, as far as one may see them.
	Holders []Holder `json:"holders"`
	// USB is nil for a camera that is not on USB.
	USB      *USB      `json:"usb"`
	Problems []Problem `json:"problems"`
}

// A State is how a camera is, in a word.
type State string

// The states of cameras.
const (
	OK           State = "ok"
	Busy         State = "busy"          // somebody streams from it
	NoPermission State = "no-permission" // it may not be opened
	NoPictures   State = "no-pictures"   // none of its formats is a picture
	Failing      State = "failing"       // it does not answer as it should
)

// A Mode is a format, a size and a rate in frames a second, 0 when unknown.
type Mode struct {
	Format string  `json:"format"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	Rate   float64 `json:"rate"`
}

// Size is the mode's as the config has it.
func (m *Mode) Size() string { return fmt.Sprintf("%dx%d", m.Width, m.Height) }

func (m *Mode) String() string {
	s := m.Format + " " + m.Size()
	if m.Rate > 0 {
		s += fmt.Sprintf(" %.4g/s", m.Rate)
	}
	return s
}

// An Other is a video node that is no camera.
type Other struct {
	Path   string    `json:"path"`
	Name   string    `json:"name"`
	Driver string    `json:"driver"`
	Kind   v4l2.Kind `json:"kind"`
	// What says in words what it is for.
	What string `json:"what"`
}

// A Problem is something that is in the way of a camera, or may be.
type Problem struct {
	// Kind is one of a fixed list: see the constants.
	Kind string `json:"kind"`
	// Blocking: nothing comes from the camera as long as it lasts. What is not, is to
	// be known.
	Blocking bool   `json:"blocking"`
	Text     string `json:"text"`
	// Remedy is what to do, often a command.
	Remedy string `json:"remedy"`
}

// The kinds of problems.
const (
	ProblemBusy       = "busy"
	ProblemOpen       = "open" // others have it open, and do not stream
	ProblemPermission = "no-permission"
	ProblemService    = "service-permission"
	ProblemFailing    = "failing"
	ProblemNoPictures = "no-pictures"
	ProblemRawOnly    = "raw-only"
	ProblemUSBSlow    = "usb-slow"
	ProblemUSBShared  = "usb-shared"
	ProblemNoDriver   = "no-driver"
	ProblemNoNode     = "no-node"
	ProblemPipeline   = "needs-pipeline"
	ProblemNoCamera   = "no-camera"
)

// Look surveys a machine. asking is told the path of each node before it is asked: a camera
// that is wedged lets Look wait for as long as its driver does, which may be for ever.
func Look(r Roots, asking func(path string)) (*Survey, error) {
	m := r.machine()
	nodes, err := v4l2.Nodes(v4l2.Roots{Dev: m.dev, Sys: m.sys}, asking)
	if err != nil {
		return nil, err
	}
	return m.survey(nodes, func(path string) (bool, error) {
		asking(path)
		return v4l2.Busy(path)
	}), nil
}

// survey is Look for a machine of which the nodes were asked, and busy asks again.
func (m machine) survey(nodes []v4l2.Device, busy func(path string) (bool, error)) *Survey {
	s := &Survey{Cameras: []Camera{}, Others: []Other{}}
	holders := m.holders(nodes)
	for _, d := range nodes {
		d.Name, d.Driver, d.Bus, d.Serial = Plain(d.Name), Plain(d.Driver), Plain(d.Bus), Plain(d.Serial)
		if d.Kind != v4l2.KindCamera {
			s.Others = append(s.Others, Other{d.Path, d.Name, d.Driver, d.Kind, whatIs(d)})
			continue
		}
		c := Camera{Device: d, State: OK, Mode: begin(d), Holders: append([]Holder{}, holders[d.Path]...), Problems: []Problem{}}
		c.Owner = m.owner(d.Path)
		c.USB = m.usbOf(d.Path)
		m.judge(&c, busy)
		s.Cameras = append(s.Cameras, c)
	}
	m.judgeBuses(s.Cameras)
	s.Problems = append([]Problem{}, m.missing(nodes, s)...)
	return s
}

// judge finds the state of a camera by itself, and its problems.
func (m machine) judge(c *Camera, busy func(string) (bool, error)) {
	if errors.Is(c.Err, capture.ErrPermission) {
		c.State = NoPermission
		c.add(m.refused(c))
	} else if held, err := busy(c.Path); held || errors.Is(c.Err, capture.ErrBusy) {
		c.State = Busy
		c.add(m.occupied(c))
	} else if err := cmp.Or(c.Err, err); err != nil {
		c.State = Failing
		c.add(Problem{ProblemFailing, true, err.Error(), "unplug it and plug it in again, at another port; `sudo dmesg` says what the kernel thinks of it"})
	} else if len(c.Holders) > 0 {
		c.add(Problem{ProblemOpen, false, fmt.Sprintf("%s has it open, and does not stream", named(c.Holders)), "nothing, unless it begins to"})
	}
	if c.Err == nil {
		c.judgeFormats()
	}
	if p, ok := m.service(c.Owner); !ok {
		c.add(p)
	}
}

func (c *Camera) add(p Problem) { c.Problems = append(c.Problems, p) }

// whatIs says what a node that is no camera is for.
func whatIs(d v4l2.Device) string {
	switch d.Kind {
	case v4l2.KindPipeline:
		return "raw pictures of a sensor, once libcamera has set it up"
	case v4l2.KindISP:
		return "a part of the image signal processor, which libcamera uses"
	case v4l2.KindCodec:
		return "a codec or converter: it makes pictures of pictures"
	case v4l2.KindMetadata:
		return "metadata of a camera's frames"
	case v4l2.KindOutput:
		return "it takes pictures and gives none"
	}
	if errors.Is(d.Err, capture.ErrPermission) {
		return "cannot be asked: permission denied; most likely metadata"
	}
	if d.Err != nil {
		return "cannot be asked: " + d.Err.Error()
	}
	return "no pictures come out of it"
}

// base is the last part of a path: of a node, its name in sysfs.
func base(path string) string { return filepath.Base(path) }
