package ring_test

import (
	"testing"

	"github.com/edge-agent/agent/agent/output/ring"
	"golang.org/x/sys/unix"
)

func TestSocketOfALiveAgentIsNotTaken(t *testing.T) {
	first, path := open(t, nil)
	if _, err := ring.New(ring.Config{Socket: path, Camera: "front", Spec: pixels}); err == nil {
		t.Fatal("a second ring serves the same socket")
	}
	consumersAre(t, first, 0) // the probe came and went
	fd := knock(t, path)
	defer unix.Close(fd)
	consumersAre(t, first, 1)
}
