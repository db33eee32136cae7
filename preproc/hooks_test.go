//go:build !testhooks

package preproc

import (
	"testing"

	"github.com/edge-agent/agent/capture"
)

// Only builds with the tag testhooks can be told to hang or crash.
func TestNothingMakesTheProductHangOrCrash(t *testing.T) {
	f := newFrame(capture.GREY, 8, 8, 0, noise())
	t.Setenv("AGENT_TEST_HANG_SEQUENCE", "7")
	t.Setenv("AGENT_TEST_CRASH_SEQUENCE", "7")
	if f.Sequence != 7 {
		t.Fatalf("sequence is %d", f.Sequence)
	}
	process(t, f, View{}, Spec{})
}
