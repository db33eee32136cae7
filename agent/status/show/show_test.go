package show_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/edge-agent/agent/agent/status"
	"github.com/edge-agent/agent/agent/status/show"
)

var update = flag.Bool("update", false, "write what is printed as what is to be printed")

var now = time.Date(2026, 3, 29, 14, 5, 10, 0, time.UTC)

func ago(d time.Duration) *time.Time {
	t := now.Add(-d)
	return &t
}

func ptr(v float64) *float64 { return &v }

// of is the status of an agent with these cameras.
func of(cameras ...status.Camera) *status.Status {
	s := &status.Status{
		Time: now, Version: "1.0.0", Started: now.Add(-76 * time.Hour), UptimeSeconds: 76 * 3600, Alive: true, Ready: true, Healthy: true,
		Cameras: cameras, Log: status.Log{Level: "info", Configured: "info"},
		Resources: status.Resources{
			MemoryBytes: 55_574_528, MemoryLimitBytes: 400 << 20, Descriptors: 61, DescriptorsLimit: 4096, Threads: 22, ThreadsLimit: 128,
			TemperatureCelsius: ptr(48.2), TemperatureLimit: 85, WatchdogPings: 54720, WatchdogSeconds: 10,
		},
	}
	for i := range cameras {
		if c := &cameras[i]; !c.Healthy {
			s.Ready, s.Healthy = false, false
			s.Reasons = append(s.Reasons, status.Reason{Kind: status.Failed, Camera: c.Name, Text: c.Reason, Since: c.ReasonSince})
		}
	}
	return s
}

func degraded(s *status.Status, camera, text string, since *time.Time) *status.Status {
	s.Degraded = true
	s.Reasons = append(s.Reasons, status.Reason{Kind: status.Degraded, Camera: camera, Text: text, Since: since})
	return s
}

func good(name string) status.Camera {
	return status.Camera{
		Name: name, Device: "by-id: usb-046d_HD_Pro_Webcam_C920_1A2B3C4D-video-index0", State: "publishing", Since: now.Add(-75 * time.Hour),
		Healthy: true, Format: "MJPG 1280x720", Mode: "1280x720 30/s", Verdict: "good",
		Account:      status.Account{Captured: 8_100_123, KernelLost: 3, Published: 8_100_110, InFlight: 1, Dropped: map[string]uint64{"evicted": 10, "corrupt": 2, "not-due": 0}},
		Rates:        status.Rates{CaptureRate: 30, PublishRate: 29.98},
		LastCaptured: ptr(0.012), LastPublished: ptr(0.034),
		Age:    status.Latency{P50Seconds: ptr(0.0079), P99Seconds: ptr(0.0399), MaxSeconds: ptr(0.12)},
		Stages: []status.Stage{{Name: "preprocess", Histogram: status.Histogram{Count: 1000, SumSeconds: 5.7}}, {Name: "publish", Histogram: status.Histogram{Count: 1000, SumSeconds: 0.2}}},
		Queue:  status.Queue{Capacity: 2}, Worker: &status.Worker{PID: 1234, MemoryBytes: 5 << 20, Replaced: map[string]uint64{"crashed": 1, "renewed": 0}},
		Recoveries: map[string]uint64{"wait": 3, "reopen": 1, "process": 0}, Verdicts: map[string]uint64{"black": 12},
		Outputs: []status.Output{
			{Name: "model", Kind: "ring", Address: "/run/agent/" + name + "/model.sock", Consumers: 2, Delivered: 16_200_220, Missed: 31},
			{Name: "model", Kind: "http", Address: "/cameras/" + name + "/model.npy"},
			{Name: ".view", Kind: "http", Address: "/cameras/" + name + "/snapshot.jpg", Consumers: 1, Delivered: 120},
		},
	}
}

func lost(name, reason string) status.Camera {
	c := good(name)
	c.State, c.Since, c.Healthy, c.Reason, c.ReasonSince = "waiting", *ago(182 * time.Second), false, reason, ago(182*time.Second)
	c.CaptureRate, c.PublishRate, c.Age, c.Remedy, c.NextTry = 0, 0, status.Latency{}, "reopen", ago(-1500*time.Millisecond)
	return c
}

func scenes() map[string]*status.Status {
	dark := good("cellar")
	dark.Verdict, dark.Healthy, dark.Reason, dark.ReasonSince = "blown-out", false, "pictures are blown-out", ago(26*time.Hour)
	lower := good("front")
	lower.Fallback, lower.Fallbacks, lower.Mode = 1, 2, "640x480 15/s"
	opening := good("front")
	opening.State, opening.Healthy, opening.Reason, opening.ReasonSince, opening.Outputs = "opening", false, "opening", ago(0), nil
	pattern := good("pattern")
	pattern.Device = "pattern: bars"
	paused := good("front")
	paused.Outputs[0].Paused = true
	stuck := of(good("front"), lost("rear", "no device with serial 1A2B3C4D"))
	stuck.Alive = false
	stuck.Reasons = append([]status.Reason{{Kind: status.Failed, Text: "a stage is stuck: front capture: no progress for 5s (limit 4s)", Since: ago(time.Second)}}, stuck.Reasons...)
	stuck.LastWords = "2026-03-29T13:01:07Z: front capture: no progress for 5s (limit 4s)"
	var twelve []status.Camera
	for i := range 12 {
		twelve = append(twelve, good(fmt.Sprintf("loading-dock-north-entrance-%04d", i+1)))
	}
	twelve[4] = lost(twelve[4].Name, "open /dev/video4: set format MJPG 1280x720: device or resource busy: held by process 1234 (ffmpeg)")
	twelve[7] = dark
	loud := of(good("front"))
	loud.Log.Level, loud.Log.Until = "debug", ago(-9*time.Minute)
	loud.Resources.TemperatureCelsius, loud.Resources.WatchdogSeconds = nil, 0
	refused := of(good("front"))
	refused.Config = status.Config{
		Loaded: now.Add(-50 * time.Hour), Refused: 1, Fault: "/etc/agent/agent.yaml:4:11: cameras.front.mode.rate: found -3; allowed: frames a second, more than 0",
	}
	hostile := lost("front", "open /dev/video0: \x1b[2J\x1b]0;owned\x07 \u009b31m\u202edesrever\xff end")
	short := of(good("front"), paused)
	short.Cameras[1].Name = "rear"
	return map[string]*status.Status{
		"healthy":  of(good("front"), good("rear"), good("side")),
		"lost":     of(good("front"), lost("rear", "no device with serial 1A2B3C4D")),
		"one":      of(lost("front", "no device with serial 1A2B3C4D")),
		"degraded": degraded(short, "", "memory short: previews are paused", ago(95*time.Second)),
		"fallback": degraded(of(lower, good("rear")), "front", "fallback 1 of 2: 640x480 15/s", ago(3700*time.Second)),
		"opening":  of(opening),
		"pattern":  of(pattern),
		"none":     of(),
		"stuck":    stuck,
		"twelve":   of(twelve...),
		"loud":     loud,
		"refused":  refused,
		"hostile":  of(hostile),
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: printed\n%s\nand not\n%s", name, got, want)
	}
}

func TestWhatIsPrinted(t *testing.T) {
	for name, s := range scenes() {
		var b strings.Builder
		if err := show.Print(&b, s, show.Options{Location: time.UTC, Version: "1.0.0"}); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
	var b strings.Builder
	if err := show.Print(&b, scenes()["lost"], show.Options{Location: time.FixedZone("", 2*3600), Version: "1.1.0", Color: true, Width: 120}); err != nil {
		t.Fatal(err)
	}
	golden(t, "colours", b.String())
	b.Reset()
	if err := show.Camera(&b, scenes()["lost"], "rear", show.Options{Location: time.UTC}); err != nil {
		t.Fatal(err)
	}
	golden(t, "camera", b.String())
}

func TestUnknownCameraNamesThoseThatThereAre(t *testing.T) {
	err := show.Camera(nil, scenes()["lost"], "side", show.Options{})
	if err == nil || err.Error() != `no camera is named "side"; there are: front, rear` {
		t.Error(err)
	}
}

// However narrow or low the terminal, no line is longer, nor are there more, and
// nothing but spaces and what is to be seen is in them.
func TestLinesFit(t *testing.T) {
	for name, s := range scenes() {
		for _, width := range []int{1, 40, 57, 80, 100, 200} {
			for _, height := range []int{0, 1, 2, 10, 24, 60} {
				var b strings.Builder
				if err := show.Print(&b, s, show.Options{Width: width, Height: height}); err != nil {
					t.Fatal(err)
				}
				check(t, fmt.Sprintf("%s at %dx%d", name, width, height), b.String(), max(width, 40), height)
			}
			for i := range s.Cameras {
				var b strings.Builder
				if err := show.Camera(&b, s, s.Cameras[i].Name, show.Options{Width: width}); err != nil {
					t.Fatal(err)
				}
				check(t, fmt.Sprintf("%s of %s at %d", s.Cameras[i].Name, name, width), b.String(), max(width, 40), 0)
			}
		}
	}
}

func check(t *testing.T, name, text string, width, height int) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, l := range lines {
		if utf8.RuneCountInString(l) > width || strings.HasSuffix(l, " ") || show.Clean(l) != l {
			t.Errorf("%s: %q", name, l)
		}
	}
	if height > 1 && len(lines) > height {
		t.Errorf("%s: %d lines", name, len(lines))
	}
}

func FuzzTextIsOnlyShown(f *testing.F) {
	for _, text := range []string{"", "front", "\x1b[2J", "\u009b31m", "\u202e", "\xff\xfe", "\ufffd", "a\nb\tc", "ü 図"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := show.Clean(text)
		if show.Clean(got) != got || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", text, got)
		}
		c := lost(text, text)
		c.Device, c.Format = text, text
		s := of(c)
		s.LastWords, s.Version = text, text
		for _, height := range []int{0, 5} {
			var b strings.Builder
			if err := show.Print(&b, s, show.Options{Height: height}); err != nil {
				t.Fatal(err)
			}
			check(t, "fuzz", b.String(), 80, height)
		}
		var b strings.Builder
		if err := show.Camera(&b, s, text, show.Options{}); err != nil {
			t.Fatal(err)
		}
		check(t, "fuzz", b.String(), 80, 0)
	})
}
