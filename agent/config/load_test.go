package config

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/preproc"
)

// write lays out files in a directory of the test and gives its path.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

var layered = map[string]string{
	"agent.yaml":           "cameras:\n  front:\n    device: {by-id: usb-A}\n    mode: {size: 640x480, rate: 30}\n  back: {device: {pattern: bars}}\n",
	"agent.d/20-rate.yaml": "cameras: {front: {mode: {rate: 15}}}\nlog: {level: debug}\n",
	"agent.d/10-all.yaml":  "cameras:\n  front:\n    device: {serial: S1}\n    mode: {rate: 5, format: YUYV}\n  side: {device: {replay: side.mjpeg}}\n",
	"agent.d/30-none.yaml": "cameras:\n#  front: ...\n",
	"agent.d/README":       "not a config",
	"agent.d/.x.yaml":      "an editor's: [leavings",
}

func TestOverridesMergeInTheOrderOfTheirNames(t *testing.T) {
	dir := write(t, layered)
	c, err := Load(filepath.Join(dir, "agent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	front, side := c.Camera("front"), c.Camera("side")
	if len(c.Cameras) != 3 || front == nil || side == nil {
		t.Fatalf("cameras %+v", c.Cameras)
	}
	if m := front.Mode; m.Width != 640 || m.Rate != 15 || m.PixelFormat.String() != "YUYV" {
		t.Errorf("mode %+v", m)
	}
	if want := (Device{Serial: "S1"}); front.Device != want {
		t.Errorf("device %+v, want the override's alone", front.Device)
	}
	if want := filepath.Join(dir, "agent.d", "side.mjpeg"); side.Device.Replay != want {
		t.Errorf("replay %s, want %s, beside the file that names it", side.Device.Replay, want)
	}
	if c.Log.Level != "debug" {
		t.Errorf("log level %s", c.Log.Level)
	}
}

func TestFaultsOfAllFilesAreReportedInTheirFiles(t *testing.T) {
	files := maps.Clone(layered)
	files["agent.yaml"] += "isolate: none\n"
	files["agent.d/10-all.yaml"] += "  rear: [\n"
	files["agent.d/20-rate.yaml"] = "cameras: {front: {mode: {rate: -1}}}\n"
	dir := write(t, files)
	_, err := Load(filepath.Join(dir, "agent.yaml"))
	faults, ok := errors.AsType[Faults](err)
	if !ok {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"agent.yaml:6:1: isolate: unknown key; allowed: cameras, isolation, http, quarantine, limits, log",
		"agent.d/10-all.yaml:6:9: sequence end token ']' not found; this is not YAML",
		`agent.d/20-rate.yaml:1:32: cameras.front.mode.rate: found "-1"; allowed: frames per second above 0, up to 1000, such as 30 or 29.97, or auto`,
	}, "\n")
	if got := strings.ReplaceAll(faults.Error(), dir+"/", ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A reload must end, whatever somebody put there.
func TestOverrideThatIsNoFileIsRefused(t *testing.T) {
	dir := write(t, layered)
	pipe := filepath.Join(dir, "agent.d", "40-pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(filepath.Join(dir, "agent.yaml")); err == nil || !strings.Contains(err.Error(), pipe+" is neither a file nor a link to one") {
		t.Errorf("%v", err)
	}
}

func TestOverridesNeedNotBeThere(t *testing.T) {
	dir := write(t, map[string]string{"agent.yaml": "log: {level: warn}\n", "agent.d": "a file"})
	if c, err := Load(filepath.Join(dir, "agent.yaml")); err == nil {
		t.Errorf("agent.d is a file, and yet the config is %+v", c)
	}
	if err := os.Remove(filepath.Join(dir, "agent.d")); err != nil {
		t.Fatal(err)
	}
	if c, err := Load(filepath.Join(dir, "agent.yaml")); err != nil || c.Log.Level != "warn" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestMissingFileIsNoFault(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "agent.yaml"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	if _, ok := errors.AsType[Faults](err); ok {
		t.Errorf("%v is a fault of the text", err)
	}
}

// None of these may take long or much memory; the parser alone would need
// minutes or overflow the stack on some.
func TestHostileFilesAreRefused(t *testing.T) {
	bomb := "cameras: {a: {device: {pattern: bars}, outputs: &o0 {a: {}, b: {}}}}\n"
	for i := range 30 {
		bomb += "k" + string(rune('a'+i%26)) + strings.Repeat("x", i) + ": &o" + string(rune('1'+i)) +
			" [*o" + string(rune('0'+i)) + ", *o" + string(rune('0'+i)) + "]\n"
	}
	for name, c := range map[string]struct{ text, found string }{
		"size":     {strings.Repeat("# 89\n", 1<<18), "more than 1MiB"},
		"tokens":   {strings.Repeat("a: 1\n", 200_000), "YAML tokens"},
		"brackets": {strings.Repeat("[", 10_000), "nesting too deep"},
		"braces":   {"a: " + strings.Repeat("{a: ", 2_000), "nesting too deep"},
		"dashes":   {strings.Repeat("- ", 10_000), "nesting too deep"},
		"anchors":  {"a: " + strings.Repeat("&a ", 5_000), "nesting too deep"},
		"aliases":  {bomb, "too many values"},
		"itself":   {"log: &l {level: *l}", "alias *l"},
		"cameras":  {"cameras:\n" + names(65), "65 of them"},
		"outputs":  {"cameras: {a: {device: {pattern: bars}, outputs: {a: , b: , c: , d: , e: , f: , g: , h: , i: }}}", "9 of them"},
		"pixels":   {"cameras: {a: {device: {pattern: bars}, mode: {size: 16384x4097}}}", "64 megapixels"},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := Parse("a.yaml", []byte(c.text))
			if err == nil || !strings.Contains(err.Error(), c.found) {
				t.Errorf("error %v, want one with %q", err, c.found)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func names(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("  c" + strings.Repeat("a", i%26) + string(rune('a'+i/26)) + ": {device: {pattern: bars}}\n")
	}
	return b.String()
}

func TestAliasStandsForItsValue(t *testing.T) {
	c, err := Parse("a.yaml", []byte("cameras:\n  a: {device: {pattern: bars}, outputs: &o {x: {pad: 3}}}\n  b: {device: {pattern: bars}, outputs: *o}\n"))
	if err != nil || !reflect.DeepEqual(c.Cameras[0].Outputs, c.Cameras[1].Outputs) || c.Cameras[1].Outputs[0].Spec.Pad != 3 {
		t.Errorf("%+v, %v", c, err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(example))
	files, _ := filepath.Glob("testdata/faults/*.yaml")
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range layered {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("a.yaml", data)
		if err != nil {
			return
		}
		for _, cam := range c.Cameras {
			specs := make([]preproc.Spec, len(cam.Outputs))
			for i := range specs {
				specs[i] = cam.Outputs[i].Spec
			}
			if _, err := preproc.New(cam.View, specs); err != nil {
				t.Errorf("camera %s is accepted, but not by the preprocessor: %v", cam.Name, err)
			}
		}
		printed := plain(parse("a.yaml", data, nil))
		again, err := Parse("a.yaml", []byte(printed))
		if err != nil {
			t.Fatalf("printed anew as %s: %v", printed, err)
		}
		c.Warnings, again.Warnings = nil, nil // their places moved
		if !reflect.DeepEqual(c, again) {
			t.Errorf("printed anew as %s\ngot  %+v\nwant %+v", printed, again, c)
		}
	})
}
