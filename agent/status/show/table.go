package show

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/edge-agent/agent/agent/status"
)

// columns are those of the table, but for the camera's name, which has what room
// they leave.
var columns = []struct {
	head  string
	width int // that no cell exceeds
	right bool
}{{"STATE", 10, false}, {"IN/s", 5, true}, {"OUT/s", 5, true}, {"AGE", 5, true}, {"P99", 5, true}, {"LOST", 5, true}, {"USERS", 5, true}}

// table shows each camera in a row, and below it what is the matter.
func (p *printer) table(losses bool) {
	name, gap := p.layout()
	head := []string{}
	for _, c := range columns {
		head = append(head, c.head)
	}
	p.row(name, gap, span{"CAMERA", faint}, faint, head, faint)
	for i := range p.s.Cameras {
		c := &p.s.Cameras[i]
		p.row(name, gap, span{c.Name, strong}, p.lookOf(c), cells(c), plain)
		p.matters(c)
		if text := lossText(c); losses && text != "" {
			p.wrap("lost "+text, faint, 2, 2)
		}
	}
}

// layout is how wide names may be, and how far columns are apart.
func (p *printer) layout() (name, gap int) {
	longest := len("CAMERA")
	for i := range p.s.Cameras {
		longest = max(longest, utf8.RuneCountInString(Clean(p.s.Cameras[i].Name)))
	}
	for gap = 2; ; gap-- {
		room := p.Width
		for _, c := range columns {
			room -= c.width + gap
		}
		if longest <= room || gap == 1 {
			return max(min(longest, room), 8), gap
		}
	}
}

func (p *printer) row(name, gap int, camera span, state style, texts []string, others style) {
	camera.text = short(Clean(camera.text), name)
	camera.text += strings.Repeat(" ", name-utf8.RuneCountInString(camera.text))
	spans := line{camera}
	for i, c := range columns {
		text := short(Clean(texts[i]), c.width)
		pad := strings.Repeat(" ", c.width-utf8.RuneCountInString(text))
		if c.right {
			text = pad + text
		} else {
			text += pad
		}
		look := others
		if i == 0 {
			look = state
		}
		spans = append(spans, span{strings.Repeat(" ", gap), plain}, span{text, look})
	}
	p.add(spans...)
}

func cells(c *status.Camera) []string {
	consumers := 0
	for i := range c.Outputs {
		consumers += c.Outputs[i].Consumers
	}
	lost, _ := lostOf(c)
	return []string{stateOf(c), rate(c.CaptureRate), rate(c.PublishRate), brief(c.Age.P50Seconds), brief(c.Age.P99Seconds), count(lost), count(consumers)}
}

// stateOf is the state in a word: that of a camera which publishes bad pictures is
// not that it publishes.
func stateOf(c *status.Camera) string {
	switch {
	case c.Healthy || c.State != "publishing":
		return c.State
	case c.Verdict != "good":
		return c.Verdict
	case c.KnownFrame != "":
		return "untrusted"
	}
	return "silent"
}

func (p *printer) lookOf(c *status.Camera) style {
	if !c.Healthy {
		if c.State == "opening" || c.State == "ended" {
			return yellow
		}
		return red
	}
	for i := range p.s.Reasons {
		if p.s.Reasons[i].Camera == c.Name {
			return yellow
		}
	}
	return green
}

// matters are why the camera is not as it should be, and what is done about it.
func (p *printer) matters(c *status.Camera) {
	for i := range p.s.Reasons {
		if r := &p.s.Reasons[i]; r.Camera == c.Name && !isState(r.Text) {
			p.reason(r, 2)
		}
	}
	if text := p.next(c); text != "" {
		p.wrap(text, faint, 2, 2)
	}
	for i := range c.Outputs {
		if o := &c.Outputs[i]; o.Paused && o.Kind != "http" {
			p.wrap("output "+o.Name+" is paused", yellow, 2, 1)
		}
	}
	if strings.HasPrefix(c.Device, "pattern:") {
		p.wrap("shows the test pattern, and no camera", faint, 2, 1)
	}
}

// next is what is done about a camera that fails.
func (p *printer) next(c *status.Camera) string {
	var parts []string
	if c.Remedy != "" {
		parts = append(parts, "remedy: "+c.Remedy)
	}
	if c.NextTry != nil {
		parts = append(parts, fmt.Sprintf("tried again within %s", long(c.NextTry.Sub(p.s.Time))))
	}
	return strings.Join(parts, "; ")
}

// isNormal says that a drop is what the config asks for, or the end of the agent
// brings. It is no loss.
func isNormal(drop string) bool { return drop == "not-due" || drop == "skipped" || drop == "shutdown" }

// lostOf is how many frames were lost, and under which names, the largest first.
func lostOf(c *status.Camera) (total uint64, names []string) {
	total = c.KernelLost
	if c.KernelLost > 0 {
		names = append(names, "by the driver "+count(c.KernelLost))
	}
	for _, name := range largest(c.Dropped) {
		if !isNormal(name) {
			total += c.Dropped[name]
			names = append(names, name+" "+count(c.Dropped[name]))
		}
	}
	return total, names
}

// largest are the names of the counts that are not 0.
func largest(counts map[string]uint64) []string {
	names := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case counts[a] > counts[b]:
			return -1
		case counts[a] < counts[b]:
			return 1
		}
		return 0
	})
	return slices.DeleteFunc(names, func(name string) bool { return counts[name] == 0 })
}

// lossText names the losses, and is empty where there are none.
func lossText(c *status.Camera) string {
	total, names := lostOf(c)
	if total == 0 {
		return ""
	}
	share := fmt.Sprintf("%.2g %%", 100*float64(total)/float64(max(c.Captured+c.KernelLost, 1)))
	if total < (c.Captured+c.KernelLost)/10_000 {
		share = "less than 0.01 %"
	}
	return share + ": " + strings.Join(names, ", ")
}
