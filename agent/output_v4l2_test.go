package agent

import (
	"context"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/ring/reader"
)

func TestAbsentVideoDeviceIsToldOnceAndCostsTheOtherKindsNothing(t *testing.T) {
	r := start(t, `cameras: {front: {device: {pattern: bars}, mode: {rate: 60}, outputs: {
  both: {size: 64x48, ring: {}, v4l2: {device: /dev/no-such-video}}}}}
`)
	r.until(t, "the entry", func() bool { return len(r.log.entries(t, "images cannot be written")) == 1 })
	frames, err := reader.Dial(config.SocketPath(r.dir, "front", "both"))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	for range 60 {
		if _, err := frames.Next(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	r.stop()
	r.finished(t)
	told := r.log.entries(t, "images cannot be written")
	if len(told) != 1 || !strings.Contains(told[0]["error"].(string), "/dev/no-such-video") {
		t.Errorf("%v", told)
	}
	if len(r.log.entries(t, "a video device gets images")) != 1 {
		t.Error("not told where images go")
	}
}
