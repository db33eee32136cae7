package agent

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/systemd"
)

func proving(t *testing.T, camera string) *rigged {
	t.Helper()
	return start(t, fmt.Sprintf(`
cameras:
  %s:
    device: {replay: ../testdata/jpeg/422-720p.jpg, loop: true}
    mode: {rate: 50}
    outputs: {model: {size: 320x320}, preview: {encode: jpeg, size: 160x90, every: 1h}}
`, camera))
}

// The worker that a camera's frames go through is asked for a known answer. One
// that is wrong is replaced; the fresh one passes, and all is well.
func TestWorkerThatComputesWronglyIsReplacedByOneThatDoesNot(t *testing.T) {
	camera := fmt.Sprintf("first-%d", os.Getpid())
	t.Cleanup(func() { os.Remove(filepath.Join(os.TempDir(), camera)) })
	r := proving(t, camera)
	r.until(t, "failed and passed", func() bool { return len(r.log.entries(t, "worker passes known frames again")) == 1 })
	failed, replaced := r.log.entries(t, "worker fails on a known frame"), r.log.entries(t, "worker replaced")
	const cause = `known-answer frame: output "model" is not as it should be`
	if len(failed) != 1 || failed[0]["message_id"] != systemd.MessageSelfTestFailed || failed[0]["camera"] != camera || failed[0]["error"] != cause {
		t.Errorf("told: %v", failed)
	}
	if len(replaced) != 1 || replaced[0]["error"] != cause || replaced[0]["frame_seq"] != nil {
		t.Errorf("told: %v", replaced)
	}
	r.until(t, "healthy", func() bool { return r.Healthy() == nil }) // a moment after it was told
	r.stop()
	r.finished(t)
}

// While no worker of a camera passes, it is unhealthy; it goes on to publish.
func TestCameraIsUnhealthyUntilItsWorkerPasses(t *testing.T) {
	r := proving(t, "wrong-1")
	c := r.list()
	r.until(t, "started", func() bool { c = r.list(); return len(c) == 1 })
	r.until(t, "replaced", func() bool { return c[0].ledger.replaced.Load() >= 3 })
	published := c[0].ledger.published.Load()
	r.until(t, "publishing", func() bool { return c[0].ledger.published.Load() > published })
	if err := r.Healthy(); err == nil || !strings.Contains(err.Error(), "wrong-1: publishing, not to be trusted (known-answer frame: ") {
		t.Errorf("healthy: %v", err)
	}
	if s := r.statusLine(); !strings.Contains(s, "not to be trusted") {
		t.Errorf("STATUS=%s", s)
	}
	r.stop()
	r.finished(t)
	if told := r.log.entries(t, "worker fails on a known frame"); len(told) != 1 {
		t.Errorf("told: %v", told)
	}
}

// A worker that is right passes, and nobody hears of it.
func TestRightAnswersAreNoNews(t *testing.T) {
	r := proving(t, "front")
	r.until(t, "publishing", func() bool { return r.publishedBy() > 50 })
	r.stop()
	r.finished(t)
	p := &r.list()[0].prover
	if p.known == nil || p.wrong != nil || p.next.IsZero() {
		t.Errorf("not proved: %+v", p)
	}
	if n := r.list()[0].ledger.replaced.Load(); n != 0 || len(r.log.entries(t, "worker fails on a known frame")) != 0 {
		t.Errorf("%d replaced", n)
	}
}

// Cameras that start together do not learn together: each takes a process.
func TestOneLearnsAtATime(t *testing.T) {
	desk <- struct{}{}
	held := true
	leave := func() {
		if held {
			held = false
			<-desk
		}
	}
	defer leave()
	r := proving(t, "front")
	r.until(t, "publishing", func() bool { return r.publishedBy() > 20 })
	if children := strings.Fields(childrenOf(t)); len(children) != 1 {
		t.Errorf("there are %d processes, want the camera's worker", len(children))
	}
	leave()
	published := r.publishedBy()
	r.until(t, "learnt", func() bool { return r.publishedBy() > published+30 })
	r.stop()
	r.finished(t)
	if r.list()[0].prover.known == nil {
		t.Error("not learnt when it could be")
	}
}
