package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Settings that one reason is for, which stands above the first.
var together = map[string]string{
	"Documentation":        "Description",
	"After":                "Wants",
	"LogRateLimitBurst":    "LogRateLimitIntervalSec",
	"StateDirectoryMode":   "StateDirectory",
	"RuntimeDirectoryMode": "RuntimeDirectory",
	"IPAddressAllow":       "IPAddressDeny",
}

func TestEverySettingHasItsReason(t *testing.T) {
	data, err := os.ReadFile("agent.service")
	if err != nil {
		t.Fatal(err)
	}
	before, settings := "", 0
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		name, _, ok := strings.Cut(line, "=")
		if !ok || line[0] == '#' {
			before = line
			continue
		}
		settings++
		if !strings.HasPrefix(before, "#") && before != name && before != together[name] {
			t.Errorf("%s has no reason above it", line)
		}
		before = name
	}
	if settings < 60 {
		t.Errorf("only %d settings found", settings)
	}
}

// dropIns are the files of settings among the examples.
func dropIns(t *testing.T) []string {
	t.Helper()
	examples, err := os.ReadFile("debian/edge-agent.examples")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.conf")
	if err != nil || len(files) < 5 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, file := range files {
		if !strings.Contains(string(examples), "systemd/"+file+"\n") {
			t.Errorf("%s is not among the examples", file)
		}
	}
	return files
}

// verify has systemd read the unit with drop-ins, and returns what it finds wrong.
func verify(t *testing.T, files ...string) string {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not installed; make deps-test does it")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "agent.service.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "agent.service") {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(dir, "agent.service.d", filepath.Base(file))
		if file == "agent.service" {
			target = filepath.Join(dir, file)
			data = []byte(strings.ReplaceAll(string(data), "/usr/bin/agent ", "/bin/true ")) // which is on every machine
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.Command(tool, "verify", "--man=no", filepath.Join(dir, "agent.service")).CombinedOutput()
	if err != nil {
		return err.Error() + ": " + string(out)
	}
	// It reads the machine's own units, too, and those may be what they are.
	return strings.Join(regexp.MustCompile(`(?m)^.*agent\.service.*$`).FindAllString(string(out), -1), "\n")
}

func TestUnitAndDropInsAreUnderstood(t *testing.T) {
	if text := verify(t); text != "" {
		t.Error(text)
	}
	all := dropIns(t)
	for _, file := range all {
		if text := verify(t, file); text != "" {
			t.Errorf("%s: %s", file, text)
		}
	}
	if text := verify(t, all...); text != "" {
		t.Errorf("all together: %s", text)
	}
	wrong := filepath.Join(t.TempDir(), "wrong.conf")
	if err := os.WriteFile(wrong, []byte("[Service]\nMemoryMacks=1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if text := verify(t, wrong); !strings.Contains(text, "MemoryMacks") {
		t.Errorf("a setting that does not exist is let through: %q", text)
	}
}

// An administrator finds each one in the manual.
func TestManualNamesDropIns(t *testing.T) {
	manual, err := os.ReadFile("man/agent.8")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range dropIns(t) {
		if !strings.Contains(strings.ReplaceAll(string(manual), `\-`, "-"), file) {
			t.Errorf("%s is not in agent(8)", file)
		}
	}
}
