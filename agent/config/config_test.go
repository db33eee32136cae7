package config

import (
	"flag"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

var update = flag.Bool("update", false, "write the golden files anew")

const example = `
cameras:
  front:
    device: {by-id: usb-046d_HD_Pro_Webcam_C920_1A2B3C4D-video-index0}
    mode: {format: auto, size: 1280x720, rate: 30}
    fallback: [{rate: 15}, {format: YUYV, size: 1280x960, rate: 5}]
    controls: {exposure_dynamic_framerate: 0, auto_exposure: true}
    queue: {capacity: 2, policy: drop-oldest}
    quality: {frozen-after: 10s, black-below: 4, blown-above: off, blur-below: 20, stale-after: 500ms}
    preprocess: {rotate: 90, flip: none, crop: 1280x720+0+0}
    outputs:
      model: {size: 640x640, fit: letterbox, pad: 114, color: rgb, dtype: float32, layout: chw, mean: [0.485,0.456,0.406], std: [0.229,0.224,0.225]}
      preview: {size: 640x360, fit: stretch, encode: jpeg, quality: 75}
      archive: {encode: jpeg, size: 1280x720, every: 10s, files: {dir: front, keep: 1GiB}}
    recovery: {stall-after: 2s, process-deadline: 300ms, usb-reset: true}
  door: {device: {replay: door.mjpeg, loop: true}, queue: {policy: block, capacity: 5}}
isolation: none
quarantine: {keep: 1GiB}
limits: {memory: 1GiB, temperature: off}
log: {level: debug}
`

func TestExampleMeansWhatItSays(t *testing.T) {
	got, err := Parse("/etc/agent/agent.yaml", []byte(example))
	if err != nil {
		t.Fatal(err)
	}
	spec := func(name string, w, h int) preproc.Spec {
		return preproc.Spec{Name: name, Width: w, Height: h, Pad: 114, Std: [3]float32{1, 1, 1}, Tone: preproc.Tone{Gamma: 1, Columns: 8, Rows: 8}, Quality: 80}
	}
	model := spec("model", 640, 640)
	model.DType, model.Layout = preproc.Float32, preproc.CHW
	model.Mean, model.Std = [3]float32{0.485, 0.456, 0.406}, [3]float32{0.229, 0.224, 0.225}
	preview := spec("preview", 640, 360)
	preview.Fit, preview.Encode, preview.Quality = preproc.Stretch, preproc.JPEG, 75
	archive := spec("archive", 1280, 720)
	archive.Encode = preproc.JPEG
	want := &Config{
		Cameras: []Camera{{
			Name:      "front",
			Device:    Device{ByID: "usb-046d_HD_Pro_Webcam_C920_1A2B3C4D-video-index0"},
			Mode:      capture.Request{Width: 1280, Height: 720, Rate: 30},
			Fallback:  []capture.Request{{Width: 1280, Height: 720, Rate: 15}, {PixelFormat: capture.YUYV, Width: 1280, Height: 960, Rate: 5}},
			Controls:  []Control{{"exposure_dynamic_framerate", 0}, {"auto_exposure", 1}},
			Buffers:   5,
			Queue:     Queue{Capacity: 2},
			View:      preproc.View{Crop: preproc.Rect{Width: 1280, Height: 720}, CropWidth: 1280, CropHeight: 720, Rotate: 90},
			Undistort: Undistort{Balance: KeepFocalLength},
			Quality:   preproc.Quality{FrozenAfter: 10 * time.Second, BlackBelow: 4, BlurBelow: 20, StaleAfter: 500 * time.Millisecond},
			Outputs: []Output{
				{Spec: model, Ring: &Ring{4}},
				{Spec: preview, Ring: &Ring{4}},
				{Spec: archive, Every: 10 * time.Second, Files: &Files{Dir: "front", Keep: 1 << 30}},
			},
			StallAfter: 2 * time.Second, ProcessDeadline: 300 * time.Millisecond, USBReset: true,
		}, {
			Name:       "door",
			Device:     Device{Replay: "/etc/agent/door.mjpeg", Loop: true},
			Buffers:    8,
			Queue:      Queue{5, Block},
			Undistort:  Undistort{Balance: KeepFocalLength},
			Quality:    preproc.Quality{FrozenAfter: 5 * time.Second, BlackBelow: 8, BlownAbove: 247, StaleAfter: time.Second},
			Outputs:    []Output{{Spec: spec("model", 640, 640), Ring: &Ring{4}}},
			StallAfter: 2 * time.Second, ProcessDeadline: 200 * time.Millisecond,
		}},
		Isolation:  None,
		HTTP:       HTTP{Listen: netip.MustParseAddrPort("127.0.0.1:9810"), Quality: 80},
		Quarantine: Quarantine{1 << 30},
		Limits:     Limits{Memory: 1 << 30},
		Log:        Log{"debug"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestQuarantineIsOnUnlessSetToZero(t *testing.T) {
	for text, want := range map[string]int64{"log: {}": 64 << 20, "quarantine: {keep: 0}": 0, "quarantine: {keep: 1MiB}": 1 << 20} {
		if c, err := Parse("agent.yaml", []byte(text)); err != nil || c.Quarantine.Keep != want {
			t.Errorf("%s: %+v, %v, want %d", text, c, err, want)
		}
	}
}

func TestEveryFaultIsReportedInItsPlace(t *testing.T) {
	files, err := filepath.Glob("testdata/faults/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no faulty files", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := Parse(name, data)
			if err == nil {
				t.Fatalf("taken as %+v", c)
			}
			compare(t, strings.TrimSuffix(file, ".yaml")+".golden", err.Error()+"\n")
		})
	}
}

func TestReferenceIsCurrent(t *testing.T) {
	compare(t, "testdata/reference.golden", Reference())
}

func compare(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s (renew with -update):\ngot\n%s\nwant\n%s", golden, got, want)
	}
}

func TestEmptyFileMeansEveryCamera(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "cameras:\n", "\ufeffcameras: {}\n", "---\n", "cameras:\n  # front:\nlog:\n"} {
		c, err := Parse("a.yaml", []byte(text))
		if err != nil || !reflect.DeepEqual(c, Defaults()) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}

// A default that is written out must mean what its absence means.
func TestDefaultsOfTheReferenceHold(t *testing.T) {
	text := "cameras: {a: {device: {pattern: bars}, outputs: {model: {size: 640x640}}}}\n"
	implied, err := Parse("a.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	given := parse("a.yaml", []byte(text), nil)
	for _, k := range Keys() {
		// What these apply to is not there.
		if k.Default == "" || strings.Contains(k.Name, ".files.") || strings.Contains(k.Name, ".pipe.") || strings.Contains(k.Name, ".gst-shm.") || strings.Contains(k.Name, ".v4l2.") || strings.HasSuffix(k.Name, ".size") && strings.Contains(k.Name, "outputs") {
			continue
		}
		switch k.Name[strings.LastIndexByte(k.Name, '.')+1:] {
		case "quality", "mean", "std", "loop", "pace":
			continue
		}
		names := strings.NewReplacer("<camera>", "a", "<output>", "model").Replace(k.Name)
		given = merge(given, leaf(strings.Split(names, "."), k.Default), "x")
	}
	l := loader{files: []string{"a.yaml"}, tree: given}
	c, err := l.config()
	if err != nil || !reflect.DeepEqual(c, implied) {
		t.Errorf("with defaults written out %+v, %v\nwithout %+v", c, err, implied)
	}
}

func leaf(path []string, text string) *node {
	if len(path) == 0 {
		return &node{shape: scalar, text: text, size: 1}
	}
	return &node{shape: mapping, size: 1, keys: []entry{{name: path[0], value: leaf(path[1:], text)}}}
}

func TestDeviceNodeIsTakenWithAWarning(t *testing.T) {
	c, err := Parse("a.yaml", []byte("cameras:\n  a: {device: {path: /dev/video0}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := "a.yaml:2:22: cameras.a.device.path: /dev/video0 may be another camera after the next boot; " +
		"better: by-id or by-path, as agent devices prints them"
	if len(c.Warnings) != 1 || c.Warnings[0].String() != want {
		t.Errorf("warnings %v, want %s", c.Warnings, want)
	}
}

// Scalars are text: YAML 1.1 would make other values of these.
func TestScalarsKeepTheirText(t *testing.T) {
	for _, serial := range []string{"0123", "1e3", "0x10", "12:30", "1_000", "yes", "true", "1.50"} {
		c, err := Parse("a.yaml", []byte("cameras: {a: {device: {serial: "+serial+"}}}"))
		if err != nil || c.Cameras[0].Device.Serial != serial {
			t.Errorf("serial %s: %+v, %v", serial, c, err)
		}
	}
}

func TestLinkIsTakenWithItsPath(t *testing.T) {
	c, err := Parse("a.yaml", []byte("cameras: {a: {device: {by-id: /dev/v4l/by-id/usb-A}}, b: {device: {by-path: pci-0}}}"))
	if err != nil || c.Cameras[0].Device.ByID != "usb-A" || c.Cameras[1].Device.ByPath != "pci-0" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestCropIsReadInBothForms(t *testing.T) {
	want := preproc.Rect{X: 8, Y: 16, Width: 320, Height: 240}
	for _, text := range []string{"320x240+8+16", "'8,16,320x240'"} {
		c, err := Parse("a.yaml", []byte("cameras: {a: {device: {pattern: bars}, preprocess: {crop: "+text+"}}}"))
		if err != nil || c.Cameras[0].View.Crop != want {
			t.Errorf("%s: %+v, %v", text, c, err)
		}
	}
}
