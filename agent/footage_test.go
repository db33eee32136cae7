package agent

import (
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/agent/instance"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
)

func cameraOf(t *testing.T, yaml string) config.Camera {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte("cameras:\n  front: "+yaml+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return cfg.Cameras[0]
}

func TestFootageIsTheCamerasOwn(t *testing.T) {
	f, err := Footage(t.TempDir())(t.Context(), cameraOf(t, "{device: {pattern: bars}, mode: {format: NV12, size: 320x240, rate: 15}}"))
	if err != nil {
		t.Fatal(err)
	}
	if f.MadeUp != "" || len(f.Frames) != footageFrames || f.Rate != 15 || f.Format.String() != "NV12 320x240" {
		t.Errorf("footage of %v at %v/s, %d frames, made up: %q", f.Format, f.Rate, len(f.Frames), f.MadeUp)
	}
	if string(f.Frames[0][0]) == string(f.Frames[1][0]) {
		t.Error("the frames are one and the same")
	}
}

// A camera of the running agent is left alone, even while it could be opened.
func TestCameraOfTheRunningAgentIsNotOpened(t *testing.T) {
	dir := t.TempDir()
	claim, err := instance.New(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer claim.Release()
	f, err := Footage(dir)(t.Context(), cameraOf(t, "{device: {path: /dev/video250}, mode: {format: YUYV, size: 320x240}}"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(f.MadeUp, "the running agent has the camera") || f.Format.String() != "YUYV 320x240" {
		t.Errorf("footage of %v, made up: %q", f.Format, f.MadeUp)
	}
	// A recording can be read twice.
	f, err = Footage(dir)(t.Context(), cameraOf(t, "{device: {pattern: bars}}"))
	if err != nil || f.MadeUp != "" {
		t.Errorf("the pattern: made up %q, %v", f.MadeUp, err)
	}
}

func TestMadeUpFramesCanBePreprocessed(t *testing.T) {
	for _, layout := range capture.Formats() {
		cam := cameraOf(t, "{device: {path: /dev/video250}, mode: {format: "+layout.PixelFormat.String()+", size: 320x240}}")
		f, err := madeUp(cam, "absent")
		if err != nil {
			t.Errorf("%s: %v", layout.PixelFormat, err)
			continue
		}
		p, err := preproc.New(preproc.View{}, []preproc.Spec{{Width: 64, Height: 64}})
		if err != nil {
			t.Fatal(err)
		}
		img := &preproc.Image{Data: make([]byte, 64*64*3)}
		for i, planes := range f.Frames {
			frame := &capture.Frame{Format: f.Format, Planes: planes}
			if _, err := p.Process(t.Context(), frame, []*preproc.Image{img}); err != nil {
				t.Errorf("%s: frame %d: %v", layout.PixelFormat, i, err)
			}
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
