package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture/survey"
	"github.com/edge-agent/agent/capture/v4l2"
)

// found is a survey of a webcam, of one that is not permitted, of one whose name would
// break out of the snippet, and of one without pictures.
func found() *survey.Survey {
	device := func(path, name string, id v4l2.Selector) v4l2.Device {
		return v4l2.Device{Path: path, Name: name, Driver: "uvcvideo", Bus: "usb-1", Kind: v4l2.KindCamera, Identity: id}
	}
	webcam := device("/dev/video0", "HD Pro Webcam C920", v4l2.Selector{ByID: "usb-046d_C920-video-index0"})
	webcam.Formats = []v4l2.FormatInfo{
		{Code: "YUYV", Description: "YUYV 4:2:2", Sizes: []v4l2.SizeInfo{{Width: 1280, Height: 720, Rates: []float64{10, 7.5}}}},
		{Code: "MJPG", Description: "Motion-JPEG", Sizes: []v4l2.SizeInfo{{Width: 1280, Height: 720, Rates: []float64{30}}, {Width: 1920, Height: 1080, Rates: []float64{29.97}}}},
		{Code: "H264", Description: "H.264", Note: "cannot be preprocessed: a video stream, not pictures"},
	}
	webcam.Controls = []v4l2.ControlInfo{{Name: "brightness", Value: 128}}
	busy := survey.Problem{Kind: survey.ProblemBusy, Blocking: true, Text: "ffmpeg (PID 812, user pi) streams from it", Remedy: "stop that program"}
	return &survey.Survey{
		Cameras: []survey.Camera{
			{Device: webcam, State: survey.Busy, Mode: &survey.Mode{Format: "MJPG", Width: 1280, Height: 720, Rate: 29.97}, Problems: []survey.Problem{busy},
				Holders: []survey.Holder{{PID: 812, Command: "ffmpeg", User: "pi"}},
				USB:     &survey.USB{Port: "1-1.2", Version: "2.00", Mbit: 480, Hub: "USB2.0 Hub (1-1)", Autosuspend: true, Shares: []survey.Peer{{Port: "1-1.4", Name: "Disk", Mbit: 480}}}},
			{Device: device("/dev/video2", "HD Pro Webcam C920", v4l2.Selector{ByPath: "pci-0:1-video-index0"}), State: survey.NoPermission},
			{Device: device("/dev/video4", `evil"}, x: {y: "`, v4l2.Selector{Name: "evil\"}, x: {y: \"\x1bc"}), State: survey.OK},
			{Device: device("/dev/video6", "IP Cam", v4l2.Selector{Path: "/dev/video6"}), State: survey.NoPictures},
		},
		Others: []survey.Other{{Path: "/dev/video1", Name: "HD Pro Webcam C920", Kind: v4l2.KindMetadata, What: "metadata of a camera's frames"}},
	}
}

func shown(t *testing.T, show func(*text, *inventory)) string {
	t.Helper()
	var b bytes.Buffer
	tx := &text{w: &b}
	show(tx, propose(found()))
	if tx.err != nil {
		t.Fatal(tx.err)
	}
	return b.String()
}

// What is pasted is a good config, whatever the cameras are called.
func TestSnippetsAreGoodConfigs(t *testing.T) {
	snippet := shown(t, func(tx *text, inv *inventory) { tx.config(inv.Cameras) })
	path := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(path, []byte(snippet), 0o600); err != nil {
		t.Fatal(err)
	}
	check := exec.Command("/proc/self/exe", "check", "--config", path)
	check.Env = append(os.Environ(), mainVar+"=1")
	if out, err := check.CombinedOutput(); err != nil || !strings.Contains(string(out), "good; cameras: 3") {
		t.Errorf("%s\n%s%v", snippet, out, err)
	}
	cfg, err := config.Parse("snippet", []byte(snippet))
	if err != nil {
		t.Fatal(err)
	}
	if m := cfg.Cameras[0].Mode; m.Width != 1280 || m.Height != 720 || m.Rate != 29.97 {
		t.Errorf("mode %+v", m)
	}
	if d := cfg.Cameras[2].Device; d.Name != "evil\"}, x: {y: \"\x1bc" {
		t.Errorf("device %+v", d)
	}
	for _, c := range propose(found()).Cameras { // as --json has them
		if _, err := config.Parse("snippet", []byte("cameras:\n"+c.Config)); c.Config != "" && err != nil {
			t.Errorf("%s: %v", c.Config, err)
		}
	}
}

func TestOverviewHasALineForEachCamera(t *testing.T) {
	out := shown(t, func(tx *text, inv *inventory) {
		tx.overview(inv.Cameras)
		tx.others(inv.Others, false)
		tx.problems(inv)
	})
	for _, want := range []string{
		"hd-pro-webcam-c920    /dev/video0  busy           MJPG 1280x720 29.97/s  1920x1080  by-id usb-046d_C920-video-index0\n",
		"hd-pro-webcam-c920-2  /dev/video2  no-permission  -                      -          by-path pci-0:1-video-index0\n",
		"Not cameras (--all says what they are): video1\n",
		"hd-pro-webcam-c920: ffmpeg (PID 812, user pi) streams from it\n  -> stop that program\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nwithout %q", out, want)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("a camera writes to the terminal: %q", out)
	}
	if lines := strings.Count(out, "\n"); lines > 12 {
		t.Errorf("%d lines are no overview:\n%s", lines, out)
	}
	if out := shown(t, func(tx *text, inv *inventory) { tx.overview(nil); tx.config(nil) }); out != "no camera found\n" {
		t.Errorf("%q", out)
	}
}

func TestDetailsHaveEverything(t *testing.T) {
	out := shown(t, func(tx *text, inv *inventory) { tx.details(inv.Cameras[:1]); tx.others(inv.Others, true) })
	for _, want := range []string{
		"open in  ffmpeg (PID 812, user pi)", "USB      1-1.2, USB 2.00 at 480 Mbit/s, behind USB2.0 Hub (1-1); sleeps", "shared with 1-1.4, Disk, 480 Mbit/s",
		"1280x720  10 7.5/s", "H264  H.264: cannot be preprocessed", "control  brightness: 128", "/dev/video1  HD Pro Webcam C920: metadata",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%s\nwithout %q", out, want)
		}
	}
}

func TestACameraIsFoundByWhatItIsCalled(t *testing.T) {
	inv := propose(found())
	for word, want := range map[string]string{
		"hd-pro-webcam-c920-2": "/dev/video2", "/dev/video4": "/dev/video4", "video4": "/dev/video4", "ip cam": "/dev/video6",
	} {
		if got, err := inv.named(word); err != nil || len(got) != 1 || got[0].Path != want {
			t.Errorf("%s: %v, %v", word, got, err)
		}
	}
	if got, err := inv.named("c920"); err != nil || len(got) != 2 {
		t.Errorf("both: %v, %v", got, err)
	}
	if _, err := inv.named("front"); err == nil || !strings.Contains(err.Error(), "hd-pro-webcam-c920, ") {
		t.Errorf("none: %v", err)
	}
}

// keys are the names of all members of a type in JSON.
func keys(t reflect.Type, into map[string]bool) {
	switch t.Kind() {
	case reflect.Slice, reflect.Pointer:
		keys(t.Elem(), into)
	case reflect.Struct:
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name != "" && name != "-" {
				into[name] = true
			}
			if name != "-" && f.IsExported() {
				keys(f.Type, into)
			}
		}
	}
}

// agent(1) tells of every key of the JSON and of every kind of problem.
func TestManPageTellsOfTheKeysOfTheJSON(t *testing.T) {
	page, err := os.ReadFile("../../systemd/man/agent.1")
	if err != nil {
		t.Fatal(err)
	}
	_, told, _ := strings.Cut(strings.ReplaceAll(string(page), `\-`, "-"), ".SS agent devices\n")
	told, _, _ = strings.Cut(told, ".SS agent process\n")
	has := func(word string) bool { return regexp.MustCompile(`\b` + word + `\b`).MatchString(told) }
	all := map[string]bool{}
	keys(reflect.TypeFor[inventory](), all)
	if len(all) < 40 {
		t.Errorf("only %d keys: %v", len(all), all)
	}
	for key := range all {
		if !has(key) {
			t.Errorf("agent(1) does not tell of the key %s", key)
		}
	}
	code, err := os.ReadFile("../../capture/survey/survey.go")
	if err != nil {
		t.Fatal(err)
	}
	kinds := regexp.MustCompile(`Problem\w+ += "([a-z-]+)"`).FindAllStringSubmatch(string(code), -1)
	for _, kind := range kinds {
		if !has(kind[1]) {
			t.Errorf("agent(1) does not tell of the kind %s", kind[1])
		}
	}
	if len(kinds) < 10 {
		t.Errorf("only the kinds %v found", kinds)
	}
}

// Who waits for a wedged camera is told for which.
func TestACameraThatDoesNotAnswerIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		w := &waiting{w: &b}
		w.on("/dev/video0")
		<-time.After(patience / 2)
		w.on("/dev/video2")
		<-time.After(patience + time.Second)
		w.on("")
		<-time.After(2 * patience)
		synctest.Wait()
		if got := b.String(); !strings.HasPrefix(got, "/dev/video2 does not answer") || strings.Count(got, "\n") != 1 {
			t.Errorf("%q", got)
		}
	})
}
