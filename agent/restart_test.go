package agent

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/capture/replay"
)

const service = `
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x240, rate: 200, format: NV12}
    outputs:
      model: {size: 320x240, color: gray, layout: hwc, dtype: uint8}
      view: {color: gray, layout: hwc, dtype: uint8}
`

// A follower reads a ring and does not connect again by itself.
type follower struct {
	t    *testing.T
	in   *reader.Reader
	last reader.Frame
}

// follow waits for the socket as well.
func follow(t *testing.T, path string) *follower {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); ; {
		in, err := (&reader.Dialer{NoReconnect: true}).Dial(path)
		if err == nil {
			t.Cleanup(func() { in.Close() })
			return &follower{t: t, in: in}
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
}

// read takes n frames, each of which must be later than the one before and show
// the number that it has.
func (f *follower) read(n int) {
	f.t.Helper()
	for range n {
		frame, err := f.in.Next(f.t.Context())
		if err != nil {
			f.t.Fatal(err)
		}
		number, ok := replay.ReadFrameNumber(func(x, y int) byte { return frame.Data[y*320+x] }, 320, 240)
		if !frame.Valid() {
			continue
		}
		if !ok || uint64(number)%1024 != frame.Sequence%1024 {
			f.t.Fatalf("the picture says %d (%v), the message %d", number, ok, frame.Sequence)
		}
		if frame.Sequence <= f.last.Sequence || frame.Timestamp <= f.last.Timestamp {
			f.t.Fatalf("frame %d of %v after %d of %v", frame.Sequence, frame.Timestamp, f.last.Sequence, f.last.Timestamp)
		}
		f.last = reader.Frame{Sequence: frame.Sequence, Timestamp: frame.Timestamp}
	}
}

func (f *follower) ended() {
	f.t.Helper()
	for {
		if _, err := f.in.Next(f.t.Context()); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
				f.t.Error(err)
			}
			return
		}
	}
}

// However often the agent is killed, and whatever it is at.
func TestConsumersDoNotNoticeThatTheAgentIsKilled(t *testing.T) {
	m := newManager(t)
	m.start(service)
	fixed, following := follow(t, m.dir+"/front/model.sock"), follow(t, m.dir+"/front/view.sock")
	m.awaitKept("front/model", 2)
	m.awaitKept("front/view", 2)
	for range 10 {
		fixed.read(5 + rand.IntN(20))
		following.read(3)
		m.kill()
		m.start(service)
	}
	fixed.read(20)
	following.read(20)
	late := follow(t, m.dir+"/front/model.sock")
	m.awaitKept("front/model", 3) // the memory and two consumers
	m.end(syscall.SIGTERM)
	m.start(service)
	late.read(5)
	fixed.read(5)
	m.awaitKept("front/model", 3)
}

// What changes ends for those who know it otherwise, and only for them.
func TestConsumersOfAChangedOutputAreHungUpOn(t *testing.T) {
	m := newManager(t)
	m.start(service)
	changed, same := follow(t, m.dir+"/front/view.sock"), follow(t, m.dir+"/front/model.sock")
	changed.read(5)
	same.read(5)
	m.awaitKept("front/model", 2)
	m.awaitKept("front/view", 2)
	m.kill()
	m.start(service[:len(service)-len("color: gray, layout: hwc, dtype: uint8}\n")] + "color: rgb}\n")
	changed.ended()
	same.read(5)
	again := follow(t, m.dir+"/front/view.sock")
	if d := again.in.Description(); d.Color != "rgb" {
		t.Errorf("%+v", d)
	}
	m.awaitKept("front/view", 2) // the new memory and its consumer
}

// Whoever starts the agent by hand beside the service changes nothing for it.
func TestSecondAgentIsRefused(t *testing.T) {
	m := newManager(t)
	m.start(service)
	consumer := follow(t, m.dir+"/front/model.sock")
	consumer.read(3)
	second := exec.Command(os.Args[0])
	second.Env = append(os.Environ(), serviceVar+"="+m.dir, configVar+"="+service)
	out, err := second.CombinedOutput()
	if want := fmt.Sprintf("another agent, process %d, works in %s", m.process.Process.Pid, m.dir); err == nil || !bytes.Contains(out, []byte(want)) {
		t.Errorf("%v, %s\nwant %s", err, out, want)
	}
	consumer.read(20)
}

// Files are whole or not there, and what was half written is gone, however often
// the process is killed over it.
func TestKilledAgentLeavesNoHalfFile(t *testing.T) {
	m := newManager(t)
	// Written at once, a picture takes some time.
	yaml := service + "      archive: {size: 1280x960, color: gray, files: {dir: archive, keep: 1GiB}}\n"
	archive := filepath.Join(m.dir, "state", "archive")
	half := 0
	for range 10 {
		left, err := filepath.Glob(archive + "/.tmp-*")
		if err != nil {
			t.Fatal(err)
		}
		half += len(left)
		m.start(yaml)
		follow(t, m.dir+"/front/model.sock").read(5 + rand.IntN(10))
		for _, name := range left {
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%s is still there", name)
			}
		}
		m.kill()
	}
	whole, err := filepath.Glob(archive + "/front-archive-*.npy")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range whole {
		if info, err := os.Stat(name); err != nil || info.Size() != 128+1280*960 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	t.Logf("%d files, %d were left half written by 10 kills", len(whole), half)
}
