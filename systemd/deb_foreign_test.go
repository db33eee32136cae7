//go:build deb

package systemd_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rawFormats have frames of 64x48 pixels of so many bits, of each way in which
// pixels lie in memory: packed and planar YUV, RGB, gray, Bayer, more than 8 bits.
var rawFormats = map[string]int{
	"YUYV": 16, "UYVY": 16, "NV12": 12, "NV16": 16, "YU12": 12, "RGB3": 24, "XR24": 32, "RGBP": 16,
	"GREY": 8, "Y16": 16, "BA81": 8, "RG10": 16, "HSV3": 24,
}

const processed = `
isolation: none
cameras:
  front:
    device: {pattern: bars}
    mode: {%s}
    preprocess: {rotate: 90}
    outputs:
      floats: {size: 48x48, fit: letterbox, dtype: float32, layout: chw, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
      halves: {size: 33x31, fit: cover, dtype: float16, layout: chw}
      quantised: {size: 32x32, dtype: int8, scale: 0.0078125, zero-point: -1}
      bytes: {size: 40x30, fit: stretch, color: bgr}
      toned: {size: 64x48, tone: {clahe: 2, gamma: 0.7}}
      preview: {size: 48x32, encode: jpeg, quality: 80}
`

// A frame has the same bytes whatever processor makes them: the arm64 program,
// emulated, with the kernels of NEON and without, against the one of this machine.
func TestARM64MakesTheSameFrames(t *testing.T) {
	root := os.Getenv("DEB_ARM64_ROOT")
	if root == "" {
		t.Fatal("DEB_ARM64_ROOT is not set; make arm64 does it")
	}
	emulated := []string{"qemu-aarch64-static", "-L", root, filepath.Join(unpacked(t, os.Getenv("DEB_ARM64")), "usr/bin/agent")}
	here := []string{filepath.Join(unpacked(t, debPath(t)), "usr/bin/agent")}
	t.Log(command(t, emulated[0], append(emulated[1:], "version")...))

	dir := t.TempDir()
	random := rand.NewChaCha8([32]byte{})
	cases := map[string][]string{"MJPG": {"../testdata/jpeg"}}
	for format, bits := range rawFormats {
		frame := make([]byte, 64*48*bits/8)
		random.Read(frame)
		path := filepath.Join(dir, format+".raw")
		if err := os.WriteFile(path, frame, 0o600); err != nil {
			t.Fatal(err)
		}
		cases[format] = []string{path}
	}
	total := 0
	for format, inputs := range cases {
		mode := "format: " + format
		if format != "MJPG" {
			mode += ", size: 64x48"
		}
		config := filepath.Join(dir, format+".yaml")
		if err := os.WriteFile(config, fmt.Appendf(nil, processed, mode), 0o600); err != nil {
			t.Fatal(err)
		}
		arguments := append([]string{"process", "--config", config, "--out", filepath.Join(dir, "out")}, inputs...)
		want := hashes(t, "", append(here, arguments...))
		if len(want) < 6 {
			t.Fatalf("%s: %d images only", format, len(want))
		}
		for _, simd := range []string{"neon", "none"} {
			if got := hashes(t, simd, append(emulated, arguments...)); !slices.Equal(got, want) {
				t.Errorf("%s with %s: got %q\nwant %q", format, simd, got, want)
			}
		}
		total += len(want)
	}
	t.Logf("%d images of %d formats are the same", total, len(cases))
}

// hashes are those of all images that a command makes, with what they are of.
func hashes(t *testing.T, simd string, argv []string) []string {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stderr = t.Output()
	if simd != "" {
		cmd.Env = append(os.Environ(), "AGENT_SIMD="+simd)
	}
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", argv, err)
	}
	var list []string
	for line := range strings.Lines(string(out)) {
		var frame struct {
			Input, Output, Verdict, Reason, SHA256 string
			Index                                  int
		}
		if err := json.Unmarshal([]byte(line), &frame); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, fmt.Sprintf("%s[%d] %s %s%s %s", filepath.Base(frame.Input), frame.Index, frame.Output, frame.Verdict, frame.Reason, frame.SHA256))
	}
	return list
}
