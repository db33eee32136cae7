//go:build gstreamer

package ring_test

import (
	"hash/crc32"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output/gst"
	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/preproc"
)

// Of one picture that is written to a ring and for GStreamer, stock
// gst-launch-1.0, Go, Python and C read the same, a thousand times.
func TestStockGStreamerReadsWhatTheReadersRead(t *testing.T) {
	spec := preproc.Spec{Name: "model", Width: 64, Height: 32}
	r, path := open(t, func(c *ring.Config) { c.Spec = spec })
	socket := filepath.Join(t.TempDir(), "g")
	s, err := gst.New(gst.Config{Socket: socket, Camera: "front", Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	readers := languages(t, path)
	consumersAre(t, r, len(readers))
	line := strings.Replace(gst.Pipeline(socket, &spec, 64, 32, 30), "...", "fdsink fd=1 sync=false", 1)
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
	defer launch.Wait()
	defer launch.Process.Kill()
	eventually(t, "GStreamer is connected", func() bool { return s.Stats().Clients == 1 })
	got := make([]byte, 64*32*3)
	for sequence := range uint64(1000) {
		want := random(t, r, &spec, sequence)
		newest, err := readers["Go"].(*goReader).in.Newest()
		if err != nil {
			t.Fatal(err)
		}
		img := &preproc.Image{Spec: &spec, Width: 64, Height: 32, Data: newest.Data, Sequence: sequence}
		if err := s.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		sameFrame(t, readers, want)
		if _, err := io.ReadFull(out, got); err != nil {
			t.Fatalf("frame %d: %v; it says: %s", sequence, err, said.String())
		}
		if crc := crc32.ChecksumIEEE(got); crc != want.CRC {
			t.Fatalf("frame %d has CRC %#x for GStreamer, and %#x for the others", sequence, crc, want.CRC)
		}
	}
	if st := s.Stats(); st.Sent != 1000 || st.Missed != 0 {
		t.Errorf("%+v", st)
	}
}
