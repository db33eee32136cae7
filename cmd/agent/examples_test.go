package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every config among the examples is a good one, says agent check, and warns of nothing.
func TestExampleConfigsAreGood(t *testing.T) {
	files, err := filepath.Glob("../../systemd/examples/*.yaml")
	if err != nil || len(files) < 3 {
		t.Fatalf("examples: %q, %v", files, err)
	}
	installed, err := os.ReadFile("../../systemd/debian/edge-agent.examples")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		out, err := agentCommand("check", "--config", file).CombinedOutput()
		if err != nil || !strings.Contains(string(out), ": good; cameras: ") || strings.Contains(string(out), "warning") {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
		if path := strings.TrimPrefix(file, "../../"); !strings.Contains(string(installed), path+"\n") {
			t.Errorf("%s is not in the package", path)
		}
	}
}
