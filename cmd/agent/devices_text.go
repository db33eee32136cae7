package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/edge-agent/agent/capture/survey"
	"github.com/edge-agent/agent/capture/v4l2"
)

// A text is an inventory for people. It keeps the first error of its writer.
type text struct {
	w   io.Writer
	err error
}

func (t *text) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

// overview has a line for each camera.
func (t *text) overview(cameras []listedCamera) {
	if len(cameras) == 0 {
		t.printf("no camera found\n")
		return
	}
	tw := tabwriter.NewWriter(t.w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "CAMERA\tDEVICE\tSTATE\tMODE\tUP TO\tIDENTITY")
	for i := range cameras {
		c := &cameras[i]
		mode, largest := "-", "-"
		if c.Mode != nil {
			mode, largest = c.Mode.String(), c.Largest().Size()
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Label, c.Path, c.State, mode, largest, survey.Plain(c.Identity.String()))
	}
	t.err = tw.Flush()
	t.printf("\n`agent devices NAME` shows all formats, sizes, rates and controls of a camera.\n")
}

// details has all of each camera.
func (t *text) details(cameras []listedCamera) {
	for i := range cameras {
		c := &cameras[i]
		t.printf("%s: %s (%s, %s)\n", c.Label, c.Name, c.Driver, c.Bus)
		t.printf("  state    %s\n  path     %s (%s %s:%s)\n", c.State, c.Path, c.Owner.Mode, c.Owner.User, c.Owner.Group)
		t.identity(&c.Device)
		for _, h := range c.Holders {
			t.printf("  open in  %s\n", h)
		}
		t.usb(c.USB)
		for _, f := range c.Formats {
			t.format(f)
		}
		for _, ctl := range c.Controls {
			t.printf("  control  %s: %d (%s, %d to %d, default %d)\n", ctl.Name, ctl.Value, ctl.Type, ctl.Min, ctl.Max, ctl.Default)
		}
		t.printf("\n")
	}
}

func (t *text) identity(d *v4l2.Device) {
	for _, l := range d.ByID {
		t.printf("  by-id    %s\n", l)
	}
	for _, l := range d.ByPath {
		t.printf("  by-path  %s\n", l)
	}
	if d.Serial != "" {
		t.printf("  serial   %s\n", d.Serial)
	}
}

func (t *text) usb(u *survey.USB) {
	if u == nil {
		return
	}
	t.printf("  USB      %s, USB %s at %g Mbit/s", u.Port, u.Version, u.Mbit)
	if u.Hub != "" {
		t.printf(", behind %s", u.Hub)
	}
	if u.Autosuspend {
		t.printf("; sleeps while nobody has it open")
	}
	t.printf("\n")
	for _, p := range u.Shares {
		t.printf("  USB bus  shared with %s, %s, %g Mbit/s\n", p.Port, p.Name, p.Mbit)
	}
}

// format shows a format with one size a line.
func (t *text) format(f v4l2.FormatInfo) {
	if f.Note != "" {
		t.printf("  format   %s  %s: %s\n", f.Code, f.Description, f.Note)
		return
	}
	t.printf("  format   %s  %s\n", f.Code, f.Description)
	for _, s := range f.Sizes {
		rates := make([]string, len(s.Rates))
		for i, r := range s.Rates {
			rates[i] = fmt.Sprintf("%.4g", r)
		}
		t.printf("             %dx%d  %s/s\n", s.Width, s.Height, strings.Join(rates, " "))
	}
}

// others says what the video nodes are that are no cameras: in a line, or with all in
// a line for each.
func (t *text) others(list []survey.Other, all bool) {
	if len(list) == 0 {
		return
	}
	if !all {
		var names []string
		for _, o := range list {
			names = append(names, filepath.Base(o.Path))
		}
		t.printf("Not cameras (--all says what they are): %s\n", strings.Join(names, " "))
		return
	}
	t.printf("Not cameras:\n")
	for _, o := range list {
		t.printf("  %s  %s: %s\n", o.Path, o.Name, o.What)
	}
}

// problems says what is in the way, and what to do about it.
func (t *text) problems(inv *inventory) {
	show := func(whose string, list []survey.Problem) {
		for _, p := range list {
			t.printf("\n%s%s\n", whose, p.Text)
			if p.Remedy != "" {
				t.printf("  -> %s\n", p.Remedy)
			}
		}
	}
	for i := range inv.Cameras {
		show(inv.Cameras[i].Label+": ", inv.Cameras[i].Problems)
	}
	show("", inv.Problems)
}

// config is what to paste.
func (t *text) config(cameras []listedCamera) {
	head := "\n# for " + defaultConfig + "\ncameras:\n"
	for i := range cameras {
		if s := cameras[i].Config; s != "" {
			t.printf("%s%s", head, s)
			head = ""
		}
	}
}
