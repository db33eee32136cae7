//go:build prometheus

package metrics

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// promtool runs Prometheus' own tool.
func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "FAILED") {
		t.Errorf("promtool %v: %v\n%.6000s", args, err, out)
	}
}

func TestPromtoolChecksMetricsAndRules(t *testing.T) {
	promtool(t, scrape(sample), "check", "metrics")
	promtool(t, "", "check", "rules", "alerts.yml")
}

// A values are those of a series, one each 15 s, in promtool's notation.
type values map[string]string

// healthy is what an hour of an agent with one camera looks like.
var healthy = values{
	`up{}`:                                   "1+0x240",
	`process_start_time_seconds{}`:           "1000+0x240",
	`process_open_fds{}`:                     "50+0x240",
	`process_max_fds{}`:                      "4096+0x240",
	`edge_agent_build_info{version="1"}`:     "1+0x240",
	`edge_agent_alive{}`:                     "1+0x240",
	`edge_agent_ready{}`:                     "1+0x240",
	`edge_agent_healthy{}`:                   "1+0x240",
	refused:                                  "1+0x240",
	`edge_agent_previous_stuck{}`:            "0+0x240",
	`edge_agent_memory_bytes{}`:              "100+0x240",
	`edge_agent_memory_limit_bytes{}`:        "400+0x240",
	`edge_agent_threads{}`:                   "20+0x240",
	`edge_agent_threads_limit{}`:             "128+0x240",
	`edge_agent_leaking{resource="memory"}`:  "0+0x240",
	`edge_agent_worker_leaking{camera="c"}`:  "0+0x240",
	`edge_agent_camera_drifting{camera="c"}`: "0+0x240",
	streaming:                                "1+0x240",
	reopened:                                 "0+0x240",
	waited:                                   "0+0x240",
	crashed:                                  "0+0x240",
	renewed:                                  "0+0x240",
	corrupt:                                  "0+1x240",
	evicted:                                  "0+0x240",
	notDue:                                   "0+400x240",
	kernelLost:                               "0+1x240",
	captured:                                 "0+450x240",
	missed:                                   "0+1x240",
	`edge_agent_consumer_delivered_total` + o: "0+450x240",
	failing:                 "0+0x240",
	fault("not-publishing"): "0+0x240",
	fault("silent"):         "0+0x240",
	fault("untrusted"):      "0+0x240",
	fault("black"):          "0+0x240",
}

const (
	refused    = `edge_agent_config_last_reload_successful{}`
	o          = `{camera="c",output="model",kind="ring"}`
	streaming  = `edge_agent_camera_state{camera="c",state="publishing"}`
	reopened   = `edge_agent_recoveries_total{camera="c",rung="reopen"}`
	waited     = `edge_agent_recoveries_total{camera="c",rung="wait"}`
	crashed    = `edge_agent_worker_restarts_total{camera="c",cause="crashed"}`
	renewed    = `edge_agent_worker_restarts_total{camera="c",cause="renewed"}`
	corrupt    = `edge_agent_frames_dropped_total{camera="c",reason="corrupt"}`
	evicted    = `edge_agent_frames_dropped_total{camera="c",reason="evicted"}`
	notDue     = `edge_agent_frames_dropped_total{camera="c",reason="not-due"}`
	kernelLost = `edge_agent_frames_kernel_lost_total{camera="c"}`
	captured   = `edge_agent_frames_captured_total{camera="c"}`
	missed     = `edge_agent_consumer_missed_total` + o
	failing    = `edge_agent_output_failing` + o
)

func fault(name string) string { return `edge_agent_camera_fault{camera="c",fault="` + name + `"}` }

// An incident is what happens to a healthy agent, and which alert fires for it at
// what times, with what summary and labels; no other does.
type incident struct {
	name    string
	changes values
	at      []string
	alert   string // empty for none
	summary string // after "device: "
	labels  string // besides instance, job and severity
}

// within is a value that changes after so many samples, and back.
func within(normal, other string, from, to int) string {
	return fmt.Sprintf("%s+0x%d %s+0x%d %s+0x%d", normal, from-1, other, to-from-1, normal, 239-to)
}

// from is one that stays as it became after five minutes.
func from(normal, other string) string {
	return fmt.Sprintf("%s+0x19 %s+0x220", normal, other)
}

// restarted are all series when the agent answers two scrapes less and begins anew.
func restarted() values {
	v := values{}
	for series, line := range healthy {
		begin, rest, _ := strings.Cut(line, "+")
		step, _, _ := strings.Cut(rest, "x")
		anew := begin
		if strings.HasPrefix(series, "process_start") {
			anew = "2000"
		}
		v[series] = fmt.Sprintf("%s+%sx119 _ _ %s+%sx118", begin, step, anew, step)
	}
	v["up{}"] = "1+0x119 0 0 1+0x118"
	v[streaming] = "1+0x119 _ _ 0 0 1+0x116"
	v[fault("not-publishing")] = "0+0x119 _ _ 1 1 0+0x116"
	return v
}

var incidents = []incident{
	{name: "health", at: []string{"5m", "30m", "60m"}},
	{name: "a restart", changes: restarted(), at: []string{"30m", "30m15s", "30m45s", "31m", "32m", "40m", "60m"}},
	{name: "no answer", changes: values{"up{}": from("1", "0")}, at: []string{"8m", "14m"},
		alert: "Down", summary: "the agent does not answer"},
	{name: "restarts", changes: values{"process_start_time_seconds{}": "1000+0x20 1300+0x8 1500+0x8 1600+0x200"}, at: []string{"14m"},
		alert: "Restarting", summary: "the agent was restarted 3 times in 15 minutes"},
	{name: "a stage is stuck", changes: values{"edge_agent_alive{}": from("1", "0"), "edge_agent_healthy{}": from("1", "0")}, at: []string{"6m"},
		alert: "Stuck", summary: "a stage of the agent is stuck, or was until systemd restarted it"},
	{name: "a stage was stuck", changes: values{"edge_agent_previous_stuck{}": from("0", "1"), "process_start_time_seconds{}": from("1000", "1300")}, at: []string{"10m"},
		alert: "Stuck", summary: "a stage of the agent is stuck, or was until systemd restarted it"},
	{name: "a stage was stuck long ago", changes: values{"edge_agent_previous_stuck{}": from("0", "1"), "process_start_time_seconds{}": from("1000", "1300")}, at: []string{"30m"}},
	{name: "a camera was pulled", changes: values{fault("not-publishing"): from("0", "1"), streaming: from("1", "0")}, at: []string{"7m", "40m"},
		alert: "CameraDown", summary: "camera c gives no frames", labels: "camera: c"},
	{name: "a camera is silent, opened anew, and silent", changes: values{
		fault("not-publishing"): "0+0x19" + strings.Repeat(" 1 0", 30), fault("silent"): "0+0x19" + strings.Repeat(" 0 1", 30)}, at: []string{"10m"},
		alert: "CameraDown", summary: "camera c gives no frames", labels: "camera: c"},
	{name: "a camera is back", changes: values{fault("not-publishing"): within("0", "1", 20, 40)}, at: []string{"5m45s", "12m"}},
	{name: "a camera comes and goes", changes: values{streaming: "1+0x19" + strings.Repeat(" 0 1 1 1", 20) + " 1+0x140"}, at: []string{"25m"},
		alert: "CameraUnsteady", summary: "camera c comes and goes", labels: "camera: c"},
	{name: "remedies without end", changes: values{reopened: "0+0x20 1+1x219", waited: "0+0x20 1+1x219"}, at: []string{"25m"},
		alert: "CameraUnsteady", summary: "camera c comes and goes", labels: "camera: c"},
	{name: "a camera is waited for", changes: values{waited: "0+0x20 1+1x219"}, at: []string{"25m"}},
	{name: "the lens is covered", changes: values{fault("black"): from("0", "1")}, at: []string{"12m"},
		alert: "PicturesBad", summary: "pictures of camera c are black", labels: "camera: c, fault: black"},
	{name: "the light was off for three minutes", changes: values{fault("black"): within("0", "1", 20, 32)}, at: []string{"8m", "12m"}},
	{name: "a worker fails on known frames", changes: values{fault("untrusted"): from("0", "1")}, at: []string{"10m"},
		alert: "WrongAnswers", summary: "the preprocessor gives wrong answers on known frames", labels: "camera: c, fault: untrusted"},
	{name: "the agent fails its self-test", changes: values{"edge_agent_healthy{}": from("1", "0")}, at: []string{"10m"},
		alert: "WrongAnswers", summary: "the preprocessor gives wrong answers on known frames"},
	{name: "damaged frames", changes: values{corrupt: "0+90x240"}, at: []string{"20m"},
		alert: "FramesDropped", summary: "camera c loses 20% of its frames (corrupt)", labels: "camera: c, reason: corrupt"},
	{name: "frames lost by the driver", changes: values{kernelLost: "0+150x240"}, at: []string{"20m"},
		alert: "FramesDropped", summary: "camera c loses 25% of its frames (kernel-lost)", labels: "camera: c, reason: kernel-lost"},
	{name: "two minutes of too much work", changes: values{evicted: "0+0x40 400+400x8 3600+0x190"}, at: []string{"12m", "15m", "20m"}},
	{name: "latency drifts", changes: values{`edge_agent_camera_drifting{camera="c"}`: from("0", "1")}, at: []string{"12m"},
		alert: "LatencyDrift", summary: "frames of camera c take longer than they used to", labels: "camera: c"},
	{name: "a worker crashes again and again", changes: values{crashed: "0+0x40 1+1x200"}, at: []string{"12m"},
		alert: "WorkerCrashes", summary: "the worker of camera c was lost 8 times in 15 minutes", labels: "camera: c"},
	{name: "a worker crashed twice, and was renewed often", changes: values{crashed: "0+0x40 2+0x199", renewed: "0+0x40 1+1x199"}, at: []string{"15m"}},
	{name: "a full disk", changes: values{failing: from("0", "1")}, at: []string{"12m"},
		alert: "OutputFailing", summary: "images of camera c do not get out by model (ring)", labels: "camera: c, output: model, kind: ring"},
	{name: "a slow consumer", changes: values{missed: "0+450x240"}, at: []string{"20m"},
		alert: "ConsumerSlow", summary: "consumers of c/model miss 50% of the images", labels: "camera: c, output: model, kind: ring"},
	{name: "memory", changes: values{"edge_agent_memory_bytes{}": from("100", "380")}, at: []string{"20m"},
		alert: "NearLimit", summary: "95% of the memory that the agent may have are in use", labels: "resource: memory"},
	{name: "memory without a limit", changes: values{"edge_agent_memory_limit_bytes{}": "0+0x240"}, at: []string{"20m"}},
	{name: "threads", changes: values{"edge_agent_threads{}": from("20", "115.2")}, at: []string{"20m"},
		alert: "NearLimit", summary: "90% of the threads that the agent may have are in use", labels: "resource: threads"},
	{name: "descriptors", changes: values{"process_open_fds{}": from("50", "3686.4")}, at: []string{"20m"},
		alert: "NearLimit", summary: "90% of the descriptors that the agent may have are in use", labels: "resource: descriptors"},
	{name: "another program", changes: values{`edge_agent_build_info{version="1"}`: "_x240", "process_open_fds{}": "4000+0x240", "process_start_time_seconds{}": "1+1x240"}, at: []string{"30m"}},
	{name: "a config that was refused", changes: values{refused: from("1", "0")}, at: []string{"20m"},
		alert: "ConfigRefused", summary: "the config on the disk was refused, and the one before is in force"},
	{name: "one that was mended at once", changes: values{refused: within("1", "0", 20, 40)}, at: []string{"9m", "20m"}},
	{name: "the agent leaks", changes: values{`edge_agent_leaking{resource="memory"}`: from("0", "1")}, at: []string{"20m"},
		alert: "Leak", summary: "the agent leaks memory", labels: "resource: memory"},
	{name: "a worker leaks", changes: values{`edge_agent_worker_leaking{camera="c"}`: from("0", "1")}, at: []string{"20m"},
		alert: "Leak", summary: "the agent's worker of camera c leaks memory", labels: "camera: c"},
}

// Each alert fires for what it is there for, and none in health, for a restart, or
// for what passes by itself.
func TestAlertsFireForWhatTheyAreFor(t *testing.T) {
	all := rules(t)
	path, err := filepath.Abs("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "rule_files: [%q]\nevaluation_interval: 15s\ntests:\n", path)
	silent := map[string]bool{}
	for _, r := range all {
		silent[r.Alert] = true
	}
	for i := range incidents {
		incidents[i].write(&b, all)
		delete(silent, "EdgeAgent"+incidents[i].alert)
	}
	for name := range silent {
		t.Errorf("%s fires for nothing here", name)
	}
	file := filepath.Join(t.TempDir(), "test.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "test", "rules", file)
}

// write adds the incident to a file for promtool.
func (n *incident) write(b *strings.Builder, all []rule) {
	fmt.Fprintf(b, "  - name: %q\n    interval: 15s\n    input_series:\n", n.name)
	series := maps.Clone(healthy)
	maps.Copy(series, n.changes)
	for _, name := range slices.Sorted(maps.Keys(series)) {
		labelled := strings.Replace(name, "{", `{job="edge-agent",instance="device",`, 1)
		fmt.Fprintf(b, "      - {series: '%s', values: '%s'}\n", strings.Replace(labelled, ",}", "}", 1), series[name])
	}
	b.WriteString("    alert_rule_test:\n")
	for _, at := range n.at {
		for _, r := range all {
			fmt.Fprintf(b, "      - eval_time: %s\n        alertname: %s\n", at, r.Alert)
			if r.Alert != "EdgeAgent"+n.alert {
				continue
			}
			labels := fmt.Sprintf("severity: %s, job: edge-agent, instance: device", r.Labels.Severity)
			if n.labels != "" {
				labels += ", " + n.labels
			}
			fmt.Fprintf(b, "        exp_alerts:\n          - exp_labels: {%s}\n            exp_annotations: {summary: %q, description: %q, runbook: %q}\n",
				labels, "device: "+n.summary, r.Annotations.Description, r.Annotations.Runbook)
		}
	}
}
