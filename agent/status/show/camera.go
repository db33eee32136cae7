package show

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/edge-agent/agent/agent/status"
)

// Camera writes all that the status says of one camera. It fails when there is none
// of that name, and names those that there are.
func Camera(w io.Writer, s *status.Status, name string, o Options) error {
	names := make([]string, len(s.Cameras))
	for i := range s.Cameras {
		if names[i] = s.Cameras[i].Name; names[i] == name {
			p := newPrinter(s, o)
			p.camera(&s.Cameras[i])
			return p.write(w)
		}
	}
	return fmt.Errorf("no camera is named %.100q; there are: %s", name, Clean(strings.Join(names, ", ")))
}

func (p *printer) camera(c *status.Camera) {
	p.add(span{c.Name, strong}, span{": ", plain}, span{stateOf(c), p.lookOf(c)}, span{" since " + p.since(stateSince(c)), plain})
	p.matters(c)
	p.fact("device", c.Device)
	p.fact("format", joined("; ", c.Format, "asked for: "+c.Mode))
	p.fact("frames", fmt.Sprintf("%s captured (%s/s), %s published (%s/s), %d in flight",
		count(c.Captured), rate(c.CaptureRate), count(c.Published), rate(c.PublishRate), c.InFlight))
	p.fact("newest", fmt.Sprintf("captured %s ago, published %s ago", brief(c.LastCaptured), brief(c.LastPublished)))
	p.fact("lost", cmp.Or(lossText(c), "none"))
	p.fact("not made", counts(c.Dropped, isNormal))
	p.fact("age", fmt.Sprintf("median %s, p99 %s, longest %s", brief(c.Age.P50Seconds), brief(c.Age.P99Seconds), brief(c.Age.MaxSeconds)))
	p.fact("stages", stages(c))
	p.fact("queue", fmt.Sprintf("%d of %d", c.Queue.Length, c.Queue.Capacity))
	p.fact("worker", worker(c.Worker))
	p.fact("remedies", counts(c.Recoveries, func(string) bool { return true }))
	p.fact("verdicts", counts(c.Verdicts, func(string) bool { return true }))
	p.outputs(c)
}

// stateSince is when what stateOf says began.
func stateSince(c *status.Camera) time.Time {
	if !c.Healthy && c.ReasonSince != nil {
		return *c.ReasonSince
	}
	return c.Since
}

// factIndent is where the values of facts begin.
const factIndent = 10

func (p *printer) fact(name, value string) {
	if value == "" {
		return
	}
	first := len(p.lines)
	p.wrap(value, plain, factIndent, 4)
	if first < len(p.lines) {
		p.lines[first][0] = span{fmt.Sprintf("%-*s", factIndent, name), faint}
	}
}

func joined(between string, texts ...string) string {
	if texts[0] == "" {
		texts = texts[1:]
	}
	return strings.Join(texts, between)
}

// counts are those that are not 0 and are wanted, the largest first.
func counts(of map[string]uint64, wanted func(name string) bool) string {
	var texts []string
	for _, name := range largest(of) {
		if wanted(name) {
			texts = append(texts, name+" "+count(of[name]))
		}
	}
	return strings.Join(texts, ", ")
}

// stages are where the time of a frame goes, on average.
func stages(c *status.Camera) string {
	var texts []string
	for i := range c.Stages {
		if s := &c.Stages[i]; s.Count > 0 {
			mean := s.SumSeconds / float64(s.Count)
			texts = append(texts, s.Name+" "+brief(&mean))
		}
	}
	return strings.Join(texts, ", ")
}

func worker(w *status.Worker) string {
	if w == nil {
		return "none, in the agent itself"
	}
	text := fmt.Sprintf("process %d, %s", w.PID, bytes(w.MemoryBytes))
	if replaced := counts(w.Replaced, func(string) bool { return true }); replaced != "" {
		text += "; replaced: " + replaced
	}
	return text
}

// outputs are in a table of their own.
func (p *printer) outputs(c *status.Camera) {
	if len(c.Outputs) == 0 {
		p.fact("outputs", "none is open yet")
		return
	}
	width := len("OUTPUT")
	for i := range c.Outputs {
		width = max(width, len([]rune(Clean(outputName(&c.Outputs[i])))))
	}
	width = min(width, 32)
	p.lines = append(p.lines, nil)
	p.add(span{fmt.Sprintf("%-*s  %-7s  %5s  %5s  %6s  %s", width, "OUTPUT", "KIND", "USERS", "TAKEN", "MISSED", "WHERE"), faint})
	for i := range c.Outputs {
		o := &c.Outputs[i]
		p.add(span{fmt.Sprintf("%-*s  ", width, short(Clean(outputName(o)), width)), strong},
			span{fmt.Sprintf("%-7s  %5s  %5s  %6s  %s", short(Clean(o.Kind), 7), count(o.Consumers), count(o.Delivered), count(o.Missed), Clean(o.Address)), plain})
	}
}

// outputName is the config's, or what people look at.
func outputName(o *status.Output) string {
	if o.Name == ".view" {
		return "(view)"
	}
	return o.Name
}
