package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// With this variable set, or as a worker, the test binary is the agent.
const mainVar = "AGENT_TEST_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainVar) != "" || len(os.Args) == 3 && os.Args[1] == "worker" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// processing is a command with a config that has a picture and a tensor.
func processing(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	config := filepath.Join(t.TempDir(), "agent.yaml")
	text := "cameras: {front: {device: {pattern: bars}, outputs: {view: {size: 320x240}, model: {size: 8x8, dtype: float32}}}}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe", append([]string{"process", "--config", config}, arguments...)...)
	cmd.Env = append(os.Environ(), mainVar+"=1")
	return cmd
}

const clip = "../../testdata/jpeg/stream-160x120.mjpg"

func TestImagesGoToStandardOutput(t *testing.T) {
	cmd := processing(t, "--output", "view", "--out", "-", clip)
	var images, listing bytes.Buffer
	cmd.Stdout, cmd.Stderr = &images, &listing
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, listing.String())
	}
	if !strings.HasPrefix(images.String(), "YUV4MPEG2 W320 H240 ") || strings.Count(listing.String(), `"verdict":"good"`) != 8 {
		t.Errorf("%.60q; %s", images.String(), listing.String())
	}
}

// Who has seen enough hangs up: the agent ends, and that is no failure.
func TestReaderMayHangUp(t *testing.T) {
	cmd := processing(t, "--output", "view", "--format", "raw", "--out", "-", clip, clip, clip, clip)
	var listing bytes.Buffer
	cmd.Stderr = &listing
	images, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(images, make([]byte, 100)); err != nil {
		t.Error(err)
	}
	if err := images.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, listing.String())
	}
	if n := strings.Count(listing.String(), "\n"); n >= 4*8 {
		t.Errorf("%d images after the reader hung up", n)
	}
}

func TestStreamsThatCannotBeAreRefused(t *testing.T) {
	for want, arguments := range map[string][]string{
		"--format: allowed with --out - only":                                          {"--out", t.TempDir(), "--format", "raw", clip},
		"camera front has the outputs view, model":                                     {"--out", "-", "--format", "raw", clip},
		"output model: y4m has pictures only":                                          {"--out", "-", "--output", "model", "--format", "y4m", clip},
		`invalid argument "x" for "--format" flag: allowed are auto, raw, y4m, ndjson`: {"--out", "-", "--format", "x", clip},
	} {
		cmd := processing(t, arguments...)
		out, err := cmd.CombinedOutput()
		if err == nil || cmd.ProcessState.ExitCode() == 0 || !strings.Contains(string(out), want) {
			t.Errorf("%v: %s, want %s", err, out, want)
		}
	}
}
