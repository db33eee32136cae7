package metrics

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/edge-agent/agent/agent/status"
)

func pointer[T any](v T) *T { return &v }

// sample has something of everything.
func sample() status.Status {
	h := status.Histogram{Count: 6, SumSeconds: 0.5, Counts: []uint64{1, 2, 3}}
	return status.Status{
		Time: time.Unix(1000, 0), Version: "1.2.3", Alive: true, Ready: false, Degraded: true, LastWords: "stuck",
		BoundsSeconds: []float64{0.1, 0.2},
		Resources:     status.Resources{Leaking: []string{"threads"}, WatchdogSeconds: 10, ThreadsLimit: 128, MemoryBytes: 20 << 20, MemoryLimitBytes: 400 << 20, Threads: 9, TemperatureCelsius: pointer(51.5), WatchdogPings: 7},
		Log:           status.Log{LeftOut: 8, Lost: 9},
		HTTP:          &status.HTTP{Connections: 3, Watchers: 1, Requests: 99, Refused: 5, Evicted: 4},
		Cameras: []status.Camera{{
			Name: "front", State: "publishing", Verdict: "black+frozen", KnownFrame: "differs", Throttle: "1 of 2", Drift: "slow", LastPublished: pointer(2.5),
			Account: status.Account{Captured: 10, KernelLost: 1, Published: 6, InFlight: 1, Dropped: map[string]uint64{"evicted": 3, "corrupt": 0}},
			Age:     status.Latency{Histogram: h}, Stages: []status.Stage{{Name: "queue", Histogram: h}},
			Queue:      status.Queue{Length: 1, Capacity: 2},
			Worker:     &status.Worker{PID: 42, Replaced: map[string]uint64{"crashed": 2}, MemoryBytes: 5 << 20, Leaking: true},
			Recoveries: map[string]uint64{"reopen": 4}, Verdicts: map[string]uint64{"black": 5, "frozen": 1, "blurred": 0},
			Outputs: []status.Output{{Name: "model", Kind: "ring", Consumers: 2, Delivered: 11, Missed: 3, Error: "disk full", Paused: true}},
		}, {Name: "back", State: "waiting", Age: status.Latency{Histogram: h}, LastPublished: pointer(0.1)}},
	}
}

// scrape is what Prometheus gets.
func scrape(now func() status.Status) string {
	w := httptest.NewRecorder()
	Handler(now).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func TestNamesAndHelpAreAsPrometheusWantsThem(t *testing.T) {
	problems, err := promlint.New(strings.NewReader(scrape(sample))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Prometheus' own parser reads the words of a hostile camera as they are, and
// finds each family complete.
func TestPrometheusReadsIt(t *testing.T) {
	const name = "fr\"on\\t\n} 1 <b>ä"
	parser := expfmt.NewTextParser(model.UTF8Validation)
	got, err := parser.TextToMetricFamilies(strings.NewReader(scrape(func() status.Status {
		s := sample()
		s.Cameras[0].Name, s.Cameras[1].Name = name, "bad \xff byte"
		return s
	})))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != len(families) {
		t.Errorf("%d families of %d", len(got), len(families))
	}
	captured := got["edge_agent_frames_captured_total"].GetMetric()
	if len(captured) != 2 || captured[0].GetLabel()[0].GetValue() != name || captured[1].GetLabel()[0].GetValue() != "bad ? byte" {
		t.Errorf("%v", captured)
	}
	age := got["edge_agent_frame_age_seconds"].GetMetric()[0].GetHistogram()
	if age.GetSampleCount() != 6 || age.GetSampleSum() != 0.5 || len(age.GetBucket()) != 3 || age.GetBucket()[1].GetCumulativeCount() != 3 {
		t.Errorf("%v", age)
	}
}

func TestMetricsSayWhatTheStatusSays(t *testing.T) {
	text := scrape(sample)
	for _, line := range []string{
		`edge_agent_alive 1`,
		`edge_agent_ready 0`,
		`edge_agent_degraded 1`,
		`edge_agent_watchdog_pings_total 7`,
		`edge_agent_http_connections 3`,
		`edge_agent_http_watchers 1`,
		`edge_agent_http_requests_total 99`,
		`edge_agent_http_refused_total 5`,
		`edge_agent_http_evicted_total 4`,
		`edge_agent_memory_limit_bytes 4.194304e+08`,
		`edge_agent_temperature_celsius 51.5`,
		`edge_agent_frames_captured_total{camera="front"} 10`,
		`edge_agent_frames_kernel_lost_total{camera="front"} 1`,
		`edge_agent_frames_published_total{camera="front"} 6`,
		`edge_agent_frames_dropped_total{camera="front",reason="evicted"} 3`,
		`edge_agent_frames_dropped_total{camera="front",reason="corrupt"} 0`,
		`edge_agent_frames_in_flight{camera="front"} 1`,
		`edge_agent_frame_age_seconds_bucket{camera="front",le="0.2"} 3`,
		`edge_agent_frame_age_seconds_bucket{camera="front",le="+Inf"} 6`,
		`edge_agent_frame_age_seconds_sum{camera="front"} 0.5`,
		`edge_agent_stage_duration_seconds_count{camera="front",stage="queue"} 6`,
		`edge_agent_last_published_timestamp_seconds{camera="front"} 997.5`,
		`edge_agent_queue_length{camera="front"} 1`,
		`edge_agent_queue_capacity{camera="front"} 2`,
		`edge_agent_camera_state{camera="back",state="waiting"} 1`,
		`edge_agent_camera_state{camera="back",state="publishing"} 0`,
		`edge_agent_camera_healthy{camera="front"} 0`,
		`edge_agent_camera_fault{camera="front",fault="frozen"} 1`,
		`edge_agent_camera_fault{camera="front",fault="black"} 1`,
		`edge_agent_camera_fault{camera="front",fault="blurred"} 0`,
		`edge_agent_camera_fault{camera="front",fault="untrusted"} 1`,
		`edge_agent_camera_fault{camera="front",fault="silent"} 0`,
		`edge_agent_camera_fault{camera="back",fault="not-publishing"} 1`,
		`edge_agent_camera_throttled{camera="front"} 1`,
		`edge_agent_camera_drifting{camera="back"} 0`,
		`edge_agent_leaking{resource="threads"} 1`,
		`edge_agent_leaking{resource="memory"} 0`,
		`edge_agent_worker_leaking{camera="front"} 1`,
		`edge_agent_threads_limit 128`,
		`edge_agent_previous_stuck 1`,
		`edge_agent_log_entries_left_out_total 8`,
		`edge_agent_log_entries_lost_total 9`,
		`edge_agent_watchdog_interval_seconds 10`,
		`edge_agent_output_paused{camera="front",output="model",kind="ring"} 1`,
		`edge_agent_recoveries_total{camera="front",rung="reopen"} 4`,
		`edge_agent_worker_restarts_total{camera="front",cause="crashed"} 2`,
		`edge_agent_consumers{camera="front",output="model",kind="ring"} 2`,
		`edge_agent_consumer_missed_total{camera="front",output="model",kind="ring"} 3`,
		`edge_agent_output_failing{camera="front",output="model",kind="ring"} 1`,
		`edge_agent_quality_verdicts_total{camera="front",verdict="black"} 5`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
	for _, name := range []string{"edge_agent_build_info{", "go_goroutines ", "process_resident_memory_bytes "} {
		if !strings.Contains(text, "\n"+name) {
			t.Errorf("no %s", name)
		}
	}
}

// A scrape makes no series that the one before did not have: what happens
// changes values only.
func TestSeriesAreBoundedByTheConfig(t *testing.T) {
	before := strings.Count(scrape(sample), "\n")
	after := strings.Count(scrape(func() status.Status {
		s := sample()
		for i := range s.Cameras {
			s.Cameras[i].State, s.Cameras[i].Reason = "opening", "device 0x7f3a busy"
		}
		s.Reasons = append(s.Reasons, status.Reason{Text: "something new"})
		return s
	}), "\n")
	if before != after {
		t.Errorf("%d lines, then %d", before, after)
	}
}

// Any name is read as it was written, but for bytes that are no text.
func FuzzLabel(f *testing.F) {
	f.Add("front")
	f.Add("a\"b\\c\n")
	f.Add("\xff\\")
	f.Fuzz(func(t *testing.T, name string) {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		got, err := parser.TextToMetricFamilies(strings.NewReader(scrape(func() status.Status {
			s := sample()
			s.Cameras[0].Name = name
			s.Cameras = s.Cameras[:1]
			return s
		})))
		if err != nil {
			t.Fatal(err)
		}
		if read := got["edge_agent_queue_length"].GetMetric()[0].GetLabel()[0].GetValue(); read != strings.ToValidUTF8(name, "?") {
			t.Errorf("%q was read as %q", name, read)
		}
	})
}
