//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture"
)

// everyFormat reads a few frames of each format that a node of vivid offers and
// that is chosen, each by a camera of a name of its own.
func everyFormat(node string, chosen func(capture.PixelFormat) bool) func(*lab) {
	return func(l *lab) {
		formats := l.offered(node)
		read := 0
		for i, p := range formats {
			if !chosen(p) {
				continue
			}
			read++
			camera := fmt.Sprintf("c%d", i)
			l.configure(fmt.Sprintf(`cameras:
  %s:
    device: {path: %s}
    mode: {format: %s, size: 320x180, rate: 15}
    controls: {test_pattern: 0, osd_text_mode: 2, timestamp_source: 1}
    quality: {frozen-after: off}
    outputs:
      model: {size: 320x180, fit: stretch}
      half: {size: 160x90, fit: stretch}
`, camera, node, p))
			l.bars(camera, p)
		}
		l.figure("%d formats", read)
	}
}

// offered are the formats of a node as agent devices lists them.
func (l *lab) offered(node string) []capture.PixelFormat {
	l.Helper()
	var devices struct {
		Cameras []struct {
			Path    string
			Formats []struct{ Code, Note string }
		}
	}
	l.must(json.Unmarshal([]byte(l.run("agent", "devices", "--json")), &devices))
	var list []capture.PixelFormat
	for _, d := range devices.Cameras {
		for _, f := range d.Formats {
			p, ok := capture.ParsePixelFormat(f.Code)
			if d.Path != node {
				continue
			}
			if !ok || f.Note != "" {
				l.Errorf("%s offers %s, of which the agent says %q", node, f.Code, f.Note)
				continue
			}
			list = append(list, p)
		}
	}
	return list
}

// bars compares the colours of an output, as exactly as the format has them:
// vivid cuts off the bits that a component lacks. Bayer formats are read in two
// ways, and of them half the size is looked at, too.
func (l *lab) bars(camera string, p capture.PixelFormat) {
	l.Helper()
	layout := p.Pixels().Layout()
	kind, allowed := "rgb", 3
	for _, c := range layout.Components {
		lost := 1<<max(0, 8-c.Bits) - 1
		if layout.Kind == capture.YUV {
			lost *= 3 // the matrix makes up to 2.1 of it, and the scale to full range 1.16
		}
		allowed = max(allowed, 3+lost)
	}
	switch layout.Kind {
	case capture.Luma:
		kind = "gray"
	case capture.HSV:
		// A sixth of vivid's turn of 256 is 42, and negative hues are rounded up:
		// magenta gets 215 for 213.3. A step is 4.5 levels.
		allowed = 8
	}
	outputs := []string{"model"}
	if layout.Kind == capture.Bayer {
		outputs = append(outputs, "half")
	}
	for _, output := range outputs {
		s := l.read(camera+"/"+output, 3, "-bars", kind, "-within", "1m").wait()
		s.sound(l)
		if s.BarError > allowed {
			l.Errorf("%s, %s: a bar is off by %d levels, allowed are %d: %v", p, output, s.BarError, allowed, s.Bars)
		}
		l.Logf("%s %s ±%d", p, output, s.BarError)
	}
}

// isMultiplanar: its code says M in second place.
func isMultiplanar(p capture.PixelFormat) bool { return strings.HasPrefix(p.String()[1:], "M") }

func TestEveryFormatOfVivid(t *testing.T) {
	l := newLab(t)
	l.scenario("vivid, each single-planar format", everyFormat("/dev/video0", func(capture.PixelFormat) bool { return true }))
	l.scenario("vivid, each multi-planar format", everyFormat("/dev/video1", isMultiplanar))
}
