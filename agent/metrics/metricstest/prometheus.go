// Package metricstest has real Prometheus for tests, as make prometheus and make
// e2e bring it.
//
// What enters: the address of an agent and alerts. What leaves: answers of queries.
package metricstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

// A Prometheus scrapes one agent and evaluates alerts.
type Prometheus struct {
	t   testing.TB
	url string
	out bytes.Buffer // of the process, to be read after its end
}

// A Sample is one series at one moment.
type Sample struct {
	Metric map[string]string
	Value  [2]any // the time, the value as text
}

// An Alert is one that is pending or fires.
type Alert struct {
	Labels, Annotations map[string]string
	State               string
}

// Start runs the program prometheus for a target such as 127.0.0.1:9810, of the job
// edge-agent and the instance "device", once in so many seconds and until the test
// ends. Alerts wait for two seconds, and not for minutes.
func Start(t testing.TB, target string, alerts []byte, period time.Duration) *Prometheus {
	t.Helper()
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: %[2]v, scrape_timeout: %[2]v, evaluation_interval: 1s}
rule_files: [alerts.yml]
scrape_configs:
  - job_name: edge-agent
    static_configs: [{targets: [%[1]q], labels: {instance: device}}]
`, target, period)
	short := regexp.MustCompile(`(?m)^( +for:) .*$`).ReplaceAll(alerts, []byte("$1 2s"))
	for name, text := range map[string][]byte{"prometheus.yml": []byte(config), "alerts.yml": short} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := &Prometheus{t: t}
	address := free(t)
	p.url = "http://" + address
	cmd := exec.CommandContext(t.Context(), "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=warn")
	cmd.Stdout, cmd.Stderr = &p.out, &p.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // after the context of the test has ended
		if err := cmd.Wait(); t.Failed() {
			t.Logf("prometheus: %v\n%s", err, p.out.Bytes())
		}
	})
	p.Await("prometheus is ready", 30*time.Second, func() bool {
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return p
}

// free is an address that nobody listens at, or nobody did a moment ago.
func free(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// Await asks five times a second until the answer is yes, and says how long it took.
func (p *Prometheus) Await(what string, limit time.Duration, answer func() bool) time.Duration {
	p.t.Helper()
	begin, tick := time.Now(), time.NewTicker(200*time.Millisecond)
	defer tick.Stop()
	for !answer() {
		if <-tick.C; time.Since(begin) > limit {
			p.t.Fatalf("waited %v for: %s", limit, what)
		}
	}
	return time.Since(begin)
}

// Query evaluates an expression now.
func (p *Prometheus) Query(expr string) (samples []Sample) {
	p.t.Helper()
	var data struct{ Result []Sample }
	p.ask("query?query="+url.QueryEscape(expr), &data)
	return data.Result
}

// Alerts are those that are pending or fire now.
func (p *Prometheus) Alerts() []Alert {
	p.t.Helper()
	var data struct{ Alerts []Alert }
	p.ask("alerts", &data)
	return data.Alerts
}

// Fires says whether an alert fires with these labels.
func (p *Prometheus) Fires(name string, labels map[string]string) bool {
	p.t.Helper()
	for _, a := range p.Alerts() {
		same := a.State == "firing" && a.Labels["alertname"] == name
		for label, value := range labels {
			same = same && a.Labels[label] == value
		}
		if same {
			return true
		}
	}
	return false
}

// Rules is how many alerts were loaded, and evaluated without an error.
func (p *Prometheus) Rules() (n int) {
	p.t.Helper()
	var data struct {
		Groups []struct {
			Rules []struct{ Name, Health, LastError string }
		}
	}
	p.ask("rules", &data)
	for _, g := range data.Groups {
		for _, r := range g.Rules {
			if r.LastError != "" {
				p.t.Errorf("%s: %s", r.Name, r.LastError)
			}
			if r.Health == "ok" {
				n++
			}
		}
	}
	return n
}

// ask reads the data of an answer.
func (p *Prometheus) ask(path string, data any) {
	p.t.Helper()
	resp, err := http.Get(p.url + "/api/v1/" + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer := struct {
		Status, Error string
		Data          any
	}{Data: data}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Status != "success" {
		p.t.Fatalf("%s: %s %v", path, answer.Error, err)
	}
}
