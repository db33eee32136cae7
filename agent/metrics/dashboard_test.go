package metrics

import (
	"encoding/json"
	"os"
	"testing"
)

// A panel is what of grafana.json a test looks at.
type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ H, W, X, Y int }
	Targets []struct{ Expr string }
}

func dashboard(t *testing.T) (panels []panel) {
	t.Helper()
	text, err := os.ReadFile("grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		UID    string
		Panels []panel
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	if all.UID != "edge-agent" || len(all.Panels) < 20 {
		t.Fatalf("%s has %d panels", all.UID, len(all.Panels))
	}
	return all.Panels
}

// Each panel has a place of its own, and asks for what there is. That each query
// has an answer is tried on a real agent: make prometheus.
func TestDashboardIsWhole(t *testing.T) {
	ids, taken := map[int]bool{}, map[[2]int]string{}
	for _, p := range dashboard(t) {
		if ids[p.ID] {
			t.Errorf("%s has the ID of another panel", p.Title)
		}
		ids[p.ID] = true
		at := p.GridPos
		if at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > 24 {
			t.Errorf("%s lies at %+v", p.Title, at)
		}
		for x := at.X; x < at.X+at.W; x++ {
			for y := at.Y; y < at.Y+at.H; y++ {
				if other := taken[[2]int{x, y}]; other != "" {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
		if (p.Type == "row") != (len(p.Targets) == 0) {
			t.Errorf("%s: %d queries", p.Title, len(p.Targets))
		}
		for _, target := range p.Targets {
			for _, name := range named(target.Expr) {
				if !exists(name) {
					t.Errorf("%s asks for %s", p.Title, name)
				}
			}
		}
	}
}
