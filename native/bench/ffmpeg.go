package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/edge-agent/agent/native/bench/contest"
)

// scalers are what ffmpeg is told of scaling: nothing, what is cheapest, and
// the cheapest that averages. -lowres gains nothing here: it was tried.
var scalers = map[string]string{"default": "", "tuned": ":flags=fast_bilinear", "area": ":flags=area"}

// ffmpeg is the command line, which starts anew for each batch. What a start
// takes is taken off, by another start for one frame; that the frames are read
// from a file is not, for it has no other way to get them. It ends with bytes:
// the rest of the way to a tensor costs it nothing here.
type ffmpeg struct {
	ctx     context.Context
	path    string
	input   []string
	filter  []string
	frames  string
	width   int
	height  int
	scratch string
}

func newFFmpeg(ctx context.Context, w way, j job, o options) (*ffmpeg, error) {
	path, err := exec.LookPath("ffmpeg")
	if err != nil {
		return nil, errAbsent
	}
	scratch, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	f := &ffmpeg{ctx: ctx, path: path, frames: j.path(o.frames), width: j.width, height: j.height, scratch: scratch}
	if j.format == "MJPG" {
		f.input = []string{"-f", "mjpeg"}
	} else {
		pixels := map[string]string{"YUYV": "yuyv422", "NV12": "nv12"}[j.format]
		f.input = []string{"-f", "rawvideo", "-pixel_format", pixels, "-video_size", fmt.Sprintf("%dx%d", j.width, j.height)}
	}
	rows := j.contentRows()
	f.filter = []string{"-vf", fmt.Sprintf("scale=%d:%d%s,pad=%d:%d:0:%d:color=0x727272,format=rgb24",
		side, rows, scalers[w.way], side, side, (side-rows)/2)}
	if w.way != "default" {
		f.input = append([]string{"-threads", "1"}, f.input...)
		f.filter = append([]string{"-filter_threads", "1"}, f.filter...)
	}
	return f, nil
}

// convert runs ffmpeg over the first n frames of a recording.
func (f *ffmpeg) convert(recording string, n int, to string) (time.Duration, error) {
	arguments := []string{"-nostdin", "-v", "error", "-y"}
	arguments = append(arguments, f.input...)
	arguments = append(arguments, "-i", recording, "-frames:v", strconv.Itoa(n))
	arguments = append(arguments, f.filter...)
	command := exec.CommandContext(f.ctx, f.path, append(arguments, "-f", "rawvideo", to)...)
	if out, err := command.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("ffmpeg: %w: %s", err, out)
	}
	return command.ProcessState.UserTime() + command.ProcessState.SystemTime(), nil
}

func (f *ffmpeg) run(n int) (time.Duration, error) {
	whole, err := f.convert(f.frames, n+1, os.DevNull)
	if err != nil {
		return 0, err
	}
	start, err := f.convert(f.frames, 1, os.DevNull)
	return whole - start, err
}

func (f *ffmpeg) frame(i int) ([]byte, error) {
	all, err := contest.OpenFrames(f.frames)
	if err != nil {
		return nil, err
	}
	one, out := filepath.Join(f.scratch, "one"), filepath.Join(f.scratch, "out")
	if err := os.WriteFile(one, all.At(i), 0o600); err != nil {
		return nil, err
	}
	if _, err := f.convert(one, 1, out); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

func (f *ffmpeg) close() error { return os.RemoveAll(f.scratch) }
