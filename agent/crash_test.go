//go:build testhooks

package agent

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/process"
	"github.com/edge-agent/agent/agent/quarantine"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/systemd"
)

// With one of these set the test binary is an agent in that directory, or runs
// that file through the preprocessor, until native code crashes.
const (
	agentVar = "AGENT_TEST_DIR"
	fileVar  = "AGENT_TEST_FILE"
	crashVar = "AGENT_TEST_CRASH_SEQUENCE"
)

const clip = "../testdata/jpeg/stream-160x120.mjpg"

func init() { roles = append(roles, dieOnRequest) }

func dieOnRequest() bool {
	switch dir, file := os.Getenv(agentVar), os.Getenv(fileVar); {
	case dir != "":
		if err := agentIn(dir, os.Stdout).Run(context.Background()); err != nil {
			panic(err)
		}
	case file != "":
		err := process.Run(context.Background(), process.Options{
			Camera: crashing().Cameras[0], Isolation: config.None, Inputs: []string{file}, Out: filepath.Dir(file), Stdout: os.Stdout,
		})
		if err != nil {
			panic(err)
		}
	default:
		return false
	}
	return true
}

func crashing() *config.Config {
	cfg, err := config.Parse("agent.yaml", []byte(`
isolation: none
cameras:
  front:
    device: {replay: `+clip+`, pace: fastest}
    queue: {policy: block}
    outputs: {model: {size: 64x64}}
`))
	if err != nil {
		panic(err)
	}
	return cfg
}

func agentIn(dir string, log *os.File) *Agent {
	return New(Options{
		Config: crashing(), Log: zerolog.New(log), RuntimeDir: dir, StateDir: filepath.Join(dir, "state"),
		Notifier: systemd.NewNotifier(),
	})
}

// crash runs this binary until it dies of a segmentation fault.
func crash(t *testing.T, environment ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), environment...)
	out, err := cmd.CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("SIGSEGV")) || !bytes.Contains(out, []byte("preproc_run")) {
		t.Fatalf("%v, want a segmentation fault in native code; it said\n%s", err, out)
	}
}

func TestCrashInNativeCodeLeavesItsFrame(t *testing.T) {
	dir, err := os.MkdirTemp("", "agent") // short: socket paths are bounded
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	crash(t, agentVar+"="+dir, crashVar+"=5")
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for range 2 { // the second start finds nothing new
		a := agentIn(dir, null)
		if err := a.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if account := a.list()[0].ledger.Account(); account.Published != 8 || account.Balanced() != nil {
			t.Errorf("%+v", account)
		}
	}
	files := entries(t, filepath.Join(dir, "state"))
	if len(files) != 1 || !strings.HasSuffix(files[0], "-00000005-crashed.frame") {
		t.Fatalf("%q", files)
	}
	file, err := os.Open(files[0])
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	e, err := quarantine.Read(file)
	if err != nil || !bytes.Equal(e.Frame.Planes[0], frameOf(t, 5)) {
		t.Errorf("%v, or not the frame that crashed it", err)
	}
	// Here it does so no more: that is what the file is for.
	results := replayed(t, crashing().Cameras[0], files[0])
	if len(results) != 1 || results[0].Verdict != "good" || results[0].Quarantined != "crashed" {
		t.Errorf("%+v", results)
	}
	crash(t, fileVar+"="+files[0], crashVar+"=5")
	// A worker's death is a result.
	t.Setenv(crashVar, "5")
	results = replayed(t, crashing().Cameras[0], files[0], files[0])
	if len(results) != 2 || results[1].Verdict != "dropped" || results[1].Reason != "crashed" {
		t.Errorf("%+v", results)
	}
}

// frameOf is the bitstream of frame n of the clip.
func frameOf(t *testing.T, n int) []byte {
	t.Helper()
	source, err := replay.Open(t.Context(), replay.Config{Path: clip, Unpaced: true, Buffers: n + 1})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for {
		f, err := source.Read(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if f.Sequence == uint64(n) {
			return f.Planes[0]
		}
		f.Release()
	}
}
