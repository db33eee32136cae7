package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/edge-agent/agent/capture/survey"
)

type devicesCmd struct {
	Name       string `arg:"" optional:"" help:"All of one camera: its name in the list, its device file, or a part of what it calls itself."`
	Verbose    bool   `short:"v" help:"All of every camera: formats, sizes, rates, controls, USB."`
	All        bool   `help:"Also list the video nodes that are no cameras, and say what they are."`
	JSON       bool   `help:"Print one JSON object instead of text."`
	RuntimeDir string `help:"Where the running agent has its sockets: it is asked what it does with its cameras." env:"EDGE_AGENT_RUN,RUNTIME_DIRECTORY" default:"/run/agent" placeholder:"DIR"`
}

// An inventory is a survey in the words of the config.
type inventory struct {
	Cameras  []listedCamera   `json:"cameras"`
	Others   []survey.Other   `json:"others"`
	Problems []survey.Problem `json:"problems"`
}

// A listedCamera is a camera with the name and the config that are proposed for it.
type listedCamera struct {
	Label string `json:"camera"`
	survey.Camera
	Config string `json:"config"`
}

// Run lists the cameras of this machine.
func (d *devicesCmd) Run() error {
	s, err := look()
	if err != nil {
		return err
	}
	askAgent(s, d.RuntimeDir)
	inv := propose(s)
	if d.Name != "" {
		if inv.Cameras, err = inv.named(d.Name); err != nil {
			return err
		}
		inv.Others, inv.Problems = []survey.Other{}, []survey.Problem{}
	}
	if d.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(inv)
	}
	t := &text{w: os.Stdout}
	if d.Verbose || d.Name != "" {
		t.details(inv.Cameras)
	} else {
		t.overview(inv.Cameras)
	}
	t.others(inv.Others, d.All)
	t.problems(inv)
	t.config(inv.Cameras)
	return t.err
}

// named are the cameras that a word of the user means: one by its name or device file,
// or all with the word in what they call themselves.
func (inv *inventory) named(word string) ([]listedCamera, error) {
	var like []listedCamera
	var names []string
	for _, c := range inv.Cameras {
		if word == c.Label || word == c.Path || word == filepath.Base(c.Path) {
			return []listedCamera{c}, nil
		}
		if strings.Contains(strings.ToLower(c.Name), strings.ToLower(word)) {
			like = append(like, c)
		}
		names = append(names, c.Label)
	}
	if like == nil {
		return nil, fmt.Errorf("no camera %q; there are: %s", word, cmp.Or(strings.Join(names, ", "), "none at all"))
	}
	return like, nil
}
