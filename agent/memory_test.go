//go:build !race

package agent

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The race detector takes several times as much.

// footprint is what the agent may take, and each of its workers as much again,
// beyond the memory of frames that the config fixes: the camera's buffers and the
// slots of rings.
const footprint = 15e6

const model = `
cameras:
  front:
    device: {%s}
    mode: {%s}
    outputs:
      model: {size: 640x640, fit: letterbox, color: rgb, dtype: float32, layout: chw}
      preview: {size: 640x360, fit: stretch, encode: jpeg}
`

// The kernel's proportional set size, of which the sum over processes is what
// they all take: shared pages are split among those that have them.
func TestAgentAndWorkerAreSmall(t *testing.T) {
	const width, height, pictures = 1920, 1080, 6
	clip := filepath.Join(t.TempDir(), "clip.mjpg")
	recording := mjpeg(t, width, height, pictures)
	if err := os.WriteFile(clip, recording, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		device, mode string
		frames       int // after these, known ones were learnt and have come by
		buffers      int // bytes, of the camera, and of a copy for the worker
	}{
		"idle": {"pattern: bars", "size: 160x120, rate: 1", 2, 0},
		"MJPG": {"replay: " + clip + ", loop: true", "rate: 30", 90, (4 + 1) * len(recording) / pictures},
		"YUYV": {"pattern: bars", "size: 1920x1080, rate: 30, format: YUYV", 90, (4 + 1) * 2 * width * height},
	} {
		t.Run(name, func(t *testing.T) {
			m := newManager(t)
			m.start(fmt.Sprintf(model, c.device, c.mode))
			consumer := follow(t, m.dir+"/front/model.sock")
			for range c.frames {
				if _, err := consumer.in.Next(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			frames := c.buffers // in the agent's memory
			for _, pid := range family(t, m.process.Process.Pid) {
				size, rings := resident(t, pid)
				size, frames = size-frames, 0
				t.Logf("process %d: %d kB, and %d of rings", pid, size/1000, rings/1000)
				if size > footprint {
					t.Errorf("process %d takes %d kB, beyond frames; allowed: %d", pid, size/1000, int(footprint)/1000)
				}
			}
		})
	}
}

// mjpeg are noisy pictures, one after the other.
func mjpeg(t *testing.T, width, height, n int) []byte {
	t.Helper()
	var clip bytes.Buffer
	for i := range n {
		img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
		r := rand.New(rand.NewPCG(1, uint64(i)))
		for p, plane := range [][]byte{img.Y, img.Cb, img.Cr} {
			for j := range plane {
				plane[j] = byte(64 + j>>(12-p)%128 + r.IntN(24))
			}
		}
		if err := jpeg.Encode(&clip, img, nil); err != nil {
			t.Fatal(err)
		}
	}
	return clip.Bytes()
}

// family is a process and its children.
func family(t *testing.T, pid int) []int {
	t.Helper()
	pids := []int{pid}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("no threads of process %d: %v", pid, err)
	}
	for _, task := range tasks {
		text, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for _, word := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, child)
		}
	}
	if len(pids) < 2 {
		t.Fatal("the agent has no worker")
	}
	return pids
}

// resident is the proportional set size of a process in bytes, without and
// of its rings.
func resident(t *testing.T, pid int) (size, rings int) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", pid))
	if err != nil {
		t.Fatal(err)
	}
	into := &size
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		switch {
		case words[0] == "Pss:":
			kibi, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			*into += kibi << 10
		case !strings.HasSuffix(words[0], ":"): // the line that names a mapping
			into = &size
			if strings.Contains(line, "/memfd:edge-agent:front/") {
				into = &rings
			}
		}
	}
	return size, rings
}
