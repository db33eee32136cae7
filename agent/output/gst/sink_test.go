package gst

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

func TestClientGetsEveryFrameWhole(t *testing.T) {
	s := open(t, nil)
	p := connect(t, s)
	for n := range 1000 {
		want := frame(n, s.cfg.MaxBytes)
		if n%2 == 0 { // the one half in the memory that is lent
			copy(s.Lend(), want)
			write(t, s, s.Lend())
		} else {
			write(t, s, want)
		}
		p.expect(want)
	}
	if st := s.Stats(); st.Sent != 1000 || st.Missed != 0 {
		t.Errorf("%+v", st)
	}
}

func TestLentMemoryIsNotCopied(t *testing.T) {
	s := open(t, nil)
	p := connect(t, s)
	lent := s.Lend()
	write(t, s, lent)
	data, _ := p.must()
	lent[5]++ // which only a test does
	if data[5] != lent[5] {
		t.Error("the client sees other memory than was lent")
	}
}

// GStreamer's rows begin at multiples of 4 bytes.
func TestRowsAreWherePlainCapsSay(t *testing.T) {
	for _, c := range []struct {
		color         preproc.Color
		width, stride int
	}{{preproc.RGB, 30, 92}, {preproc.BGR, 31, 96}, {preproc.Gray, 33, 36}, {preproc.RGB, 32, 96}, {preproc.Gray, 32, 32}} {
		spec := preproc.Spec{Name: "video", Width: c.width, Height: 5, Color: c.color}
		s := open(t, func(cfg *Config) { cfg.Spec = spec })
		p := connect(t, s)
		image := s.Lend()
		copy(image, frame(1, len(image)))
		write(t, s, image)
		data, _ := p.must()
		row := c.width * spec.Channels()
		if len(image) != 5*row || len(data) != 5*c.stride {
			t.Fatalf("%+v: image of %d bytes, buffer of %d", c, len(image), len(data))
		}
		for y := range 5 {
			if !bytes.Equal(data[y*c.stride:][:row], image[y*row:][:row]) {
				t.Errorf("%+v: row %d differs", c, y)
			}
		}
	}
}

func TestJPEGHasItsOwnLength(t *testing.T) {
	s := open(t, func(c *Config) { c.Spec.Encode = preproc.JPEG })
	p := connect(t, s)
	for _, n := range []int{1, 777, s.cfg.MaxBytes} {
		write(t, s, frame(n, n))
		p.expect(frame(n, n))
	}
}

func TestNothingIsWantedWhileNobodyIsThere(t *testing.T) {
	s := open(t, nil)
	if s.Wanted() {
		t.Error("wanted by nobody")
	}
	write(t, s, frame(1, s.cfg.MaxBytes))
	p := connect(t, s)
	if !s.Wanted() {
		t.Error("not wanted by a client")
	}
	write(t, s, frame(2, s.cfg.MaxBytes))
	p.expect(frame(2, s.cfg.MaxBytes))
	p.close()
	eventually(t, "nobody is there", func() bool { return !s.Wanted() })
}

func TestImageThatDoesNotFitIsRefused(t *testing.T) {
	s := open(t, nil)
	for _, img := range []preproc.Image{
		{Width: 65, Height: 32, Data: make([]byte, 65*32*3)},
		{Width: 64, Height: 32, Data: make([]byte, 10)},
		{Width: 64, Height: 32},
	} {
		if err := s.Write(t.Context(), &img); err == nil || !strings.Contains(err.Error(), "write to gst-shm") {
			t.Errorf("%dx%d, %d bytes: %v", img.Width, img.Height, len(img.Data), err)
		}
	}
}

func TestConfigThatGStreamerHasNoCapsForIsRefused(t *testing.T) {
	for _, spec := range []preproc.Spec{
		{Width: 8, Height: 8, DType: preproc.Float32},
		{Width: 8, Height: 8, Layout: preproc.CHW},
		{Width: 8, Height: 8, Scale: 0.5},
	} {
		if _, err := New(Config{Socket: filepath.Join(t.TempDir(), "s"), Spec: spec}); err == nil || !strings.Contains(err.Error(), "allowed: raw uint8") {
			t.Errorf("%+v: %v", spec, err)
		}
	}
	for _, slots := range []int{4, 65} {
		if _, err := New(Config{Socket: filepath.Join(t.TempDir(), "s"), Spec: pixels, Slots: slots}); err == nil || !strings.Contains(err.Error(), "5 to 64") {
			t.Errorf("%d slots: %v", slots, err)
		}
	}
}

func TestCapsAreThoseToPaste(t *testing.T) {
	for want, c := range map[string]struct {
		spec preproc.Spec
		rate float64
	}{
		"video/x-raw,format=RGB,width=640,height=480,framerate=30/1":       {preproc.Spec{}, 30},
		"video/x-raw,format=BGR,width=640,height=480,framerate=0/1":        {preproc.Spec{Color: preproc.BGR}, 0},
		"video/x-raw,format=GRAY8,width=640,height=480,framerate=2997/100": {preproc.Spec{Color: preproc.Gray}, 29.97},
		"image/jpeg,width=640,height=480,framerate=1/10":                   {preproc.Spec{Encode: preproc.JPEG}, 0.1},
		"image/jpeg,width=640,height=480,framerate=15/2":                   {preproc.Spec{Encode: preproc.JPEG}, 7.5},
	} {
		if line := Pipeline("/run/s", &c.spec, 640, 480, c.rate); line != "shmsrc socket-path=/run/s is-live=true do-timestamp=true ! "+want+" ! ..." {
			t.Error(line)
		}
		if got := Caps(&c.spec, 640, 480, c.rate); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestCloseLeavesNothing(t *testing.T) {
	before := descriptors(t)
	s := open(t, nil)
	p := connect(t, s)
	write(t, s, frame(1, s.cfg.MaxBytes))
	data, _ := p.must()
	if len(areas(t, s)) != s.cfg.Slots {
		t.Errorf("%q", areas(t, s))
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Fatal(err)
	}
	p.expectEnd()
	if !bytes.Equal(data, frame(1, len(data))) {
		t.Error("the frame that a client has was changed by Close")
	}
	p.close()
	if n := descriptors(t); n != before || len(areas(t, s)) != 0 {
		t.Errorf("%d descriptors, before there were %d; %q", n, before, areas(t, s))
	}
	if err := s.Write(t.Context(), &preproc.Image{}); !errors.Is(err, ErrClosed) || s.Lend() != nil {
		t.Errorf("after Close: %v", err)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestMemoryIsForTheGroupToRead(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	group := os.Getgid()
	if os.Getuid() == 0 {
		group = 4242 // root may give to any group
	}
	s := open(t, func(c *Config) { c.Group = group })
	for _, name := range append(areas(t, s), s.cfg.Socket) {
		var st unix.Stat_t
		if err := unix.Stat(name, &st); err != nil {
			t.Fatal(err)
		}
		want := uint32(0o640)
		if name == s.cfg.Socket {
			want = 0o660
		}
		if st.Mode&0o777 != want || int(st.Gid) != group {
			t.Errorf("%s: mode %o of group %d, want %o", name, st.Mode, st.Gid, want)
		}
	}
}

func TestTooLittleMemoryIsAnErrorAndLeavesNothing(t *testing.T) {
	var st unix.Statfs_t
	if err := unix.Statfs(directory, &st); err != nil {
		t.Fatal(err)
	}
	n := names{directory, "edge-agent-test-" + filepath.Base(t.TempDir()) + "-"}
	_, err := n.newArea(int(st.Blocks+1)*int(st.Bsize), 0)
	if !errors.Is(err, unix.ENOSPC) || !strings.Contains(err.Error(), "are free") {
		t.Errorf("%v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(directory, n.prefix+"*")); left != nil {
		t.Errorf("%q", left)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	s := open(t, nil)
	p := connect(t, s)
	img := &preproc.Image{Spec: &s.cfg.Spec, Width: 64, Height: 32}
	once := func() {
		img.Data = s.Lend()
		if err := s.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
		_, offset := p.must()
		p.giveBack(offset)
	}
	once()
	if n := testing.AllocsPerRun(200, once); n > 0.5 {
		t.Errorf("%v allocations a frame", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	s := open(b, func(c *Config) { c.Spec.Width, c.Spec.Height = 640, 640 })
	p := connect(b, s)
	image := frame(1, s.cfg.MaxBytes)
	b.SetBytes(int64(len(image)))
	b.ReportAllocs()
	for b.Loop() {
		write(b, s, image)
		_, offset := p.must()
		p.giveBack(offset)
	}
}
