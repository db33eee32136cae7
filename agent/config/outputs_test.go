package config

import (
	"reflect"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
)

func TestFilesAndPipesAreRead(t *testing.T) {
	c, err := Parse("a.yaml", []byte(`
cameras:
  front:
    device: {pattern: bars}
    outputs:
      archive: {files: {dir: /srv/frames, keep: 2GiB, keep-for: 7d, on: verdict, sidecar: true}}
      short: {files: {keep-for: 1.5d}}
      hours: {files: {keep-for: 36h30m}}
      film: {pipe: {command: [ffmpeg, -i, "-", "-c:v", copy, 0123, true, out.mkv], format: raw}}
      events: {pipe: {command: [cat], format: ndjson, data: false}}
`))
	if err != nil {
		t.Fatal(err)
	}
	out := c.Cameras[0].Outputs
	if want := (Files{Dir: "/srv/frames", Keep: 2 << 30, KeepFor: 168 * time.Hour, On: Verdict, Sidecar: true}); *out[0].Files != want {
		t.Errorf("%+v", *out[0].Files)
	}
	if want := (Files{Dir: "front/short", Keep: 256 << 20, KeepFor: 36 * time.Hour}); *out[1].Files != want {
		t.Errorf("%+v", *out[1].Files)
	}
	if out[2].Files.KeepFor != 36*time.Hour+30*time.Minute {
		t.Errorf("%+v", *out[2].Files)
	}
	if want := (Pipe{Command: []string{"ffmpeg", "-i", "-", "-c:v", "copy", "0123", "true", "out.mkv"}, Format: stream.Raw, Data: true}); !reflect.DeepEqual(*out[3].Pipe, want) || out[3].Ring != nil {
		t.Errorf("%+v", *out[3].Pipe)
	}
	if out[4].Pipe.Data || out[4].Pipe.Format != stream.NDJSON {
		t.Errorf("%+v", *out[4].Pipe)
	}
}
