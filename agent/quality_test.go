package agent

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
)

// shot appends n frames, one each 100 ms, to those of a script.
func shot(list []scripted, n int, draw func(pixels []byte)) []scripted {
	for range n {
		i := len(list)
		list = append(list, scripted{sequence: uint64(i), at: time.Duration(i+1) * 100 * time.Millisecond, draw: draw})
	}
	return list
}

func black([]byte) {}

// room is a wall as a sensor sees it.
func room(pixels []byte) {
	for i := range pixels {
		pixels[i] = byte(100 + rand.N(8))
	}
}

func still(pixels []byte) {
	for i := range pixels {
		pixels[i] = byte(i)
	}
}

// told lists what the journal says of the pictures, as verdict@frame.
func told(t *testing.T, r *rigged, message string) string {
	t.Helper()
	var events []string
	for _, e := range r.log.entries(t, message) {
		events = append(events, fmt.Sprintf("%v@%v", e["verdict"], e["frame_seq"]))
	}
	return strings.Join(events, " ")
}

func TestBadPicturesAreToldOnceAndPublishedAllTheSame(t *testing.T) {
	for name, c := range map[string]struct {
		frames           []scripted
		begins, ends     string
		counts, lastSays string
	}{
		"a cap for 2 s": {shot(shot(shot(nil, 20, room), 20, black), 20, room),
			"black@30", "black@50", "map[black:20]", "good"},
		"a cap to the end": {shot(shot(nil, 20, room), 20, black),
			"black@30", "", "map[black:20]", "black"},
		"a light that is switched": {shot(shot(shot(nil, 20, room), 9, black), 20, room),
			"", "", "map[black:9]", "good"},
		"a frozen camera": {shot(shot(shot(nil, 20, room), 60, still), 20, room),
			"frozen@71", "frozen@90", "map[frozen:9]", "good"},
		"flicker": {shot(shot(shot(shot(nil, 20, black), 5, room), 5, black), 20, room),
			"black@10", "black@40", "map[black:25]", "good"},
	} {
		t.Run(name, func(t *testing.T) {
			r, cam, _ := play(t, config.Block, opening{frames: c.frames, end: io.EOF})
			if got := told(t, r, "picture is bad"); got != c.begins {
				t.Errorf("begins: %s, want %s", got, c.begins)
			}
			if got := told(t, r, "picture is no longer bad"); got != c.ends {
				t.Errorf("ends: %s, want %s", got, c.ends)
			}
			a := cam.ledger.Account()
			if a.Published != uint64(len(c.frames)) || fmt.Sprint(cam.quality.counted()) != c.counts {
				t.Errorf("%d frames: %+v, %v", len(c.frames), a, cam.quality.counted())
			}
			if cam.quality.lasting.String() != c.lastSays {
				t.Errorf("in the end: %v", cam.quality.lasting)
			}
			checkSummary(t, r, cam)
		})
	}
}

// The account has the counts.
func checkSummary(t *testing.T, r *rigged, c *camera) {
	t.Helper()
	account := r.log.entries(t, "accounting")[0]
	for name, n := range c.quality.counted() {
		if got := account["verdict_"+name]; got != float64(n) {
			t.Errorf("the account says %v %s, want %d", got, name, n)
		}
	}
}

// What was bad is good again when frames say so, not when a camera comes back.
func TestVerdictOutlivesTheStream(t *testing.T) {
	frames := shot(shot(nil, 20, black), 20, room)
	r, _, _ := play(t, config.Block,
		opening{frames: frames[:20], end: fmt.Errorf("unplugged")}, opening{frames: frames[20:], end: io.EOF})
	if b, e := told(t, r, "picture is bad"), told(t, r, "picture is no longer bad"); b != "black@10" || e != "black@30" {
		t.Errorf("begins %s, ends %s", b, e)
	}
}

func TestOldFramesAreStale(t *testing.T) {
	list := shot(nil, 30, room)
	for i := range list {
		// All are of 2 s before the test: its clock is an hour ahead.
		list[i].age = time.Hour + list[i].at + 2*time.Second
	}
	_, c, _ := play(t, config.Block, opening{frames: list, end: io.EOF})
	if got := fmt.Sprint(c.quality.counted()); got != "map[stale:30]" {
		t.Error(got)
	}
}

// A recording of one picture is what a frozen camera looks like, and how a user
// can try what the agent says of it.
func TestFrozenCameraIsToldToEveryone(t *testing.T) {
	r := start(t, `
cameras:
  front:
    device: {replay: ../testdata/jpeg/stream-160x120.mjpg, loop: true}
    mode: {rate: 100}
    outputs: {model: {size: 64x64}}
  still:
    device: {replay: ../testdata/jpeg/422.jpg, loop: true}
    mode: {rate: 100}
    quality: {frozen-after: 1s}
    outputs: {model: {size: 64x64}}
`)
	socket := filepath.Join(r.dir, "still/model.sock")
	r.until(t, "both cameras", func() bool { return len(r.list()) == 2 && r.Healthy() == nil })
	frames, err := reader.Dial(socket)
	if err != nil {
		t.Fatal(err)
	}
	defer frames.Close()
	limited, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for verdict := reader.Verdict(0); verdict != reader.Frozen; {
		f, err := frames.Next(limited)
		if err != nil {
			t.Fatal(err)
		}
		verdict = f.Verdict
	}
	r.until(t, "the state", func() bool { return r.list()[1].state.Load().Verdict == preproc.Frozen })
	if s := r.statusLine(); !regexp.MustCompile(`^front: publishing; still: publishing, frozen for [1-9]s$`).MatchString(s) {
		t.Errorf("STATUS=%s", s)
	}
	if err := r.Healthy(); err == nil || !strings.HasPrefix(err.Error(), "camera still: publishing, frozen for ") {
		t.Errorf("healthy: %v", err)
	}
	if err := r.monitor.Check(); err != nil {
		t.Errorf("a frozen camera must not stop the watchdog's pings: %v", err)
	}
	r.stop()
	r.finished(t)
}

func TestJudgingAFrameAllocatesNothing(t *testing.T) {
	q, at := newQuality(config.NewCamera("x", config.Device{Pattern: "bars"}).Quality), time.Duration(0)
	if n := testing.AllocsPerRun(100, func() {
		at += 10 * time.Millisecond
		v, _ := q.frame(preproc.Measure{LumaHigh: float32(at.Milliseconds() % 30)}, at, 0)
		q.count(v)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
