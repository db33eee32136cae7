package metrics

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"github.com/edge-agent/agent/agent/status"
)

// families are all metrics. The names are an interface: dashboards and alerts have
// them.
var families = append([]family{
	ofAgent("build_info", "gauge", "Always 1, with the version of the agent and of Go.",
		func(w *writer, s *status.Status) { w.sample(1, s.Version, runtime.Version()) }, "version", "goversion"),
	ofAgent("alive", "gauge", "Whether every stage makes progress, as the watchdog asks.",
		func(w *writer, s *status.Status) { w.truth(s.Alive) }),
	ofAgent("ready", "gauge", "Whether every camera publishes fresh and good frames.",
		func(w *writer, s *status.Status) { w.truth(s.Ready) }),
	ofAgent("healthy", "gauge", "Whether it is alive and ready and the preprocessor gives right answers.",
		func(w *writer, s *status.Status) { w.truth(s.Healthy) }),
	ofAgent("degraded", "gauge", "Whether something works with less than the config asks for.",
		func(w *writer, s *status.Status) { w.truth(s.Degraded) }),
	ofAgent("watchdog_pings_total", "counter", "Pings that systemd's watchdog got.",
		func(w *writer, s *status.Status) { w.count(s.Resources.WatchdogPings) }),
	ofAgent("watchdog_interval_seconds", "gauge", "How long it waits for one, 0 when no watchdog watches.",
		func(w *writer, s *status.Status) { w.sample(s.Resources.WatchdogSeconds) }),
	ofAgent("previous_stuck", "gauge", "Whether the process before this one was ended because a stage was stuck.",
		func(w *writer, s *status.Status) { w.truth(s.LastWords != "") }),
	ofAgent("config_last_reload_successful", "gauge", "Whether the last config that was read is in force.",
		func(w *writer, s *status.Status) { w.truth(s.Config.Fault == "") }),
	ofAgent("config_last_reload_success_timestamp_seconds", "gauge", "When the config that is in force was taken.",
		func(w *writer, s *status.Status) { w.sample(float64(s.Config.Loaded.UnixMilli()) / 1000) }),
	ofAgent("memory_bytes", "gauge", "Memory of the agent and its workers that counts towards the limit.",
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.MemoryBytes)) }),
	ofAgent("memory_limit_bytes", "gauge", "The limit of that memory, 0 for none.",
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.MemoryLimitBytes)) }),
	ofAgent("threads", "gauge", "Threads of the agent and its workers.",
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.Threads)) }),
	ofAgent("threads_limit", "gauge", "How many there may be, 0 for any number.",
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.ThreadsLimit)) }),
	ofAgent("leaking", "gauge", "Whether a resource of the agent, without its workers, has grown for an hour or for days.",
		func(w *writer, s *status.Status) {
			for _, resource := range status.Leaks {
				w.truth(slices.Contains(s.Resources.Leaking, resource), resource)
			}
		}, "resource"),
	ofAgent("temperature_celsius", "gauge", "Temperature of the hottest zone of the device.",
		func(w *writer, s *status.Status) {
			if t := s.Resources.TemperatureCelsius; t != nil {
				w.sample(*t)
			}
		}),

	ofAgent("log_entries_left_out_total", "counter", "Log entries that repeated others, and were only counted.",
		func(w *writer, s *status.Status) { w.count(s.Log.LeftOut) }),
	ofAgent("log_entries_lost_total", "counter", "Log entries that the journal did not take in time.",
		func(w *writer, s *status.Status) { w.count(s.Log.Lost) }),
	ofHTTP("http_connections", "gauge", "Connections of HTTP clients.", func(h *status.HTTP) float64 { return float64(h.Connections) }),
	ofHTTP("http_watchers", "gauge", "HTTP clients that wait for images.", func(h *status.HTTP) float64 { return float64(h.Watchers) }),
	ofHTTP("http_requests_total", "counter", "HTTP requests.", func(h *status.HTTP) float64 { return float64(h.Requests) }),
	ofHTTP("http_refused_total", "counter", "HTTP requests and connections that came when there were too many.",
		func(h *status.HTTP) float64 { return float64(h.Refused) }),
	ofHTTP("http_evicted_total", "counter", "HTTP connections that were closed for newer ones.",
		func(h *status.HTTP) float64 { return float64(h.Evicted) }),

	ofCamera("frames_captured_total", "counter", "Frames that were read from the camera.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.count(c.Captured, c.Name) }),
	ofCamera("frames_kernel_lost_total", "counter", "Frames that the driver lost before they could be read, by its sequence numbers.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.count(c.KernelLost, c.Name) }),
	ofCamera("frames_published_total", "counter", "Frames of which an output at least took an image.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.count(c.Published, c.Name) }),
	ofCamera("frames_dropped_total", "counter", "Frames that were captured and not published, by reason.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.counts(c.Dropped, c.Name) }, "reason"),
	ofCamera("frames_in_flight", "gauge", "Frames that were captured and have not come to an end.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.sample(float64(c.InFlight), c.Name) }),
	ofCamera("frame_age_seconds", "histogram", "Age of published frames: from the driver's time stamp to publication.",
		func(w *writer, s *status.Status, c *status.Camera) {
			w.histogram(s.BoundsSeconds, &c.Age.Histogram, c.Name)
		}),
	ofCamera("stage_duration_seconds", "histogram", "What a frame spends in a stage: capture (time stamp to dequeue), queue, preprocess, publish.",
		func(w *writer, s *status.Status, c *status.Camera) {
			for i := range c.Stages {
				w.histogram(s.BoundsSeconds, &c.Stages[i].Histogram, c.Name, c.Stages[i].Name)
			}
		}, "stage"),
	ofCamera("last_published_timestamp_seconds", "gauge", "When the newest frame was published, as Unix time.",
		func(w *writer, s *status.Status, c *status.Camera) {
			if ago := c.LastPublished; ago != nil {
				w.sample(float64(s.Time.UnixMilli())/1000-*ago, c.Name)
			}
		}),
	ofCamera("queue_length", "gauge", "Frames that wait to be preprocessed.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.sample(float64(c.Queue.Length), c.Name) }),
	ofCamera("queue_capacity", "gauge", "How many may wait before the oldest is evicted.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.sample(float64(c.Queue.Capacity), c.Name) }),

	ofCamera("camera_state", "gauge", "1 for the state that the camera is in, 0 for the others.",
		func(w *writer, _ *status.Status, c *status.Camera) {
			for _, state := range status.States {
				w.truth(c.State == state, c.Name, state)
			}
		}, "state"),
	ofCamera("camera_healthy", "gauge", "Whether the camera publishes fresh and good frames.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.truth(c.Healthy, c.Name) }),
	ofCamera("camera_fault", "gauge", "Why a camera is not healthy: 1 for what is wrong now, 0 for the rest.",
		func(w *writer, _ *status.Status, c *status.Camera) {
			present := faultsOf(c)
			for _, fault := range allFaults(c) {
				w.truth(slices.Contains(present, fault), c.Name, fault)
			}
		}, "fault"),
	ofCamera("camera_throttled", "gauge", "Whether some of its frames are not taken, to keep up or to spare the device.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.truth(c.Throttle != "", c.Name) }),
	ofCamera("camera_drifting", "gauge", "Whether its frames take longer than they used to.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.truth(c.Drift != "", c.Name) }),
	ofCamera("camera_fallback", "gauge", "The fallback mode that the camera runs in, 0 for the wanted mode.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.sample(float64(c.Fallback), c.Name) }),
	ofCamera("recoveries_total", "counter", "Remedies that were tried on a camera, by rung of the ladder.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.counts(c.Recoveries, c.Name) }, "rung"),
	ofCamera("quality_verdicts_total", "counter", "Published frames with a verdict against them.",
		func(w *writer, _ *status.Status, c *status.Camera) { w.counts(c.Verdicts, c.Name) }, "verdict"),
	ofCamera("worker_restarts_total", "counter", "Workers that had to be replaced, by cause.",
		func(w *writer, _ *status.Status, c *status.Camera) {
			if c.Worker != nil {
				w.counts(c.Worker.Replaced, c.Name)
			}
		}, "cause"),
	ofCamera("worker_memory_bytes", "gauge", "Memory of the camera's worker, shared memory included.",
		func(w *writer, _ *status.Status, c *status.Camera) {
			if c.Worker != nil {
				w.sample(float64(c.Worker.MemoryBytes), c.Name)
			}
		}),
	ofCamera("worker_leaking", "gauge", "Whether that has grown for an hour or for days.",
		func(w *writer, _ *status.Status, c *status.Camera) {
			if c.Worker != nil {
				w.truth(c.Worker.Leaking, c.Name)
			}
		}),

	ofOutput("consumers", "gauge", "Programs that take images from an output now.",
		func(w *writer, o *status.Output, labels ...string) { w.sample(float64(o.Consumers), labels...) }),
	ofOutput("consumer_delivered_total", "counter", "Images that consumers of an output took.",
		func(w *writer, o *status.Output, labels ...string) { w.count(o.Delivered, labels...) }),
	ofOutput("consumer_missed_total", "counter", "Images that a consumer of an output did not get, since it was too slow or failed.",
		func(w *writer, o *status.Output, labels ...string) { w.count(o.Missed, labels...) }),
	ofOutput("output_failing", "gauge", "Whether nothing comes of images at the moment.",
		func(w *writer, o *status.Output, labels ...string) { w.truth(o.Error != "", labels...) }),
	ofOutput("output_paused", "gauge", "Whether no images are made, for want of memory or coolness.",
		func(w *writer, o *status.Output, labels ...string) { w.truth(o.Paused, labels...) }),
}, ofProcess...)

// The faults of a camera, besides the verdicts on its pictures.
const (
	notPublishing = "not-publishing" // camera_state says what it does instead
	silent        = "silent"
	untrusted     = "untrusted" // its worker fails on known frames
)

func allFaults(c *status.Camera) []string {
	return append([]string{notPublishing, silent, untrusted}, slices.Sorted(maps.Keys(c.Verdicts))...)
}

func faultsOf(c *status.Camera) (faults []string) {
	switch {
	case c.State != "publishing":
		return []string{notPublishing}
	case c.Reason == status.Silent:
		faults = append(faults, silent)
	}
	if c.KnownFrame != "" {
		faults = append(faults, untrusted)
	}
	return append(faults, strings.Split(c.Verdict, "+")...) // of which good is no fault
}

func ofAgent(name, kind, help string, write func(*writer, *status.Status), labels ...string) family {
	return family{"edge_agent_" + name, kind, help, labels, write}
}

func ofHTTP(name, kind, help string, value func(*status.HTTP) float64) family {
	return ofAgent(name, kind, help, func(w *writer, s *status.Status) {
		if s.HTTP != nil {
			w.sample(value(s.HTTP))
		}
	})
}

func ofCamera(name, kind, help string, write func(*writer, *status.Status, *status.Camera), labels ...string) family {
	return ofAgent(name, kind, help, func(w *writer, s *status.Status) {
		for i := range s.Cameras {
			write(w, s, &s.Cameras[i])
		}
	}, append([]string{"camera"}, labels...)...)
}

func ofOutput(name, kind, help string, write func(w *writer, o *status.Output, labels ...string)) family {
	return ofCamera(name, kind, help, func(w *writer, _ *status.Status, c *status.Camera) {
		for i := range c.Outputs {
			o := &c.Outputs[i]
			write(w, o, c.Name, o.Name, o.Kind)
		}
	}, "output", "kind")
}
