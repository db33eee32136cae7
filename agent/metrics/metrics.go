// Package metrics shows a status to Prometheus.
//
// What enters: a function that gives the agent's [status.Status]. What leaves: an
// [http.Handler] for /metrics. It counts nothing itself: each scrape asks once for
// the status and makes metrics of it, so that the two never disagree. Labels are
// of the config (camera, output) or of fixed lists (reason, stage, state, rung,
// cause, verdict, kind): the number of series is bounded by the config.
//
// Histograms have classic buckets only. Native ones exist in the protobuf format
// alone, and the buckets here are exact, since they are those that the agent
// counts in.
package metrics

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/edge-agent/agent/agent/status"
)

// scrapes is how many may be under way, and scrapeLimit how long one may take.
const (
	scrapes     = 4
	scrapeLimit = 5 * time.Second
)

// Handler serves what the agent and its process tell, in Prometheus' formats.
func Handler(now func() status.Status) http.Handler {
	return promhttp.HandlerFor(registry(now), promhttp.HandlerOpts{MaxRequestsInFlight: scrapes, Timeout: scrapeLimit})
}

func registry(now func() status.Status) *prometheus.Registry {
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(collector{now},
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector())
	return r
}

// A collector makes metrics of a status.
type collector struct{ now func() status.Status }

// Describe implements [prometheus.Collector].
func (collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range all {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c collector) Collect(out chan<- prometheus.Metric) {
	s := c.now()
	gauge(out, buildInfo, 1, s.Version, runtime.Version())
	gauge(out, alive, truth(s.Alive))
	gauge(out, ready, truth(s.Ready))
	gauge(out, healthy, truth(s.Healthy))
	gauge(out, degraded, truth(s.Degraded))
	counter(out, watchdogPings, s.Resources.WatchdogPings)
	gauge(out, memory, float64(s.Resources.MemoryBytes))
	gauge(out, memoryLimit, float64(s.Resources.MemoryLimitBytes))
	gauge(out, threads, float64(s.Resources.Threads))
	if t := s.Resources.TemperatureCelsius; t != nil {
		gauge(out, temperature, *t)
	}
	for i := range s.Cameras {
		collectCamera(out, &s, &s.Cameras[i])
	}
}

func collectCamera(out chan<- prometheus.Metric, s *status.Status, c *status.Camera) {
	counter(out, captured, c.Captured, c.Name)
	counter(out, kernelLost, c.KernelLost, c.Name)
	counter(out, published, c.Published, c.Name)
	gauge(out, inFlight, float64(c.InFlight), c.Name)
	counters(out, dropped, c.Dropped, c.Name)
	gauge(out, queueLength, float64(c.Queue.Length), c.Name)
	gauge(out, queueCapacity, float64(c.Queue.Capacity), c.Name)
	histogram(out, frameAge, s.BoundsSeconds, &c.Age.Histogram, c.Name)
	for i := range c.Stages {
		histogram(out, stageDuration, s.BoundsSeconds, &c.Stages[i].Histogram, c.Name, c.Stages[i].Name)
	}
	for _, state := range status.States {
		gauge(out, cameraState, truth(c.State == state), c.Name, state)
	}
	gauge(out, cameraHealthy, truth(c.Healthy), c.Name)
	gauge(out, fallback, float64(c.Fallback), c.Name)
	if ago := c.LastPublished; ago != nil {
		gauge(out, lastPublished, float64(s.Time.UnixMilli())/1000-*ago, c.Name)
	}
	counters(out, recoveries, c.Recoveries, c.Name)
	counters(out, verdicts, c.Verdicts, c.Name)
	if w := c.Worker; w != nil {
		counters(out, workerRestarts, w.Replaced, c.Name)
		gauge(out, workerMemory, float64(w.MemoryBytes), c.Name)
	}
	for i := range c.Outputs {
		o := &c.Outputs[i]
		gauge(out, consumers, float64(o.Consumers), c.Name, o.Name, o.Kind)
		counter(out, delivered, o.Delivered, c.Name, o.Name, o.Kind)
		counter(out, missed, o.Missed, c.Name, o.Name, o.Kind)
		gauge(out, failing, truth(o.Error != ""), c.Name, o.Name, o.Kind)
	}
}

func gauge(out chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func counter(out chan<- prometheus.Metric, d *prometheus.Desc, v uint64, labels ...string) {
	out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}

// counters are those of a camera by one more label.
func counters(out chan<- prometheus.Metric, d *prometheus.Desc, by map[string]uint64, camera string) {
	for label, v := range by {
		counter(out, d, v, camera, label)
	}
}

func histogram(out chan<- prometheus.Metric, d *prometheus.Desc, bounds []float64, h *status.Histogram, labels ...string) {
	cumulative, sum := make(map[float64]uint64, len(bounds)), uint64(0)
	for i, bound := range bounds {
		sum += h.Counts[i]
		cumulative[bound] = sum
	}
	out <- prometheus.MustNewConstHistogram(d, h.Count, h.SumSeconds, cumulative, labels...)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
