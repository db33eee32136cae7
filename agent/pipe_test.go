package agent

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/output"
)

// rgbClip is a recording of n frames, each of which differs from the others.
func rgbClip(t *testing.T, width, height, n int) (path string, frames [][]byte) {
	t.Helper()
	var clip []byte
	for i := range n {
		frame := make([]byte, width*height*3)
		for at := 0; at < len(frame); at += 4 {
			binary.LittleEndian.PutUint32(frame[at:], uint32(i*0x9e3779b1)+uint32(at))
		}
		frames = append(frames, frame)
		clip = append(clip, frame...)
	}
	path = filepath.Join(t.TempDir(), "clip.raw")
	if err := os.WriteFile(path, clip, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, frames
}

// All frames of a recording reach the command, in order and to the bit.
// It is deaf to SIGTERM, which it may get on a busy machine before it had its say.
func TestCommandGetsEveryFrameOfARecording(t *testing.T) {
	const n = 1000
	clip, frames := rgbClip(t, 64, 48, n)
	r := start(t, fmt.Sprintf(`
cameras:
  front:
    device: {replay: %s, pace: fastest}
    mode: {format: RGB3, size: 64x48}
    queue: {policy: block}
    outputs:
      feed: {pipe: {command: [sh, -c, "trap '' TERM; cat > feed.raw; echo all of it >&2"], format: raw}}
`, clip))
	r.finished(t)
	got, err := os.ReadFile(filepath.Join(r.dir, "state", "feed.raw"))
	if err != nil || len(got) != n*len(frames[0]) {
		t.Fatalf("%d bytes, %v; want %d", len(got), err, n*len(frames[0]))
	}
	for i, frame := range frames {
		if a, b := sha256.Sum256(got[i*len(frame):][:len(frame)]), sha256.Sum256(frame); a != b {
			t.Fatalf("frame %d is another one: %x, want %x", i, a, b)
		}
	}
	said := r.log.entries(t, "command says")
	if len(said) != 1 || said[0]["line"] != "all of it" || said[0]["camera"] != "front" || said[0]["output"] != "feed" {
		t.Errorf("it said %v", said)
	}
	if a := r.list()[0].ledger.Account(); a.Published != n {
		t.Errorf("%+v", a)
	}
}

// A command that cannot be started is told of once; frames are published all
// the same, and the camera's other outputs get them.
func TestCommandThatFailsIsAStateOfItsOutput(t *testing.T) {
	r := start(t, `
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 64x48, rate: 100}
    outputs:
      feed: {pipe: {command: [no-such-program]}}
      model: {size: 32x32}
`)
	feed := func() (report output.Report) {
		for _, report := range r.list()[0].sinks[0].reports() {
			return report
		}
		return report
	}
	r.until(t, "the command failed", func() bool { return len(r.list()) > 0 && feed().Err != nil })
	published := r.publishedBy()
	r.until(t, "frames are published", func() bool { return r.publishedBy() >= published+50 })
	if report := feed(); report.Kind != "pipe" || report.Consumers != 0 || report.Missed < 40 || report.Delivered != 0 {
		t.Errorf("%+v", report)
	}
	r.stop()
	r.finished(t)
	if told := r.log.entries(t, "images cannot be written"); len(told) != 1 ||
		!strings.Contains(told[0]["error"].(string), `command no-such-program: exec: "no-such-program": executable file not found`) || told[0]["output"] != "feed" {
		t.Errorf("told: %v", told)
	}
	if bytes.Contains(bytes.ToLower([]byte(fmt.Sprint(r.log.entries(t, "frame dropped")))), []byte("output")) {
		t.Error("frames were dropped for it")
	}
}
