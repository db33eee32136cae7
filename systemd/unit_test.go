package systemd

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-systemd/v22/unit"
)

// options reads the unit as systemd does: the values of each name, in order.
func options(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("agent.service")
	if err != nil {
		t.Fatal(err)
	}
	list, err := unit.DeserializeOptions(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, option := range list {
		values[option.Name] = append(values[option.Name], option.Value)
	}
	return values
}

// What the agent is built on; a change here is a change of its behaviour.
func TestUnitPromises(t *testing.T) {
	got := options(t)
	for name, want := range map[string]string{
		"Type":                     "notify",
		"NotifyAccess":             "main",
		"Restart":                  "always",
		"RestartPreventExitStatus": "78",
		"StartLimitIntervalSec":    "0",
		"WatchdogSignal":           "SIGABRT",
		"User":                     "edge-agent",
		"Group":                    "edge-agent",
		"SupplementaryGroups":      "video",
		"SyslogIdentifier":         identifier,
		"FileDescriptorStoreMax":   "512",
		"ExecStopPost":             "/usr/bin/agent ended",
		"RuntimeDirectory":         "agent",
		"StateDirectory":           "agent",
		"RuntimeDirectoryMode":     "0750",
		"UMask":                    "0027",
		"WantedBy":                 "multi-user.target",
	} {
		if !slices.Equal(got[name], []string{want}) {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	if !slices.Equal(got["DeviceAllow"], []string{"char-video4linux rw", "char-81 rw"}) {
		t.Errorf("DeviceAllow=%q", got["DeviceAllow"])
	}
	if got["PrivateDevices"] != nil {
		t.Error("PrivateDevices takes /dev/video* away")
	}
	for _, name := range []string{"TimeoutStartSec", "TimeoutStopSec", "TimeoutAbortSec", "WatchdogSec", "RestartSec"} {
		if d, err := time.ParseDuration(got[name][0]); err != nil || d <= 0 {
			t.Errorf("%s=%q", name, got[name])
		}
	}
}

func TestStopLeavesRoomToFlushTheLog(t *testing.T) {
	stop, err := time.ParseDuration(options(t)["TimeoutStopSec"][0])
	if err != nil {
		t.Fatal(err)
	}
	if stop < 2*closeTimeout {
		t.Errorf("TimeoutStopSec=%v is under twice the %v that the log may take", stop, closeTimeout)
	}
}

func TestUnitNamesOnlyFilesOfThePackage(t *testing.T) {
	install, err := os.ReadFile("debian/edge-agent.install")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range regexp.MustCompile(`/(?:usr|etc|var|run|opt)/[^ \n]+`).FindAllString(strings.Join(options(t)["ExecStart"], " "), -1) {
		dir, name := path[1:strings.LastIndexByte(path, '/')], path[strings.LastIndexByte(path, '/')+1:]
		line := regexp.MustCompile(`(?m)^\S*/` + regexp.QuoteMeta(name) + `\s+` + regexp.QuoteMeta(dir) + `/?$`)
		if !line.Match(install) {
			t.Errorf("%s is in the unit and not in the package", path)
		}
	}
}

// The pages of Documentation= are in the package.
func TestUnitDocumentationIsInThePackage(t *testing.T) {
	pages, err := os.ReadFile("debian/edge-agent.manpages")
	if err != nil {
		t.Fatal(err)
	}
	for _, uri := range strings.Fields(strings.Join(options(t)["Documentation"], " ")) {
		m := regexp.MustCompile(`^man:(.+)\((\d)\)$`).FindStringSubmatch(uri)
		if m == nil || !strings.Contains(string(pages), fmt.Sprintf("systemd/man/%s.%s\n", m[1], m[2])) {
			t.Errorf("%s is not in the package", uri)
		}
	}
}

func TestExposureStaysLow(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Fatal("systemd-analyze is not installed; make deps-test does it")
	}
	out, err := exec.Command(tool, "security", "--offline=true", "--no-pager", "./agent.service").CombinedOutput()
	m := regexp.MustCompile(`exposure level for agent.service: ([0-9.]+)`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("%v: %s", err, out)
	}
	if level, err := strconv.ParseFloat(string(m[1]), 64); err != nil || level > 1.5 {
		t.Errorf("exposure is %s, want 1.5 at most", m[1])
	}
}

// A changed conffile makes an unattended upgrade fail wherever an administrator
// edited it: this one never changes. New defaults belong in the program.
func TestShippedConfigIsFrozen(t *testing.T) {
	data, err := os.ReadFile("agent.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const frozen = "417e7c40afb4f18e3b25608c72b9ee3eb3c3efc346c79660684343037987a7b5"
	if sum := fmt.Sprintf("%x", sha256.Sum256(data)); sum != frozen {
		t.Errorf("agent.yaml has the sum %s, shipped was %s", sum, frozen)
	}
	for line := range strings.Lines(string(data)) {
		if !strings.HasPrefix(line, "#") {
			t.Errorf("agent.yaml sets something: %q", line)
		}
	}
}
