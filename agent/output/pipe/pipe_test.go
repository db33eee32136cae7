package pipe

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/stream"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/capture/replay"
	"github.com/edge-agent/agent/preproc"
)

const width, height = 64, 48

// open makes a pipe of pictures of 64x48 to a command that is given its
// arguments, and closes it.
func open(t *testing.T, change func(*Config), command ...string) *Pipe {
	t.Helper()
	cfg := Config{
		Command: command, Dir: t.TempDir(), Width: width, Height: height,
		Stream: stream.Config{Format: stream.Raw, Camera: "front", Spec: preproc.Spec{Name: "feed"}},
	}
	if change != nil {
		change(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// running waits until the command is a process of that name.
func running(t *testing.T, p *Pipe, name string) {
	t.Helper()
	eventually(t, "it is "+name, func() bool {
		comm, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", p.Stats().PID))
		return err == nil && string(comm) == name+"\n"
	})
}

func patient(c *Config) { c.Patience = 10 * time.Second }

// picture is all of its number.
func picture(n int) *preproc.Image {
	img := &preproc.Image{
		Width: width, Height: height, Sequence: uint64(n), Timestamp: capture.Monotonic(), Interval: 40 * time.Millisecond,
		Data: make([]byte, width*height*3),
	}
	for i := 0; i < len(img.Data); i += 4 {
		binary.LittleEndian.PutUint32(img.Data[i:], uint32(n))
	}
	return img
}

func write(t *testing.T, p *Pipe, images ...*preproc.Image) {
	t.Helper()
	for _, img := range images {
		if err := p.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
	}
}

func closed(t *testing.T, p *Pipe) Stats {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return p.Stats()
}

// eventually waits until it is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(20 * time.Second)
	for !so() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("not in 20 s: " + what)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// numbers are those of the pictures in a file, which has nothing but whole ones.
func numbers(t *testing.T, path string) (list []int) {
	t.Helper()
	data := read(t, path)
	for len(data) > 0 {
		n := int(binary.LittleEndian.Uint32(data))
		want := picture(n).Data
		if !bytes.HasPrefix(data, want) {
			t.Fatalf("after %d pictures: %d bytes that are none", len(list), len(data))
		}
		list, data = append(list, n), data[len(want):]
	}
	return list
}

const intoFile = `exec cat > "$0"`

func TestPatientPipeLosesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	p := open(t, patient, "sh", "-c", intoFile, file)
	for n := range 1000 {
		img := picture(n)
		write(t, p, img)
		clear(img.Data) // it was only borrowed
	}
	if s := closed(t, p); s.Delivered != 1000 || s.Missed != 0 || s.Ends != 0 || s.Err != nil || s.PID != 0 {
		t.Errorf("%+v", s)
	}
	list := numbers(t, file)
	if len(list) != 1000 || list[0] != 0 || list[999] != 999 {
		t.Errorf("%d pictures", len(list))
	}
	if err := p.Write(t.Context(), picture(0)); err != ErrClosed {
		t.Errorf("after Close: %v", err)
	}
}

func TestY4MBeginsWithItsHeader(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	p := open(t, func(c *Config) { c.Stream.Format = stream.Auto; patient(c) }, "sh", "-c", intoFile, file)
	write(t, p, picture(1), picture(2), picture(3))
	closed(t, p)
	source, err := replay.Open(t.Context(), replay.Config{Path: file, Unpaced: true, Lossless: true})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	for range 3 {
		f, err := source.Read(t.Context())
		if err != nil || f.Fault != capture.FaultNone || f.Format.Width != width || f.Format.Interval != 40*time.Millisecond {
			t.Fatalf("%+v, %v", f, err)
		}
		f.Release()
	}
}

// A command that stands still costs old frames: what it gets then is whole, and
// the newest.
func TestSlowCommandGetsTheNewest(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	p := open(t, nil, "sh", "-c", intoFile, file)
	write(t, p, picture(0))
	eventually(t, "the first is delivered", func() bool { return p.Stats().Delivered == 1 })
	pid := p.Stats().PID
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	const n = 2000
	for i := range n {
		write(t, p, picture(1+i))
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("%d images took %v", n, took)
	}
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the last is delivered", func() bool { s := p.Stats(); return s.Delivered+s.Missed == n+1 })
	s := closed(t, p)
	list := numbers(t, file)
	if len(list) != int(s.Delivered) || s.Missed < n/2 || list[len(list)-1] != n {
		t.Errorf("%d pictures, the last is %d; %+v", len(list), list[len(list)-1], s)
	}
	for i := 1; i < len(list); i++ {
		if list[i] <= list[i-1] {
			t.Errorf("%d after %d", list[i], list[i-1])
		}
	}
}

func TestAnotherRateIsAnotherStream(t *testing.T) {
	base := filepath.Join(t.TempDir(), "out")
	p := open(t, func(c *Config) { c.Stream.Format = stream.Y4M; patient(c) }, "sh", "-c", `exec cat > "$0.$$"`, base)
	fast := picture(2)
	fast.Interval /= 2
	write(t, p, picture(1), fast, fast)
	if s := closed(t, p); s.Ends != 0 || s.Delivered != 3 {
		t.Errorf("%+v", s)
	}
	files, err := filepath.Glob(base + ".*")
	if err != nil || len(files) != 2 {
		t.Fatalf("%q, %v", files, err)
	}
	one, two := read(t, files[0]), read(t, files[1])
	if len(one) > len(two) {
		one, two = two, one
	}
	const frame = 6 + width*height*3/2
	if !bytes.Contains(one[:40], []byte(" F25:1 ")) || !bytes.Contains(two[:40], []byte(" F50:1 ")) || len(two)-len(one) != frame {
		t.Errorf("%d bytes of %.40q, %d of %.40q", len(one), one, len(two), two)
	}
}

func TestCommandHasNothingOfOursButItsInput(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "/run/secret")
	t.Setenv("EXTRA_TOKEN", "abc")
	file := filepath.Join(t.TempDir(), "out")
	p := open(t, func(c *Config) { c.Stream.Every = 10 * time.Second }, "sh", "-c",
		`{ echo; pwd; env; } > "$0"; exec cat`, file)
	write(t, p, picture(0))
	running(t, p, "cat")
	has := inheritable(t, strconv.Itoa(p.Stats().PID))
	for fd, target := range inheritable(t, "self") { // whoever started the test
		if n, _ := strconv.Atoi(fd); n > 2 && has[fd] == target {
			delete(has, fd)
		}
	}
	if len(has) != 3 || has["1"] != os.DevNull || !strings.HasPrefix(has["0"], "pipe:") || !strings.HasPrefix(has["2"], "pipe:") {
		t.Errorf("it has the descriptors %v", has)
	}
	closed(t, p)
	text := string(read(t, file))
	for _, want := range []string{
		p.cfg.Dir, "EDGE_AGENT_CAMERA=front", "EDGE_AGENT_OUTPUT=feed", "EDGE_AGENT_FORMAT=raw", "EDGE_AGENT_WIDTH=64", "EDGE_AGENT_HEIGHT=48",
		"EDGE_AGENT_CHANNELS=3", "EDGE_AGENT_DTYPE=uint8", "EDGE_AGENT_LAYOUT=hwc", "EDGE_AGENT_COLOR=rgb", "EDGE_AGENT_RATE=1/10", "EXTRA_TOKEN=abc",
	} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(text, "NOTIFY_SOCKET") {
		t.Error("it may speak to systemd")
	}
}

// inheritable are the descriptors of a process that its children get.
func inheritable(t *testing.T, process string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir("/proc/" + process + "/fd")
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]string{}
	for _, e := range entries {
		info, err := os.ReadFile("/proc/" + process + "/fdinfo/" + e.Name())
		if err != nil {
			continue // that of the directory
		}
		_, flags, _ := strings.Cut(string(info), "flags:\t")
		flags, _, _ = strings.Cut(flags, "\n")
		if bits, err := strconv.ParseInt(flags, 8, 64); err != nil || bits&syscall.O_CLOEXEC == 0 {
			has[e.Name()], _ = os.Readlink("/proc/" + process + "/fd/" + e.Name())
		}
	}
	return has
}

func TestConfigFaultsAreNamed(t *testing.T) {
	for want, cfg := range map[string]Config{
		"no command": {},
		"y4m":        {Command: []string{"cat"}, Stream: stream.Config{Format: stream.Y4M, Spec: preproc.Spec{Encode: preproc.JPEG}}},
	} {
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	p := open(t, nil, "cat")
	if err := p.Write(t.Context(), &preproc.Image{Data: make([]byte, width*height*3+1)}); err == nil {
		t.Error("an image that is too large was taken")
	}
}

func TestStandingPipeAllocatesNothing(t *testing.T) {
	p := open(t, func(c *Config) { c.Stream.Format = stream.NDJSON }, "sh", "-c", "exec cat > /dev/null")
	img := picture(1)
	ctx := context.Background()
	deliver := func() {
		before := p.Stats().Delivered
		if err := p.Write(ctx, img); err != nil {
			t.Fatal(err)
		}
		for p.Stats().Delivered == before {
			runtime.Gosched()
		}
	}
	deliver()
	deliver()
	if n := testing.AllocsPerRun(200, deliver); n > 0.5 {
		t.Errorf("%v allocations an image", n)
	}
}

func TestVolunteersToBeKilledFirst(t *testing.T) {
	p := open(t, nil, "sh", "-c", "exec cat > /dev/null")
	write(t, p, picture(0))
	eventually(t, "it runs", func() bool { return p.Stats().Delivered == 1 })
	if text := string(read(t, "/proc/"+strconv.Itoa(p.Stats().PID)+"/oom_score_adj")); strings.TrimSpace(text) != "500" {
		t.Errorf("oom_score_adj is %s", text)
	}
}
