package bench

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/config"
	"github.com/edge-agent/agent/capture"
)

func parse(t *testing.T, yaml string) *config.Config {
	t.Helper()
	cfg, err := config.Parse("test.yaml", []byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// footage is frames that differ, of a size that is quick to preprocess.
func footage(t *testing.T, p capture.PixelFormat) Footage {
	t.Helper()
	if p == capture.MJPG {
		file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "jpeg", "422.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		return Footage{Format: capture.DefaultFormat(p, 320, 240), Frames: [][capture.MaxPlanes][]byte{{file}}, Rate: 25}
	}
	f := Footage{Format: capture.DefaultFormat(p, 320, 240)}
	for n := range 3 {
		frame := capture.Frame{Format: f.Format}
		for i := range p.Layout().Planes {
			f.Format.Stride[i] = f.Format.RowBytes(i)
			frame.Format = f.Format
			frame.Planes[i] = make([]byte, f.Format.PlaneBytes(i))
			for k := range frame.Planes[i] {
				frame.Planes[i][k] = byte(k*7 + n*31)
			}
		}
		f.Add(&frame)
	}
	return f
}

const twoOutputs = `
cameras:
  front:
    device: {pattern: bars}
    outputs:
      model: {size: 160x160, dtype: float32, layout: chw}
      archive: {size: 1280x960, encode: jpeg, every: 10s, files: {dir: front, keep: 1MiB}}
limits: {memory: 300MiB}
`

func TestReportOfRealWork(t *testing.T) {
	for name, isolation := range map[string]config.Isolation{"process": config.Process, "none": config.None} {
		for _, format := range []capture.PixelFormat{capture.NV12, capture.YUYV, capture.MJPG} {
			t.Run(name+"/"+format.String(), func(t *testing.T) {
				cfg := parse(t, twoOutputs)
				told := 0.0
				r, err := Run(t.Context(), Options{
					Cameras: cfg.Cameras, Isolation: isolation, Limits: cfg.Limits, Duration: 300 * time.Millisecond,
					Frames:   func(context.Context, config.Camera) (Footage, error) { return footage(t, format), nil },
					Progress: func(_ string, done float64) { told = done },
				})
				if err != nil {
					t.Fatal(err)
				}
				c := r.Cameras[0]
				if c.Error != "" || c.Format != format.String() || c.Width != 320 || c.Rate <= 0 {
					t.Fatalf("camera %+v", c)
				}
				if c.FrameMS <= 0 || c.SharedMS <= 0 || c.SharedMS > c.FrameMS || c.P50MS <= 0 || c.P99MS < c.P50MS || c.FramesPerSecond <= 0 || c.Measured < 2 {
					t.Errorf("times %+v", c)
				}
				if len(c.Outputs) != 2 || c.Outputs[0].Name != "model" || c.Outputs[1].Every != 10 {
					t.Errorf("outputs %+v", c.Outputs)
				}
				if c.Load <= 0 || c.Load >= c.FrameMS*c.Rate/1000 || c.Holds.Binds == "" {
					t.Errorf("load %v, holds %+v", c.Load, c.Holds)
				}
				if r.MemoryLimit != 300<<20 || r.MemoryLimitOf != "limits.memory" || r.Memory <= r.AgentMemory || r.CPUs < 1 {
					t.Errorf("report %+v", r)
				}
				if told <= 0 {
					t.Error("no progress was told")
				}
			})
		}
	}
}

// Nothing is left behind, whatever happens.
func TestCameraThatFailsIsPartOfTheReport(t *testing.T) {
	before := files(t)
	cfg := parse(t, twoOutputs)
	damaged := footage(t, capture.MJPG)
	damaged.Frames[0][0] = damaged.Frames[0][0][:40]
	for want, frames := range map[string]func() (Footage, error){
		"corrupt":   func() (Footage, error) { return damaged, nil },
		"no frames": func() (Footage, error) { return Footage{Format: capture.DefaultFormat(capture.NV12, 64, 48)}, nil },
		"unplugged": func() (Footage, error) { return Footage{}, errors.New("unplugged") },
	} {
		r, err := Run(t.Context(), Options{
			Cameras: cfg.Cameras, Limits: cfg.Limits, Duration: time.Millisecond,
			Frames: func(context.Context, config.Camera) (Footage, error) { return frames() },
		})
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Cameras[0]; !strings.Contains(c.Error, want) || c.Holds.Cameras != 0 {
			t.Errorf("camera %+v, want an error with %q", c, want)
		}
	}
	if after := files(t); after != before {
		t.Errorf("files in memory: %d before, %d after", before, after)
	}
}

func files(t *testing.T) int {
	t.Helper()
	left, err := filepath.Glob("/dev/shm/agent-bench*")
	if err != nil {
		t.Fatal(err)
	}
	return len(left)
}

func TestEndOfTheContextEndsTheRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := parse(t, twoOutputs)
	_, err := Run(ctx, Options{Cameras: cfg.Cameras, Limits: cfg.Limits, Duration: time.Hour,
		Frames: func(context.Context, config.Camera) (Footage, error) { return footage(t, capture.NV12), nil }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLoadCountsWhatIsDue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		camera Camera
		want   float64
	}{
		{"each frame", Camera{Rate: 30, FrameMS: 10, Outputs: []Output{{"a", 4, 0}, {"b", 2, 0}}}, 0.3},
		{"one of them seldom", Camera{Rate: 30, FrameMS: 10, Outputs: []Output{{"a", 4, 0}, {"b", 2, 10}}}, 0.2402},
		{"all seldom", Camera{Rate: 30, FrameMS: 10, Outputs: []Output{{"a", 6, 10}}}, 0.001},
		{"slower than the camera's interval only", Camera{Rate: 1, FrameMS: 10, Outputs: []Output{{"a", 4, 0.5}}}, 0.01},
	} {
		if got := c.camera.load(); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v CPUs, want %v", c.name, got, c.want)
		}
	}
}

func TestHoldsNamesWhatBinds(t *testing.T) {
	t.Parallel()
	r := &Report{CPUs: 4, MemoryLimit: 400, AgentMemory: 20}
	for _, c := range []struct {
		load   float64
		memory int64
		want   Holds
	}{
		{0.5, 10, Holds{6, 6, 30, "cpu"}},
		{0.1, 100, Holds{3, 32, 3, "memory"}},
		{0.1, 1000, Holds{0, 32, 0, "memory"}},
	} {
		camera := Camera{Load: c.load, Memory: c.memory}
		if camera.holds(r); camera.Holds != c.want {
			t.Errorf("load %v, memory %v: %+v, want %+v", c.load, c.memory, camera.Holds, c.want)
		}
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	r := Report{
		CPUs: 2, MemoryLimit: 400 << 20, MemoryLimitOf: "limits.memory", AgentMemory: 10 << 20, Load: 0.24, Memory: 34 << 20,
		Cameras: []Camera{
			{Name: "front", Format: "MJPG", Width: 1920, Height: 1080, Rate: 30, MadeUp: "busy", FrameMS: 8, SharedMS: 7,
				Outputs:         []Output{{"model", 0.75, 0}, {"archive", 0.25, 10}},
				FramesPerSecond: 120, P50MS: 8.1, P99MS: 9.5, Memory: 24 << 20, Load: 0.24, Holds: Holds{6, 6, 12, "cpu"}},
			{Name: "hall", Error: "no frame"},
		},
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := `2 CPUs, 400 MiB of memory (limits.memory); counted on: 80 % of both

front                                 MJPG 1920x1080 at 30/s
  frames                              made up: busy
  decode, and what all outputs share    7.00 ms
  output model                          0.75 ms
  output archive                        0.25 ms, every 10s
  a frame                               8.00 ms of CPU
  at most                              120.0 frames/s, 8.10 ms each at the median, 9.50 at p99
  at its rate                           0.24 CPUs, 24.0 MiB
  this device holds                        6 such cameras: the CPU binds, memory would do for 12

hall  no frame

all together  0.24 of 2 CPUs, 34 of 400 MiB
`
	if b.String() != want {
		t.Errorf("printed:\n%s\nwant:\n%s", b.String(), want)
	}
}
