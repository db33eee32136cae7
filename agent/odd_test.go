package agent

import (
	"io"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
)

// Of an output that keeps only what is odd, good frames are not due; every is
// the least time between two that are odd. The camera delivers all the while. (Two
// is what may wait for a disk.)
func TestOnlyOddFramesAreKept(t *testing.T) {
	cfg, err := config.Parse("test.yaml", []byte(`
cameras:
  front:
    device: {serial: X}
    queue: {policy: drop-oldest}
    outputs:
      odd: {encode: jpeg, every: 1s, files: {on: verdict, sidecar: true}}
`))
	if err != nil {
		t.Fatal(err)
	}
	cfg.Cameras[0].Queue.Policy = config.Block // each frame gets its turn
	var list []scripted
	for i := range 100 {
		s := scripted{sequence: uint64(i), at: time.Duration(1+i) * 100 * time.Millisecond}
		if i < 20 || i > 33 {
			s.draw = func(pixels []byte) {
				for at := range pixels {
					pixels[at] = byte(100 + (at*7+i)%50)
				}
			}
		}
		list = append(list, s)
	}
	s := &script{format: grey, openings: []opening{{end: io.EOF, frames: list}}}
	origins = func(config.Camera) (origin, error) { return s, nil }
	t.Cleanup(func() { origins = newOrigin })
	r := startConfig(t, cfg)
	r.finished(t)
	a := r.list()[0].ledger.Account()
	if a.Captured != 100 || a.Published != 2 || a.Dropped["not-due"] != 98 {
		t.Errorf("%+v", a)
	}
	var numbers []string
	files, err := filepath.Glob(filepath.Join(r.dir, "state", "front", "odd", "*.jpg"))
	for _, f := range files {
		numbers = append(numbers, f[len(f)-len("00000020.jpg"):])
	}
	if want := []string{"00000020.jpg", "00000030.jpg"}; err != nil || !slices.Equal(numbers, want) {
		t.Errorf("kept are %q, want %q", numbers, want)
	}
	if n := len(r.log.entries(t, "camera publishes")); n != 1 {
		t.Errorf("told %d times that it publishes", n)
	}
}
