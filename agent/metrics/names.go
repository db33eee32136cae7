package metrics

import "github.com/prometheus/client_golang/prometheus"

// all is every metric of the agent: what desc made.
var all []*prometheus.Desc

// desc names a metric. The names are an interface: dashboards and alerts have them.
func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("edge_agent_"+name, help, labels, nil)
	all = append(all, d)
	return d
}

var (
	buildInfo     = desc("build_info", "Always 1, with the version of the agent and of Go.", "version", "goversion")
	alive         = desc("alive", "Whether every stage makes progress, as the watchdog asks.")
	ready         = desc("ready", "Whether every camera publishes fresh and good frames.")
	healthy       = desc("healthy", "Whether it is alive and ready and the preprocessor gives right answers.")
	degraded      = desc("degraded", "Whether something works with less than the config asks for.")
	watchdogPings = desc("watchdog_pings_total", "Pings that systemd's watchdog got.")
	memory        = desc("memory_bytes", "Memory of the agent and its workers that counts towards the limit.")
	memoryLimit   = desc("memory_limit_bytes", "The limit of that memory, 0 for none.")
	threads       = desc("threads", "Threads of the agent and its workers.")
	temperature   = desc("temperature_celsius", "Temperature of the hottest zone of the device.")

	captured      = desc("frames_captured_total", "Frames that were read from the camera.", "camera")
	kernelLost    = desc("frames_kernel_lost_total", "Frames that the driver lost before they could be read, by its sequence numbers.", "camera")
	published     = desc("frames_published_total", "Frames of which an output at least took an image.", "camera")
	dropped       = desc("frames_dropped_total", "Frames that were captured and not published, by reason.", "camera", "reason")
	inFlight      = desc("frames_in_flight", "Frames that were captured and have not come to an end.", "camera")
	frameAge      = desc("frame_age_seconds", "Age of published frames: from the driver's time stamp to publication.", "camera")
	stageDuration = desc("stage_duration_seconds",
		"What a frame spends in a stage: capture (time stamp to dequeue), queue, preprocess, publish.", "camera", "stage")
	lastPublished = desc("last_published_timestamp_seconds", "When the newest frame was published, as Unix time.", "camera")
	queueLength   = desc("queue_length", "Frames that wait to be preprocessed.", "camera")
	queueCapacity = desc("queue_capacity", "How many may wait before the oldest is evicted.", "camera")

	cameraState    = desc("camera_state", "1 for the state that the camera is in, 0 for the others.", "camera", "state")
	cameraHealthy  = desc("camera_healthy", "Whether the camera publishes fresh and good frames.", "camera")
	fallback       = desc("camera_fallback", "The fallback mode that the camera runs in, 0 for the wanted mode.", "camera")
	recoveries     = desc("recoveries_total", "Remedies that were tried on a camera, by rung of the ladder.", "camera", "rung")
	verdicts       = desc("quality_verdicts_total", "Published frames with a verdict against them.", "camera", "verdict")
	workerRestarts = desc("worker_restarts_total", "Workers that had to be replaced, by cause.", "camera", "cause")
	workerMemory   = desc("worker_memory_bytes", "Memory of the camera's worker, shared memory included.", "camera")

	consumers = desc("consumers", "Programs that take images from an output now.", "camera", "output", "kind")
	delivered = desc("consumer_delivered_total", "Images that consumers of an output took.", "camera", "output", "kind")
	missed    = desc("consumer_missed_total", "Images that a consumer of an output did not get, since it was too slow or failed.", "camera", "output", "kind")
	failing   = desc("output_failing", "Whether nothing comes of images at the moment.", "camera", "output", "kind")
)
