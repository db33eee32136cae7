package config

import (
	"os"
	"regexp"
	"testing"
)

// What the documents show must be taken as it stands.
func TestDocumentsShowGoodConfigs(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(readme, -1)
	if len(blocks) == 0 {
		t.Error("the README shows no config")
	}
	for _, b := range blocks {
		if c, err := Parse("README.md", b[1]); err != nil || len(c.Warnings) > 0 {
			t.Errorf("%s\n%+v, %v", b[1], c, err)
		}
	}
	if c, err := Load("../../systemd/agent.yaml"); err != nil || len(c.Warnings) > 0 {
		t.Errorf("the packaged config: %+v, %v", c, err)
	}
}
