package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/process"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

// entries are the files of a quarantine.
func entries(t *testing.T, stateDir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(stateDir, "quarantine", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// replayed runs files through the preprocessor of cam.
func replayed(t *testing.T, cam config.Camera, files ...string) []process.Result {
	t.Helper()
	var lines bytes.Buffer
	err := process.Run(t.Context(), process.Options{Camera: cam, Inputs: files, Out: t.TempDir(), Stdout: &lines})
	if err != nil {
		t.Fatal(err)
	}
	var results []process.Result
	for d := json.NewDecoder(&lines); d.More(); {
		var r process.Result
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		results = append(results, r)
	}
	return results
}

// badStills are JPEGs that a camera with the crop of ofStills does not publish,
// by what is wrong with them.
func badStills(t *testing.T) (good []byte, bad map[string][]byte) {
	t.Helper()
	still := func(name string) []byte {
		data, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	good = still("testdata/jpeg/422.jpg")
	damaged := slices.Clone(good)
	clear(damaged[len(damaged)/2 : len(damaged)-100])
	deep := slices.Clone(good)
	deep[bytes.Index(deep, []byte{0xff, 0xc0})+4] = 12 // bits a sample
	return good, map[string][]byte{
		"cut":     good[:len(good)/2], // the source sees this,
		"damaged": damaged,            // the decoder this,
		"small":   still("preproc/testdata/jpeg/422.jpg"),
		"deep":    deep,
		"empty":   nil,
	}
}

const ofStills = `
cameras:
  front:
    device: {replay: %s, pace: fastest}
    queue: {policy: block}
    preprocess: {crop: 300x200+0+0}
    outputs: {model: {size: 64x64}}
quarantine: {keep: %s}
`

// stillsAgent runs an agent over a good still and a bad one, to its end.
func stillsAgent(t *testing.T, good, bad []byte, keep string) *rigged {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string][]byte{"1.jpg": good, "2.jpg": bad} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := start(t, fmt.Sprintf(ofStills, dir, keep))
	r.finished(t)
	return r
}

// What the daemon found wrong is found again in the file that it kept.
func TestQuarantinedFrameIsRefusedAgainForTheSameReason(t *testing.T) {
	good, bad := badStills(t)
	for what, reason := range map[string]string{
		"cut": "corrupt", "damaged": "corrupt", "small": "geometry", "deep": "unsupported", "empty": "",
	} {
		r := stillsAgent(t, good, bad[what], "1MiB")
		files := entries(t, r.StateDir)
		if n := len(r.log.entries(t, "frame quarantined")); n != len(files) {
			t.Errorf("%s: %d entries, and %d events", what, len(files), n)
		}
		if reason == "" { // a frame without bytes is no evidence
			if len(files) != 0 {
				t.Errorf("%s: %q", what, files)
			}
			continue
		}
		results := replayed(t, r.list()[0].cfg, files...)
		if len(results) != 1 {
			t.Fatalf("%s: %d entries; %+v", what, len(results), r.list()[0].ledger.Account())
		}
		if g := results[0]; g.Quarantined != reason || g.Reason != reason || g.Verdict != "dropped" || g.Index != 0 {
			t.Errorf("%s: %+v, want %s", what, g, reason)
		}
	}
}

func TestOnlyFaultsOfTheBytesAreEvidence(t *testing.T) {
	r, c, _ := play(t, config.Block, opening{end: io.EOF, frames: []scripted{
		{sequence: 0},
		{sequence: 1, fault: capture.FaultErrorFlag},
		{sequence: 2, fault: capture.FaultShort},
		{sequence: 3, fault: capture.FaultCorrupt},
		{sequence: 4, fault: capture.FaultStale},
		{sequence: 5, cut: 100},
	}})
	files := entries(t, r.StateDir)
	if len(files) != 1 || !strings.HasSuffix(files[0], "-00000003-corrupt.frame") {
		t.Fatalf("%q", files)
	}
	if got := replayed(t, c.cfg, files...); len(got) != 1 || got[0].Reason != "corrupt" || got[0].Quarantined != "corrupt" {
		t.Errorf("%+v", got)
	}
}

func TestQuarantineOfNothingIsOff(t *testing.T) {
	good, bad := badStills(t)
	r := stillsAgent(t, good, bad["damaged"], "0")
	if a := r.list()[0].ledger.Account(); a.Dropped["corrupt"] == 0 || len(entries(t, r.StateDir)) != 0 {
		t.Errorf("%q of %+v", entries(t, r.StateDir), a)
	}
	if _, err := os.Stat(filepath.Join(r.RuntimeDir, ".in-flight")); !os.IsNotExist(err) {
		t.Errorf("records of frames in flight: %v", err)
	}
}

func TestStoppedAgentLeavesNoRecordInFlight(t *testing.T) {
	r := start(t, "isolation: none\ncameras: {front: {device: {pattern: bars}}}")
	r.until(t, "publishing", func() bool { return r.publishedBy() > 0 })
	flights := filepath.Join(r.RuntimeDir, ".in-flight")
	if info, err := os.Stat(flights); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	r.stop()
	r.finished(t)
	if list, err := os.ReadDir(flights); err != nil || len(list) != 0 {
		t.Errorf("left: %v, %v", list, err)
	}
}

// panics is a preprocessor with a bug.
type panics struct{}

func (panics) Process(context.Context, *capture.Frame, []*preproc.Image) (preproc.Measure, error) {
	panic("a bug in the preprocessor")
}
func (panics) Close() error { return nil }

func TestFrameOfAPanicIsQuarantined(t *testing.T) {
	dir := t.TempDir()
	store, err := quarantine.New(quarantine.Config{Dir: filepath.Join(dir, "quarantine"), Keep: 1 << 20, FlightDir: filepath.Join(dir, "flights")})
	if err != nil {
		t.Fatal(err)
	}
	flight, err := store.Flight("front")
	if err != nil {
		t.Fatal(err)
	}
	c := &camera{annals: &annals{}, cfg: config.NewCamera("front", config.Device{}), proc: panics{}, evidence: store, flight: flight}
	c.sinks, c.images, c.troubles.ledger = []*sink{{}}, make([]*preproc.Image, 1), &c.ledger
	s := &script{format: grey}
	f, err := (&scriptedSource{script: s, opening: opening{frames: frames(7)}}).Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.ledger.capture(f)
	c.process(t.Context(), f)
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	if a := c.ledger.Account(); a.Balanced() != nil || a.InFlight != 0 || a.Dropped["failed"] != 1 || s.returned.Load() != 1 {
		t.Errorf("%+v, %d returned", a, s.returned.Load())
	}
	files := entries(t, dir)
	if len(files) != 1 || !strings.HasSuffix(files[0], "-00000007-failed.frame") {
		t.Fatalf("%q", files)
	}
	if data, err := os.ReadFile(files[0]); err != nil || !bytes.Contains(data, []byte("a bug in the preprocessor")) {
		t.Errorf("%.300q, %v", data, err)
	}
	// It did not kill the process: nothing is in flight.
	if err := flight.Close(); err != nil {
		t.Error(err)
	}
	if list, err := os.ReadDir(filepath.Join(dir, "flights")); err != nil || len(list) != 0 {
		t.Errorf("in flight: %v, %v", list, err)
	}
}
