package metrics

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/status"
)

// fleet is what an agent tells with so many cameras, each with so many outputs,
// when something of everything has happened.
func fleet(cameras, outputs int) status.Status {
	h := status.Histogram{Counts: make([]uint64, 17)}
	s := sample()
	s.BoundsSeconds = make([]float64, 16)
	for i := range s.BoundsSeconds {
		s.BoundsSeconds[i] = 0.000256 * float64(int(1)<<i)
	}
	counts := func(n int) map[string]uint64 {
		m := map[string]uint64{}
		for i := range n {
			m[fmt.Sprintf("word-%02d", i)] = uint64(i)
		}
		return m
	}
	s.Cameras = nil
	for i := range cameras {
		c := sample().Cameras[0]
		c.Name = fmt.Sprintf("camera-%02d", i)
		c.Age.Histogram, c.Stages = h, nil
		for _, name := range []string{"capture", "queue", "preprocess", "publish"} {
			c.Stages = append(c.Stages, status.Stage{Name: name, Histogram: h})
		}
		// As many as there are drops, rungs, causes and verdicts.
		c.Dropped, c.Recoveries, c.Worker.Replaced, c.Verdicts = counts(14), counts(6), counts(3), counts(5)
		c.Outputs = nil
		for j := range outputs {
			c.Outputs = append(c.Outputs, status.Output{Name: fmt.Sprintf("output-%d", j), Kind: "ring"})
		}
		s.Cameras = append(s.Cameras, c)
	}
	return s
}

// series are the lines that are no comments.
func series(text string) (lines []string) {
	for line := range strings.Lines(text) {
		if line[0] != '#' {
			lines = append(lines, line)
		}
	}
	return lines
}

// What a device costs the Prometheus that watches a fleet of them.
func TestSeriesOfALargeDeviceAreBounded(t *testing.T) {
	const agent, camera, output = 50, 150, 5
	text := scrape(func() status.Status { return fleet(16, 8) })
	n := len(series(text))
	t.Logf("16 cameras with 8 outputs each: %d series, %d bytes", n, len(text))
	if most := agent + 16*(camera+8*output); n > most {
		t.Errorf("%d series, the bound is %d", n, most)
	}
	if one := len(series(scrape(func() status.Status { return fleet(1, 1) }))); one > agent+camera+output {
		t.Errorf("one camera with one output: %d series", one)
	}
}

// A camera that was unplugged or taken out of the config leaves nothing behind.
func TestSeriesOfACameraEndWithIt(t *testing.T) {
	s := fleet(3, 2)
	now := func() status.Status { return s }
	if text := scrape(now); !strings.Contains(text, `camera="camera-01"`) {
		t.Fatal("the camera is not there")
	}
	s.Cameras = append(s.Cameras[:1], s.Cameras[2:]...)
	for _, line := range series(scrape(now)) {
		if strings.Contains(line, "camera-01") {
			t.Errorf("it is gone: %s", line)
		}
	}
}

// One scrape holds a buffer, whatever the number of cameras: of a camera, nothing is
// allocated for its hundreds of lines but the order of its words.
func TestScrapeHoldsNoText(t *testing.T) {
	cost := func(cameras int) float64 {
		s := fleet(cameras, 8)
		handler := Handler(func() status.Status { return s })
		return testing.AllocsPerRun(20, func() { handler.ServeHTTP(nowhere{}, nil) })
	}
	small, large := cost(1), cost(16)
	t.Logf("allocations: %.0f for one camera, %.0f for 16", small, large)
	if each := (large - small) / 15; each > 60 {
		t.Errorf("%.0f allocations a camera", each)
	}
}

// nowhere is a client that takes everything at once.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
