package metrics

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// A rule is an alert as alerts.yml has it.
type rule struct {
	Alert, Expr string
	For         string
	Labels      struct{ Severity string }
	Annotations struct{ Summary, Description, Runbook string }
}

func rules(t *testing.T) []rule {
	t.Helper()
	text, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []rule
		}
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("%+v", file)
	}
	return file.Groups[0].Rules
}

// Whoever is woken by an alert finds in agent(8) what to do.
func TestEveryAlertHasItsRunbook(t *testing.T) {
	page, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(page), "\n.SH ALERTS\n")
	section, _, _ = strings.Cut(section, "\n.SH ")
	var told []string
	for _, entry := range strings.Split(section, "\n.TP\n.B ")[1:] {
		name, text, _ := strings.Cut(entry, "\n")
		if told = append(told, name); len(text) < 80 {
			t.Errorf("agent(8) says hardly anything of %s", name)
		}
	}
	var alerts []string
	for _, r := range rules(t) {
		alerts = append(alerts, r.Alert)
		if !strings.HasPrefix(r.Alert, "EdgeAgent") || !slices.Contains([]string{"critical", "warning"}, r.Labels.Severity) {
			t.Errorf("%s: severity %q", r.Alert, r.Labels.Severity)
		}
		if a := r.Annotations; a.Summary == "" || a.Description == "" || a.Runbook != "man 8 agent: ALERTS, "+r.Alert {
			t.Errorf("%s: %+v", r.Alert, a)
		}
	}
	if !slices.Equal(told, alerts) {
		t.Errorf("agent(8) has %v,\nalerts.yml %v", told, alerts)
	}
}

// named are the metrics that a query has.
func named(query string) []string {
	return regexp.MustCompile(`\b(edge_agent|process|go)_[a-z_]+\b`).FindAllString(query, -1)
}

// exists says that we have a metric of that name, or a series of a histogram.
func exists(name string) bool {
	return slices.ContainsFunc(families, func(f family) bool {
		return f.name == name ||
			f.kind == "histogram" && slices.Contains([]string{f.name + "_bucket", f.name + "_sum", f.name + "_count"}, name)
	})
}

func TestAlertsAskForMetricsThatThereAre(t *testing.T) {
	for _, r := range rules(t) {
		names := named(r.Expr)
		if len(names) == 0 && r.Alert != "EdgeAgentDown" {
			t.Errorf("%s asks for nothing of ours", r.Alert)
		}
		for _, name := range names {
			if !exists(name) {
				t.Errorf("%s asks for %s", r.Alert, name)
			}
		}
	}
}
