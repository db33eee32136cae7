package metrics

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the metrics into the man page")

const (
	manPage      = "../../systemd/man/agent.8"
	beginMetrics = ".\\\" BEGIN METRICS: written by go test ./agent/metrics -run ManPage -update\n"
	endMetrics   = ".\\\" END METRICS\n"
)

// agent(8) has every metric with its type, labels and meaning, no more, no less.
func TestManPageHasEveryMetric(t *testing.T) {
	page, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), beginMetrics)
	got, tail, ok2 := strings.Cut(rest, endMetrics)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the metrics", manPage)
	}
	var want strings.Builder
	for i := range families {
		f := &families[i]
		want.WriteString(".TP\n.BR " + f.name)
		if len(f.labels) > 0 {
			want.WriteString(` " { ` + strings.Join(f.labels, ", ") + ` }"`)
		}
		want.WriteString("\n" + strings.ToUpper(f.kind[:1]) + f.kind[1:] + ". " + f.help + "\n")
	}
	if *update {
		if err := os.WriteFile(manPage, []byte(head+beginMetrics+want.String()+endMetrics+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want.String() {
		t.Errorf("%s does not have the metrics as they are; run: go test ./agent/metrics -run ManPage -update", manPage)
	}
}
