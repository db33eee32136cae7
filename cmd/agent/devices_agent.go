package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture/survey"
	"github.com/edge-agent/agent/capture/v4l2"
)

// patience is how long a node may take for its answers before the user is told for whom
// they wait. uvcvideo alone waits 5 s for each.
const patience = 6 * time.Second

// look surveys this machine, and says which camera lets it wait.
func look() (*survey.Survey, error) {
	w := &waiting{w: os.Stderr}
	defer w.on("")
	return survey.Look(survey.Roots{}, w.on)
}

// waiting says who is waited for.
type waiting struct {
	w     io.Writer
	timer *time.Timer
}

// on begins to wait for a node, or ends with "".
func (w *waiting) on(node string) {
	if w.timer != nil {
		w.timer.Stop()
	}
	if node != "" {
		w.timer = time.AfterFunc(patience, func() {
			fmt.Fprintf(w.w, "%s does not answer, still waiting: its driver hangs, which `sudo dmesg` may tell of; unplug the camera, or press Ctrl-C\n", node)
		})
	}
}

// askAgent tells the survey what the running agent does with its cameras. Without an
// agent, or the right to ask it, there is nothing to tell.
func askAgent(s *survey.Survey, runtimeDir string) {
	_, st, err := control.NewClient(runtimeDir).Status(context.Background())
	if err != nil {
		return
	}
	for i := range st.Cameras {
		node, err := selectorOf(st.Cameras[i].Device).Resolve(v4l2.Roots{})
		if err == nil && st.Cameras[i].Format != "" {
			s.Held(node, st.Cameras[i].Name, doing(&st.Cameras[i]))
		}
	}
}

// selectorOf reads what a status says of a device: "by-id: usb-...".
func selectorOf(device string) v4l2.Selector {
	key, value, _ := strings.Cut(device, ": ")
	switch key {
	case "by-id":
		return v4l2.Selector{ByID: value}
	case "by-path":
		return v4l2.Selector{ByPath: value}
	case "serial":
		return v4l2.Selector{Serial: value}
	case "name":
		return v4l2.Selector{Name: value}
	case "path":
		return v4l2.Selector{Path: value}
	}
	return v4l2.Selector{} // a recording
}

func doing(c *status.Camera) string {
	s := fmt.Sprintf("%s %s at %.3g/s", c.State, c.Format, c.CaptureRate)
	if c.Reason != "" {
		s += " (" + c.Reason + ")"
	}
	return s
}
