// Package show prints a status for people: a first line that says whether all is
// well, a table of the cameras, and below each what is the matter with it.
//
// What enters: a status, how wide the lines may be, and whether they may have
// colours. What leaves: lines of text that no line of a terminal cuts. What cameras,
// drivers and files are named cannot do anything to a terminal: whatever is not to be
// seen is written as an escape. It never measures, judges or waits.
package show

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/status"
)

// Options say what for.
type Options struct {
	// Width is how long lines may be, at least 40; 80 by default.
	Width int
	// Height is how many there may be; 0 is any number. Where there is too much to
	// say, losses are left out first, and then the last cameras.
	Height int
	// Color is for terminals.
	Color bool
	// Location is that of times; the device's by default.
	Location *time.Location
	// Version is that of this program, which another one than the agent's may be.
	Version string
}

// A style is what a piece of a line looks like, as the parameters of SGR (ECMA-48).
type style string

const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

var styleOf = map[status.Grade]style{status.Good: green, status.Warning: yellow, status.Bad: red}

// A span is a piece of a line, a line spans one after the other.
type (
	span struct {
		text  string
		style style
	}
	line []span
)

// A printer makes the lines of one status.
type printer struct {
	Options
	s     *status.Status
	now   time.Time // of s, where the reader is
	lines []line
}

func newPrinter(s *status.Status, o Options) *printer {
	if o.Width == 0 {
		o.Width = 80
	}
	o.Width = max(o.Width, 40)
	if o.Location == nil {
		o.Location = time.Local
	}
	return &printer{Options: o, s: s, now: s.Time.In(o.Location)}
}

// Print writes the status of the whole agent.
func Print(w io.Writer, s *status.Status, o Options) error {
	p := newPrinter(s, o)
	p.all(true)
	if o.Height > 0 && len(p.lines) > o.Height {
		p.lines = nil
		p.all(false)
	}
	return p.write(w)
}

// Lead is the first line alone, with what is most wrong.
func Lead(s *status.Status, o Options) string { return newPrinter(s, o).lead() }

// all makes the lines for all cameras, losses included or not.
func (p *printer) all(losses bool) {
	grade, _ := p.s.Words()
	p.wrap(p.lead(), styleOf[grade], 0, 3)
	p.wrap(p.summary(), faint, 0, 2)
	p.agentReasons()
	if len(p.s.Cameras) > 0 {
		p.lines = append(p.lines, nil)
		p.table(losses)
		p.lines = append(p.lines, nil)
	}
	p.footer()
}

// lead is the headline, since when, and the first of what is behind it.
func (p *printer) lead() string {
	_, text := p.s.Words()
	if p.s.Headline != "" {
		text = p.s.Headline
	}
	worst := p.s.Worst()
	if worst == nil {
		return text
	}
	if worst.Since != nil {
		text += " since " + p.since(*worst.Since)
	}
	switch {
	case isState(worst.Text): // the words said it
	case worst.Camera != "" && len(p.s.Cameras) > 1:
		text += ": " + worst.Camera + ", " + worst.Text
	default:
		text += ": " + worst.Text
	}
	if more := len(p.s.Reasons) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// isState says that a reason says no more than the state does.
func isState(text string) bool { return slices.Contains(status.States, text) }

// since is a time, and how long ago that is.
func (p *printer) since(t time.Time) string {
	return fmt.Sprintf("%s (%s)", status.Clock(t, p.now), long(p.s.Time.Sub(t)))
}

func (p *printer) summary() string {
	published := 0.0
	for i := range p.s.Cameras {
		published += p.s.Cameras[i].PublishRate
	}
	return fmt.Sprintf("%s, %s frames/s published; up %s; agent %s; %s",
		plural(len(p.s.Cameras), "camera"), rate(published), long(p.s.Time.Sub(p.s.Started)), p.s.Version, p.now.Format(time.DateTime))
}

// agentReasons are those of no camera, but for the one in the lead.
func (p *printer) agentReasons() {
	worst := p.s.Worst()
	for i := range p.s.Reasons {
		if r := &p.s.Reasons[i]; r != worst && r.Camera == "" {
			p.reason(r, 0)
		}
	}
}

func (p *printer) reason(r *status.Reason, indent int) {
	text, look := r.Text, yellow
	if r.Kind == status.Failed {
		look = red
	}
	if r.Since != nil {
		text += "; since " + p.since(*r.Since)
	}
	p.wrap(text, look, indent, 3)
}

// footer is what the agent holds, and what is unusual about it.
func (p *printer) footer() {
	r := &p.s.Resources
	facts := []string{"memory " + memory(r.MemoryBytes, r.MemoryLimitBytes)}
	if r.TemperatureCelsius != nil {
		facts = append(facts, of(fmt.Sprintf("%.0f", *r.TemperatureCelsius), fmt.Sprintf("%.0f", r.TemperatureLimit), r.TemperatureLimit > 0)+" C")
	}
	facts = append(facts,
		of(count(r.Descriptors), count(r.DescriptorsLimit), r.DescriptorsLimit > 0)+" descriptors",
		of(count(r.Threads), count(r.ThreadsLimit), r.ThreadsLimit > 0)+" threads")
	if r.WatchdogSeconds == 0 {
		facts = append(facts, "no watchdog")
	}
	p.wrap(strings.Join(facts, ", "), faint, 0, 2)
	if l := &p.s.Log; l.Until != nil {
		p.add(span{fmt.Sprintf("log level %s until %s, then %s", l.Level, status.Clock(*l.Until, p.now), l.Configured), plain})
	}
	if c := &p.s.Config; c.Fault != "" {
		p.wrap(fmt.Sprintf("the config in force is that of %s; one that was read since was refused: %s", status.Clock(c.Loaded, p.now), c.Fault), yellow, 0, 4)
	}
	if p.s.LastWords != "" {
		p.wrap("the process before this one was stuck: "+p.s.LastWords, yellow, 0, 3)
	}
	if p.Version != "" && p.Version != p.s.Version {
		p.wrap(fmt.Sprintf("installed is %s, and %s is running: sudo systemctl restart agent", p.Version, p.s.Version), yellow, 0, 2)
	}
}
