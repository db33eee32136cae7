package agent

import (
	"bytes"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring/reader"
)

// Many reloads, while frames flow and consumers come and go, leave nothing behind.
func TestReloadStormLeavesNothing(t *testing.T) {
	r := startReloadable(t, trio)
	r.until(t, "publishing", func() bool { return r.camera("front").ledger.published.Load() > 0 })
	left := r.tail("left/model.sock")
	turn := func(n int) {
		for range n {
			r.edit("outputs:\n", "quality: {blur-below: 3}\n    outputs:\n")
			r.edit("  right:\n", "  rear:\n")
			passing, err := (&reader.Dialer{NoReconnect: true}).Dial(filepath.Join(r.dir, "front/model.sock"))
			if err != nil {
				t.Fatal(err)
			}
			r.edit("mode: {rate: 50}\n    queue: {policy: block}\n    quality: {blur-below: 3}\n", "mode: {rate: 40}\n    queue: {policy: block}\n")
			r.edit("mode: {rate: 40}", "mode: {rate: 50}")
			r.edit("  rear:\n", "  right:\n")
			passing.Close()
		}
	}
	heap := func() int64 {
		r.log.mu.Lock()
		r.log.buf = bytes.Buffer{}
		r.log.mu.Unlock()
		runtime.GC()
		runtime.GC() // what was kept for one more
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	turn(3)
	r.settle() // with the worker of the camera that came last
	before := heap()
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	defer func() {
		if t.Failed() {
			t.Logf("%d goroutines after %d, %d descriptors after %d", runtime.NumGoroutine(), goroutines, openFiles(t), files)
		}
	}()
	turn(20)
	r.settle()
	// What a passing consumer had is dropped by the ring's own goroutine.
	r.until(t, "as many goroutines and descriptors as before", func() bool { return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files })
	grown := int64(0)
	r.until(t, "as little memory as before", func() bool { // what is being learnt of a format, 2 MB, is soon over
		grown = heap() - before
		return grown < 1<<20
	})
	t.Logf("100 reloads: the heap grew by %d bytes", grown)
	r.more(left, 3)
	if n := left.gaps(t); n != 0 {
		t.Errorf("%d gaps", n)
	}
	r.stop()
	r.finished(t)
}
