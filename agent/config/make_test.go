package config

import (
	"encoding/json"
	"strings"
	"testing"
)

// plain prints a tree as JSON, which is YAML without any choice of style.
func plain(n *node) string {
	if n == nil {
		return ""
	}
	var parts []string
	switch n.shape {
	case null:
		return "null"
	case scalar:
		return jsonText(n.text)
	case sequence:
		for _, i := range n.items {
			parts = append(parts, plain(i))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	for _, e := range n.keys {
		parts = append(parts, jsonText(e.name)+": "+plain(e.value))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func jsonText(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestLongestNamesFitASocketsPath(t *testing.T) {
	const sunPath = 107 // sun_path of unix(7), less its final zero
	name := strings.Repeat("a", 32)
	if !ValidName(name) || ValidName(name+"a") {
		t.Fatal("32 is not the longest name")
	}
	if p := SocketPath("/run/agent", name, name); len(p) > sunPath {
		t.Errorf("%s has %d bytes, %d are allowed", p, len(p), sunPath)
	}
}

// A camera made in code must not differ from one that the file declares.
func TestAddedCameraIsLikeADeclaredOne(t *testing.T) {
	c := Defaults()
	c.AddPattern()
	declared, err := Parse("a.yaml", []byte("cameras: {pattern: {device: {pattern: bars}}}"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jsonOf(t, c), jsonOf(t, declared); got != want {
		t.Errorf("added %s\ndeclared %s", got, want)
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAddedCamerasHaveNamesOfTheirOwn(t *testing.T) {
	c := Defaults()
	for _, label := range []string{
		"HD Pro Webcam C920", "HD Pro Webcam C920", "", "摄像头", "-- x --",
		strings.Repeat("long ", 20), strings.Repeat("long ", 20),
	} {
		c.Add(label, Device{Path: "/dev/video0"})
	}
	want := []string{
		"hd-pro-webcam-c920", "hd-pro-webcam-c920-2", "camera", "camera-2", "x",
		"long-long-long-long-long-long-lo", "long-long-long-long-long-long-2",
	}
	for i, cam := range c.Cameras {
		if cam.Name != want[i] || !ValidName(cam.Name) {
			t.Errorf("camera %d is named %s, want %s", i, cam.Name, want[i])
		}
	}
}

func TestWhatWasMeantIsGuessed(t *testing.T) {
	known := camera.names()
	for found, want := range map[string]string{
		"devise": "device", "qeue": "queue", "output": "outputs", "preproces": "preprocess",
		"mdoe": "mode", "colour": "", "": "", "resolution": "", strings.Repeat("x", 1000): "",
	} {
		if got := nearest(found, known); got != want {
			t.Errorf("%s: %q, want %q", found, got, want)
		}
	}
}

func TestDeviceIsPrintedAsConfigured(t *testing.T) {
	if got := (&Device{Serial: "1A2B"}).String(); got != "serial: 1A2B" {
		t.Error(got)
	}
}

func TestPreviewsAreForLookingAt(t *testing.T) {
	c, err := Parse("a.yaml", []byte(`
cameras:
  both: {device: {pattern: bars}, outputs: {model: {}, preview: {encode: jpeg}, archive: {encode: jpeg, files: {}}}}
  looked-at: {device: {pattern: bars}, outputs: {preview: {encode: jpeg}, small: {encode: jpeg}}}
  stored: {device: {pattern: bars}, outputs: {preview: {encode: jpeg}, archive: {encode: jpeg, files: {}}}}
  fed: {device: {pattern: bars}, outputs: {preview: {encode: jpeg, pipe: {command: [cat]}}, archive: {encode: jpeg, files: {}}}}
  shown: {device: {pattern: bars}, outputs: {preview: {encode: jpeg, gst-shm: {}}, archive: {encode: jpeg, files: {}}}}
  seen: {device: {pattern: bars}, outputs: {preview: {encode: jpeg, v4l2: {device: /dev/video10}}, archive: {encode: jpeg, files: {}}}}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, cam := range c.Cameras {
		for i := range cam.Outputs {
			if cam.Preview(i) {
				got += cam.Name + "." + cam.Outputs[i].Spec.Name + " "
			}
		}
	}
	if want := "both.preview stored.preview "; got != want {
		t.Errorf("previews are %s, want %s", got, want)
	}
}
