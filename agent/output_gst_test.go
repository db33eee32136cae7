//go:build gstreamer

package agent

import (
	"context"
	"crypto/sha256"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// The pipeline that the journal shows, in stock gst-launch-1.0, reads a thousand
// frames, each of which a consumer of the ring gets as well, in the same order.
func TestStockGStreamerGetsTheFramesOfTheRing(t *testing.T) {
	const width, height, count = 320, 240, 1000
	r := start(t, `cameras: {front: {device: {pattern: bars}, mode: {size: 320x240, rate: 60}, outputs: {
  video: {size: 320x240, ring: {slots: 64}, gst-shm: {}}}}}
`)
	r.until(t, "the output is open", func() bool { return len(r.log.entries(t, "GStreamer may connect")) == 1 })
	frames, err := reader.Dial(config.SocketPath(r.dir, "front", "video"))
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var ring [][sha256.Size]byte
	var reading sync.WaitGroup
	reading.Go(func() {
		for {
			f, err := frames.Next(ctx)
			if err != nil {
				return
			}
			if sum := sha256.Sum256(f.Data); f.Valid() {
				ring = append(ring, sum)
			}
		}
	})
	line := r.log.entries(t, "GStreamer may connect")[0]["pipeline"].(string)
	line = strings.Replace(line, "...", "fdsink fd=1 sync=false", 1)
	launch := exec.Command("gst-launch-1.0", append([]string{"-q"}, strings.Fields(line)...)...)
	var said strings.Builder
	launch.Stderr = &said
	out, err := launch.StdoutPipe()
	if err == nil {
		err = launch.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var pipeline [][sha256.Size]byte
	image := make([]byte, width*height*3)
	for range count {
		if _, err := io.ReadFull(out, image); err != nil {
			t.Fatalf("%v; it says: %s", err, said.String())
		}
		pipeline = append(pipeline, sha256.Sum256(image))
	}
	launch.Process.Kill()
	launch.Wait()
	time.AfterFunc(100*time.Millisecond, cancel)
	reading.Wait()
	missing, at := 0, 0
	distinct := map[[sha256.Size]byte]bool{}
	for _, sum := range pipeline {
		distinct[sum] = true
		found := at
		for found < len(ring) && ring[found] != sum {
			found++
		}
		if found == len(ring) {
			missing++ // the consumer of the ring was late, which takes the newest
			continue
		}
		at = found + 1
	}
	t.Logf("%d frames by GStreamer, %d of them distinct, %d by the ring, %d of the former not in the latter", len(pipeline), len(distinct), len(ring), missing)
	if missing > count/100 || len(distinct) < count/2 {
		t.Errorf("%d of %d frames are not those of the ring", missing, count)
	}
	r.stop()
	r.finished(t)
}
