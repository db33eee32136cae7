package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/edge-agent/agent/agent/control"
	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/capture/survey"
	"github.com/edge-agent/agent/capture/v4l2"
)

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
