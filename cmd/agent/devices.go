package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/edge-agent/agent/agent"
	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture/v4l2"
)

type devicesCmd struct {
	JSON bool `help:"Print one JSON array instead of text."`
}

// Run lists the cameras of this machine.
func (d *devicesCmd) Run() error {
	devices, err := v4l2.List()
	if err != nil {
		return err
	}
	if d.JSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(append([]v4l2.Device{}, devices...)) // [] and not null
	}
	if len(devices) == 0 {
		fmt.Println("no camera found")
		return nil
	}
	for i := range devices {
		printDevice(os.Stdout, &devices[i])
	}
	printSnippet(os.Stdout, devices)
	return nil
}

func printDevice(w io.Writer, d *v4l2.Device) {
	fmt.Fprintf(w, "%s (%s, %s)\n", d.Name, d.Driver, d.Bus)
	fmt.Fprintf(w, "  path     %s\n", d.Path)
	for _, l := range d.ByID {
		fmt.Fprintf(w, "  by-id    %s\n", l)
	}
	for _, l := range d.ByPath {
		fmt.Fprintf(w, "  by-path  %s\n", l)
	}
	if d.Serial != "" {
		fmt.Fprintf(w, "  serial   %s\n", d.Serial)
	}
	if d.Problem != "" {
		fmt.Fprintf(w, "  problem  %s\n", d.Problem)
	}
	for _, f := range d.Formats {
		printFormat(w, f)
	}
	for _, c := range d.Controls {
		fmt.Fprintf(w, "  control  %s: %d (%s, %d to %d, default %d)\n", c.Name, c.Value, c.Type, c.Min, c.Max, c.Default)
	}
	fmt.Fprintln(w)
}

// printFormat shows a format with one size a line.
func printFormat(w io.Writer, f v4l2.FormatInfo) {
	note := ""
	if f.Note != "" {
		note = ": " + f.Note
	}
	fmt.Fprintf(w, "  format   %s  %s%s\n", f.Code, f.Description, note)
	if f.Note != "" {
		return
	}
	for _, s := range f.Sizes {
		rates := make([]string, len(s.Rates))
		for i, r := range s.Rates {
			rates[i] = fmt.Sprintf("%.4g", r)
		}
		fmt.Fprintf(w, "             %dx%d  %s/s\n", s.Width, s.Height, strings.Join(rates, " "))
	}
}

// printSnippet is a config for these cameras, to be pasted.
func printSnippet(w io.Writer, devices []v4l2.Device) {
	var cfg config.Config
	fmt.Fprintf(w, "# for %s\ncameras:\n", defaultConfig)
	for _, d := range devices {
		cam := cfg.Add(d.Name, agent.DeviceOf(d.Identity))
		key, value, _ := strings.Cut(cam.Device.String(), ": ")
		fmt.Fprintf(w, "  %s:\n    device: {%s: %q}\n", cam.Name, key, value)
	}
}
