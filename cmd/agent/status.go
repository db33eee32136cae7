package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"unicode"

	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
)

// exitDegraded: the agent runs, and something is not as it should be.
const exitDegraded = 1

type statusCmd struct {
	asking
	Camera string `arg:"" optional:"" help:"Show all that is known of this camera."`
	JSON   bool   `help:"Print the status as JSON; with --watch, on a line each second."`
	Alive  bool   `help:"Print one line, and fail only when a stage is stuck or nobody answers: for the health check of a container."`
	Watch  bool   `help:"Show it anew each second, until q or Ctrl-C." short:"w"`
}

// Run shows how the running agent is.
func (c *statusCmd) Run() error {
	ctx := interrupted()
	if c.Watch {
		return unanswered(c.watch(ctx))
	}
	text, s, err := c.client().Status(ctx)
	if err != nil {
		return unanswered(err)
	}
	if c.Alive {
		return alive(s)
	}
	if c.JSON {
		err = c.printJSON(text)
	} else {
		err = c.print(s)
	}
	if err == nil && !c.well(s) {
		return exitError{exitDegraded, errLogged}
	}
	return err
}

// alive fails where the watchdog of systemd would end the agent: a camera that is
// absent is no reason to start it again.
func alive(s *status.Status) error {
	fmt.Println(harmless([]byte(s.Headline)))
	if !s.Alive {
		return exitError{exitDegraded, errLogged}
	}
	return nil
}

func (c *statusCmd) print(s *status.Status) error {
	o := show.Options{Version: version}
	if width, _, ok := terminalSize(os.Stdout); ok {
		o.Width, o.Color = width, colours()
	}
	if c.Camera != "" {
		return show.Camera(os.Stdout, s, c.Camera, o)
	}
	return show.Print(os.Stdout, s, o)
}

// colours says that a terminal may have some: https://no-color.org
func colours() bool { return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" }

// printJSON prints what the agent sent, with members that this program may not know.
func (c *statusCmd) printJSON(text []byte) error {
	if c.Camera != "" {
		var err error
		if text, err = cameraJSON(text, c.Camera); err != nil {
			return err
		}
	}
	_, err := fmt.Println(strings.TrimSpace(harmless(text)))
	return err
}

// cameraJSON is the part of a status that is of one camera.
func cameraJSON(text []byte, name string) ([]byte, error) {
	var s struct{ Cameras []json.RawMessage }
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("read the agent's status: %w", err)
	}
	var names []string
	for _, camera := range s.Cameras {
		var c struct{ Name string }
		if err := json.Unmarshal(camera, &c); err != nil {
			return nil, fmt.Errorf("read the agent's status: %w", err)
		}
		if c.Name == name {
			return camera, nil
		}
		names = append(names, c.Name)
	}
	return nil, fmt.Errorf("no camera is named %.100q; there are: %s", name, strings.Join(names, ", "))
}

// harmless is the same JSON in which a terminal finds nothing to do: encoding/json
// leaves control characters beyond ASCII as they are, which can only be in strings.
func harmless(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		if r < 0x80 || unicode.IsPrint(r) {
			b.WriteRune(r)
		} else if r > 0xffff {
			high, low := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// harmlessLines is a text of the running agent in which a terminal finds nothing to do
// but to end lines.
func harmlessLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = show.Clean(lines[i])
	}
	return strings.Join(lines, "\n")
}

// well says that what was asked for is as it should be.
func (c *statusCmd) well(s *status.Status) bool {
	if c.Camera == "" {
		return s.Healthy && !s.Degraded
	}
	for i := range s.Reasons {
		if s.Reasons[i].Camera == c.Camera {
			return false
		}
	}
	return true
}
