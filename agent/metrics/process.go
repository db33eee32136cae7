package metrics

import (
	"fmt"
	"os"
	"runtime"
	"runtime/metrics"
	"syscall"

	"github.com/edge-agent/agent/agent/status"
)

// ofProcess are metrics of the process and of Go under the names that Prometheus'
// own collectors give them, so that the usual dashboards show them.
var ofProcess = []family{
	{"process_cpu_seconds_total", "counter", "User and system time of the agent, without its workers.", nil,
		func(w *writer, _ *status.Status) {
			var u syscall.Rusage
			if syscall.Getrusage(syscall.RUSAGE_SELF, &u) == nil {
				w.sample(float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9)
			}
		}},
	{"process_resident_memory_bytes", "gauge", "Resident memory of the agent, mapped files included.", nil,
		func(w *writer, _ *status.Status) {
			if _, resident, ok := pages(); ok {
				w.sample(resident)
			}
		}},
	{"process_virtual_memory_bytes", "gauge", "Virtual memory of the agent.", nil,
		func(w *writer, _ *status.Status) {
			if virtual, _, ok := pages(); ok {
				w.sample(virtual)
			}
		}},
	{"process_open_fds", "gauge", "Descriptors that the agent has open.", nil,
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.Descriptors)) }},
	{"process_max_fds", "gauge", "Descriptors that it may have open.", nil,
		func(w *writer, s *status.Status) { w.sample(float64(s.Resources.DescriptorsLimit)) }},
	{"process_start_time_seconds", "gauge", "When the agent started, as Unix time.", nil,
		func(w *writer, s *status.Status) { w.sample(float64(s.Started.UnixMilli()) / 1000) }},
	{"go_info", "gauge", "Always 1, with the version of Go.", []string{"version"},
		func(w *writer, _ *status.Status) { w.sample(1, runtime.Version()) }},
	ofGo("go_goroutines", "gauge", "Goroutines that there are.", "/sched/goroutines:goroutines"),
	ofGo("go_memstats_heap_alloc_bytes", "gauge", "Memory of objects on Go's heap.", "/memory/classes/heap/objects:bytes"),
	ofGo("go_memstats_sys_bytes", "gauge", "Memory that Go has from the system.", "/memory/classes/total:bytes"),
	ofGo("go_memstats_next_gc_bytes", "gauge", "Size of the heap at which the next collection ends.", "/gc/heap/goal:bytes"),
	ofGo("go_memstats_alloc_bytes_total", "counter", "Memory that was allocated on Go's heap, in all.", "/gc/heap/allocs:bytes"),
	ofGo("go_gc_cycles_total", "counter", "Collections that were completed.", "/gc/cycles/total:gc-cycles"),
}

func ofGo(name, kind, help, of string) family {
	return family{name, kind, help, nil, func(w *writer, _ *status.Status) {
		sample := []metrics.Sample{{Name: of}}
		if metrics.Read(sample); sample[0].Value.Kind() == metrics.KindUint64 {
			w.count(sample[0].Value.Uint64())
		}
	}}
}

// pages reads the sizes of the process, in bytes.
func pages() (virtual, resident float64, ok bool) {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, false
	}
	_, err = fmt.Sscan(string(text), &virtual, &resident)
	page := float64(os.Getpagesize())
	return virtual * page, resident * page, err == nil
}
