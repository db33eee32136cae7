//go:build e2e

package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/metrics/metricstest"
)

// prometheus runs on the host, at its speed, and gets the metrics of the guest
// through the rig.
func (l *lab) prometheus() *metricstest.Prometheus {
	l.Helper()
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := l.machine.Run(r.Context(), "curl", "-sf", "http://localhost:9810"+r.URL.Path)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = io.WriteString(w, text)
	}))
	l.Cleanup(relay.Close)
	alerts, err := os.ReadFile("../../agent/metrics/alerts.yml")
	l.must(err)
	return metricstest.Start(l, strings.TrimPrefix(relay.URL, "http://"), alerts, 2*time.Second)
}

// A camera that is pulled is told of, by its name and no other; when it is back, so
// is the silence.
func pulledCameraAlerts(l *lab) {
	c := l.plug("CAM1")
	l.configure(`cameras:
  front: {device: {serial: CAM1}, mode: {format: MJPG, size: 320x180, rate: 10}, outputs: {model: {size: 320x180}}}
  back: {device: {pattern: bars}, mode: {size: 320x180, rate: 10}, outputs: {model: {size: 320x180}}}
`)
	l.status("front: publishing")
	p := l.prometheus()
	p.Await("five scrapes in health", time.Minute, func() bool {
		return len(p.Query(`count_over_time(edge_agent_healthy[1h]) >= 5 and edge_agent_healthy == 1`)) == 1
	})
	for _, a := range p.Alerts() {
		l.Errorf("in health: %s is %s, %v", a.Labels["alertname"], a.State, a.Annotations)
	}
	// In the sandbox, too, the process tells of itself.
	if got := p.Query(`process_start_time_seconds > 1e9 and process_resident_memory_bytes > 1e6 and process_open_fds > 5 and process_max_fds > 1000`); len(got) != 1 {
		l.Errorf("the process does not tell of itself: %v", got)
	}
	c.pull()
	front, back := map[string]string{"camera": "front"}, map[string]string{"camera": "back"}
	took := p.Await("an alert", time.Minute, func() bool { return p.Fires("EdgeAgentCameraDown", front) })
	l.figure("alert %.1f s after the pull", took.Seconds())
	for _, a := range p.Alerts() {
		if l.Logf("%s: %s", a.State, a.Annotations["summary"]); a.Labels["alertname"] != "EdgeAgentCameraDown" {
			l.Errorf("%s is %s", a.Labels["alertname"], a.State)
		}
	}
	if p.Fires("EdgeAgentCameraDown", back) {
		l.Error("the alert is of the other camera, too")
	}
	c = l.plug("CAM1")
	defer c.pull()
	took = p.Await("no alert", time.Minute, func() bool { return len(p.Alerts()) == 0 })
	l.figure("none %.1f s after the plug", took.Seconds())
	l.figure("%v", l.stop()["front"])
}

func TestAlerts(t *testing.T) {
	l := newLab(t)
	l.scenario("an alert for a pulled camera", pulledCameraAlerts)
}
