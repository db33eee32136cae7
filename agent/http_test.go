package agent

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/status"
)

// address is where the agent answers.
func (r *rigged) address(t *testing.T) (url string) {
	t.Helper()
	r.until(t, "it listens", func() bool {
		for _, e := range r.log.entries(t, "browsers, curl and Prometheus may ask") {
			url = e["url"].(string)
		}
		return url != ""
	})
	return url
}

// publishing says that every camera is told to be so, which is a moment after its
// first frame was published.
func (r *rigged) publishing() bool {
	cameras := r.list()
	return len(cameras) > 0 && !slices.ContainsFunc(cameras, func(c *camera) bool { return c.state.Load().Phase != Publishing })
}

func ask(t testing.TB, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return resp.StatusCode, string(text)
}

func TestReadyIsWhenEveryCameraPublishes(t *testing.T) {
	r := start(t, `
http: {listen: 127.0.0.1:0}
cameras:
  front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, outputs: {model: {size: 32x32}}}
  rear: {device: {serial: none-has-this}, outputs: {model: {size: 32x32}}}
`)
	url := r.address(t)
	r.until(t, "one publishes and one waits", func() bool {
		return r.list()[0].state.Load().Phase == Publishing && r.list()[1].state.Load().Phase == Waiting
	})
	status, body := ask(t, url+"/readyz")
	if status != 503 || strings.Contains(body, "front") || !strings.Contains(body, "camera rear: waiting (") {
		t.Errorf("%d %q", status, body)
	}
	if status, body := ask(t, url+"/healthz"); status != 200 {
		t.Errorf("%d %q", status, body)
	}
	r.stop()
	r.finished(t)
}

func TestCameraWhoseFramesAllEndAsDropsIsNotReady(t *testing.T) {
	r := start(t, `
isolation: none
cameras: {front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, recovery: {stall-after: 100ms}, outputs: {model: {size: 32x32}}}}
`)
	r.until(t, "ready", func() bool { return r.Ready() == nil })
	r.budget.imposed.Store(1 << 30) // no frame is let in any more
	r.until(t, "not ready", func() bool { return r.Ready() != nil })
	if err := r.Ready(); !strings.Contains(err.Error(), "camera front: no good frame for ") {
		t.Error(err)
	}
	r.stop()
	r.finished(t)
}

func TestTakenPortIsToldOnceAndTakenWhenItIsFree(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, `
http: {listen: "`+l.Addr().String()+`"}
cameras: {front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, outputs: {model: {size: 32x32}}}}
`)
	const trouble = "HTTP cannot be served, trying again"
	r.until(t, "told", func() bool { return len(r.log.entries(t, trouble)) > 0 })
	r.until(t, "frames all the same", func() bool { return r.publishedBy() > 60 }) // and a second try
	l.Close()
	if status, _ := ask(t, r.address(t)+"/healthz"); status != 200 {
		t.Error(status)
	}
	if n := len(r.log.entries(t, trouble)); n != 1 {
		t.Errorf("told %d times", n)
	}
	r.stop()
	r.finished(t)
}

func TestStatusAndMetricsAreServed(t *testing.T) {
	r := start(t, `
http: {listen: 127.0.0.1:0}
cameras: {front: {device: {pattern: bars}, mode: {size: 64x64, rate: 50}, outputs: {model: {size: 32x32}}}}
`)
	url := r.address(t)
	r.until(t, "publishing", r.publishing)
	var s status.Status
	if code, body := ask(t, url+"/api/v1/status"); code != 200 || json.Unmarshal([]byte(body), &s) != nil || s.Cameras[0].Published == 0 || s.HTTP.Requests == 0 {
		t.Errorf("%d %s", code, body)
	}
	if code, body := ask(t, url+"/metrics"); code != 200 || !strings.Contains(body, `edge_agent_camera_state{camera="front",state="publishing"} 1`) {
		t.Errorf("%d %s", code, body)
	}
	r.stop()
	r.finished(t)
}
