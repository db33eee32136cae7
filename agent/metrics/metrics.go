// Package metrics shows a status to Prometheus.
//
// What enters: a function that gives the agent's [status.Status]. What leaves: an
// [http.Handler] for /metrics, in the text format 0.0.4. It counts nothing itself:
// each scrape asks once for the status and writes it down, so that the two never
// disagree. Labels are of the config (camera, output) or of fixed lists (reason,
// stage, state, fault, rung, cause, verdict, kind, resource): the number of series
// is bounded by the config, and those of a camera end with it.
//
// The format is written here, and Prometheus' own library only checks it, in the
// tests. In the program it took 3.8 MB, and 1.3 MB of memory of the agent and of
// each worker, which are the same program: what it registers when a process starts.
// A scrape of 16 cameras took 3 ms with it. Lines go out as they are made: the
// text of such a scrape is 270 kB, with eight outputs a camera, which nobody holds.
//
// Histograms have classic buckets only, those that the agent counts in: native
// ones have no text format, and need protobuf. OpenMetrics is not offered: what it
// has beyond this format, exemplars and times of creation, nobody here has.
package metrics

import (
	"bufio"
	"maps"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/edge-agent/agent/agent/status"
)

// Handler serves what the agent and its process tell.
func Handler(now func() status.Status) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := now()
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		text := writer{Writer: bufio.NewWriter(w)}
		for i := range families {
			text.of, text.begun = &families[i], false
			text.of.write(&text, &s)
		}
		_ = text.Flush() // a client that is gone has nobody to tell
	})
}

// A family is what has one name: its samples differ in the values of labels.
type family struct {
	name, kind, help string
	labels           []string
	write            func(w *writer, s *status.Status)
}

// A writer writes one family after the other. Errors are those of the client, and
// the bufio.Writer remembers them.
type writer struct {
	*bufio.Writer
	of    *family
	begun bool // of has a sample
}

// sample writes a value, with the values of the family's labels.
func (w *writer) sample(v float64, values ...string) {
	w.name("", values)
	if len(values) > 0 {
		w.text("}")
	}
	w.value(v)
}

func (w *writer) count(v uint64, values ...string) { w.sample(float64(v), values...) }

// counts writes those of a camera by one more label.
func (w *writer) counts(by map[string]uint64, camera string) {
	for _, label := range slices.Sorted(maps.Keys(by)) {
		w.count(by[label], camera, label)
	}
}

func (w *writer) truth(b bool, values ...string) {
	if b {
		w.sample(1, values...)
		return
	}
	w.sample(0, values...)
}

// histogram is for families with labels.
func (w *writer) histogram(bounds []float64, h *status.Histogram, values ...string) {
	sum := uint64(0)
	for i, n := range h.Counts {
		sum += n
		bound := math.Inf(1)
		if i < len(bounds) {
			bound = bounds[i]
		}
		w.name("_bucket", values)
		w.text(`,le="`)
		w.number(bound)
		w.text(`"}`)
		w.value(float64(sum))
	}
	w.name("_sum", values)
	w.text("}")
	w.value(h.SumSeconds)
	w.name("_count", values)
	w.text("}")
	w.value(float64(sum))
}

// name begins a line, up to the last label; before the first one of a family, it
// says what that is.
func (w *writer) name(suffix string, values []string) {
	if !w.begun {
		w.begun = true
		w.text("# HELP ", w.of.name, " ", w.of.help, "\n# TYPE ", w.of.name, " ", w.of.kind, "\n")
	}
	w.text(w.of.name, suffix)
	for i, value := range values {
		w.text([]string{"{", ","}[min(i, 1)], w.of.labels[i], `="`)
		w.label(value)
		w.text(`"`)
	}
}

func (w *writer) label(value string) {
	if utf8.ValidString(value) && !strings.ContainsAny(value, "\\\n\"") {
		w.text(value)
		return
	}
	w.text(escape.Replace(strings.ToValidUTF8(value, "?")))
}

// value ends a line.
func (w *writer) value(v float64) {
	w.text(" ")
	w.number(v)
	w.text("\n")
}

func (w *writer) number(v float64) {
	_, _ = w.Write(strconv.AppendFloat(w.AvailableBuffer(), v, 'g', -1, 64))
}

func (w *writer) text(parts ...string) {
	for _, part := range parts {
		_, _ = w.WriteString(part)
	}
}

var escape = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
