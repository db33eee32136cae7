package config

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// A text makes the same config when the files are gone, those that it names included.
func TestTextOutlivesItsFiles(t *testing.T) {
	calibration, err := os.ReadFile(calibrations + "pinhole-5.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := write(t, map[string]string{
		"agent.yaml":         "cameras: {front: {device: {replay: a.mjpeg}, mode: {size: 320x240}, preprocess: {undistort: lens.yaml}}}\n",
		"agent.d/10-on.yaml": "log: {level: debug}\n",
		"lens.yaml":          string(calibration),
	})
	text, err := Read(filepath.Join(dir, "agent.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := text.Config()
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	var kept Text
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	got, err := kept.Config()
	if err != nil || !reflect.DeepEqual(got, want) || got.Camera("front").View.Lens.Width != 320 {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if _, err := Read(filepath.Join(dir, "agent.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the files are gone: %v", err)
	}
}
