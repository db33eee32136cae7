package ring_test

import (
	"testing"

	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
)

// The reader stands alone, and has the agent's words all the same.
func TestReaderNamesVerdictsAsTheAgentDoes(t *testing.T) {
	for v := range preproc.Verdict(1 << preproc.Verdicts) {
		if got := reader.Verdict(v).String(); got != v.String() {
			t.Errorf("%d is %s, the agent says %s", uint32(v), got, v)
		}
	}
	for got, want := range map[reader.Verdict]preproc.Verdict{
		reader.Frozen: preproc.Frozen, reader.Black: preproc.Black, reader.BlownOut: preproc.BlownOut,
		reader.Blurred: preproc.Blurred, reader.Stale: preproc.Stale,
	} {
		if uint32(got) != uint32(want) {
			t.Errorf("%v is %d, the agent has %d", got, got, want)
		}
	}
	if s := (reader.Stale | 1<<30).String(); s != "stale+bit-30" {
		t.Errorf("a bit of a newer agent: %s", s)
	}
}
