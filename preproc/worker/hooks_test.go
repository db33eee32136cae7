//go:build testhooks

package worker

import (
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// The C++ room itself misbehaves.
func TestNativeFaultCostsItsFrameOnly(t *testing.T) {
	for _, test := range []struct {
		hook   string
		reason preproc.Reason
		cause  string
	}{
		{"CRASH", preproc.ReasonCrashed, "SIGSEGV: segmentation violation"},
		{"ABORT", preproc.ReasonCrashed, "SIGABRT: abort"},
		{"HANG", preproc.ReasonTimedOut, "no answer within 100ms"},
		{"LOOP", preproc.ReasonTimedOut, "no answer within 100ms"},
		{"MEMORY", preproc.ReasonFailed, "out of memory"},
	} {
		t.Run(test.hook, func(t *testing.T) {
			if test.hook == "MEMORY" && !limited {
				return // the budget is off where programs are instrumented
			}
			t.Setenv("AGENT_TEST_"+test.hook+"_SEQUENCE", "3")
			r := open(t, "good", func(c *Config) {
				if test.reason == preproc.ReasonTimedOut {
					c.Deadline = 100 * time.Millisecond
				}
			})
			r.good(t, 2)
			if e := r.bad(t, 3, test.reason); !strings.Contains(e.Detail, test.cause) {
				t.Errorf("%q does not say %q", e.Detail, test.cause)
			}
			r.good(t, 4)
			if len(r.gone) != 1 {
				t.Errorf("told of %+v", r.gone)
			}
		})
	}
}

// The C++ room itself computes wrongly, until it is a fresh one.
func TestNativeMistakeIsFoundByTheKnownFrame(t *testing.T) {
	t.Setenv("AGENT_TEST_WRONG_SEQUENCE", "3")
	r := open(t, "good", nil)
	k := r.learn(t, grey(1).Format)
	r.good(t, 2)
	if err := r.Verify(t.Context(), k, r.images); err != nil {
		t.Fatal(err)
	}
	r.good(t, 3)
	if err := r.Verify(t.Context(), k, r.images); err == nil {
		t.Error("passed")
	}
	if err := r.Verify(t.Context(), k, r.images); err != nil {
		t.Error(err)
	}
}
