package systemd_test

import (
	"testing"

	"github.com/edge-agent/agent/systemd/docs"
)

// It stands here and not in its room, so that who changes a man page hears of it at once.
func TestEveryCommandOfTheDocumentsIsRunSomewhere(t *testing.T) {
	faults, err := docs.Check("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults {
		t.Error(f)
	}
}
