//go:build prometheus

package agent

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/metrics/metricstest"
	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// emptyInHealth are the panels of the dashboard that show what is wrong, or what
// not every device has: their queries may have no answer.
var emptyInHealth = map[string]string{
	"Cameras that are unhealthy, and why": "no camera is",
	"Alerts that fire":                    "none does",
	"What works with less":                "nothing does",
	"Frames lost, by reason":              "none is",
	"Temperature":                         "not every machine tells it",
}

// Real Prometheus scrapes a real agent that is well: no alert fires or is about to,
// and every query of the dashboard has an answer.
func TestPrometheusWatchesAHealthyAgent(t *testing.T) {
	alerts, err := os.ReadFile("metrics/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, `
http: {listen: 127.0.0.1:0}
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 640x360, rate: 20}
    outputs: {model: {size: 64x64}, preview: {encode: jpeg, size: 320x180}, record: {size: 64x64, every: 1s, pipe: {command: [cat], format: raw}}}
  rear: {device: {pattern: bars}, mode: {size: 320x180, rate: 10}, outputs: {model: {size: 32x32}}}
`)
	address := strings.TrimPrefix(r.address(t), "http://")
	r.until(t, "publishing", r.publishing)
	consume(t, r.dir+"/front/model.sock")
	p := metricstest.Start(t, address, alerts, time.Second)
	p.Await("ten scrapes", 40*time.Second, func() bool {
		got := p.Query(`count_over_time(up{job="edge-agent"}[1h]) >= 10`)
		return len(got) == 1
	})
	if n, want := p.Rules(), strings.Count(string(alerts), "- alert:"); n != want {
		t.Errorf("%d alerts are evaluated, of %d", n, want)
	}
	for _, a := range p.Alerts() {
		t.Errorf("%s is %s: %v", a.Labels["alertname"], a.State, a.Annotations)
	}
	if got := p.Query(`up{job="edge-agent"}`); len(got) != 1 || got[0].Value[1] != "1" {
		t.Errorf("the agent is not scraped: %v", got)
	}
	queriesHaveAnswers(t, p)
	if got := p.Query(`scrape_samples_scraped`); len(got) == 1 {
		t.Logf("%v samples a scrape of 2 cameras and 4 outputs", got[0].Value[1])
	}
	asleep, err := reader.Dial(r.dir + "/rear/model.sock")
	if err != nil {
		t.Fatal(err)
	}
	defer asleep.Close()
	took := p.Await("an alert for a consumer that does not read", 60*time.Second, func() bool {
		return p.Fires("EdgeAgentConsumerSlow", map[string]string{"camera": "rear", "output": "model", "kind": "ring"})
	})
	t.Logf("an alert after %v", took)
	r.stop()
	r.finished(t)
}

// consume reads the frames of an output until the test ends.
func consume(t *testing.T, socket string) {
	t.Helper()
	consumer, err := reader.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			if _, err := consumer.Next(t.Context()); err != nil {
				return
			}
		}
	})
	t.Cleanup(func() { reading.Wait(); consumer.Close() })
}

func queriesHaveAnswers(t *testing.T, p *metricstest.Prometheus) {
	t.Helper()
	text, err := os.ReadFile("metrics/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &dashboard); err != nil {
		t.Fatal(err)
	}
	// What Grafana puts in their place.
	of := strings.NewReplacer("$instance", ".*", "$camera", ".*", "$__rate_interval", "5s")
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			if got := p.Query(of.Replace(target.Expr)); len(got) == 0 && emptyInHealth[panel.Title] == "" {
				t.Errorf("%s: no answer to %s", panel.Title, target.Expr)
			}
		}
	}
	t.Logf("%d queries", queries)
}
