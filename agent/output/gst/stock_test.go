//go:build gstreamer

package gst

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/bits"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// A pipeline is stock gst-launch-1.0, whose last element writes to out.
type pipeline struct {
	*exec.Cmd
	out  io.Reader
	said *bytes.Buffer
}

// launch starts a pipeline from shmsrc through elements to fdsink, which the
// Sink knows when it returns.
func launch(t *testing.T, s *Sink, elements ...string) *pipeline {
	t.Helper()
	line := strings.Fields(strings.TrimSuffix(Pipeline(s.cfg.Socket, &s.cfg.Spec, s.cfg.Width, s.cfg.Height, 30), "! ..."))
	line = append(line, elements...)
	p := &pipeline{Cmd: exec.Command("gst-launch-1.0", append([]string{"-q"}, append(line, "!", "fdsink", "fd=1", "sync=false")...)...), said: &bytes.Buffer{}}
	p.Stderr = p.said
	var err error
	if p.out, err = p.StdoutPipe(); err == nil {
		before := s.Stats().Clients
		err = p.Start()
		t.Cleanup(func() { p.Process.Kill(); p.Wait() })
		if err == nil {
			eventually(t, "the pipeline is connected", func() bool { return s.Stats().Clients > before })
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *pipeline) read(t *testing.T, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(p.out, b); err != nil {
		p.Wait()
		t.Fatalf("%v; it says: %s", err, p.said)
	}
	return b
}

// unhurried writes when every client has room for the frame, as it has at the
// pace of a camera.
func unhurried(t *testing.T, s *Sink, data []byte) {
	t.Helper()
	eventually(t, "every client has room", func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, c := range s.clients {
			if bits.OnesCount64(c.held) >= s.cfg.hold() {
				return false
			}
		}
		return true
	})
	write(t, s, data)
}

func TestStockGStreamerReadsAThousandFrames(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"RGB":          func(c *Config) { c.Spec.Width, c.Spec.Height = 640, 640 },
		"GRAY8":        func(c *Config) { c.Spec.Color = preproc.Gray },
		"BGR, slots 5": func(c *Config) { c.Spec.Color, c.Slots = preproc.BGR, 5 },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, change)
			p := launch(t, s)
			done := make(chan struct{})
			go func() {
				defer close(done)
				for n := range 1000 {
					unhurried(t, s, numbered(n, s.cfg.MaxBytes))
				}
			}()
			for n := range 1000 {
				if got := p.read(t, s.cfg.MaxBytes); sha256.Sum256(got) != sha256.Sum256(numbered(n, len(got))) {
					t.Fatalf("frame %d differs", n)
				}
			}
			<-done
			if st := s.Stats(); st.Sent != 1000 || st.Missed+st.Broken+st.HungUp != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// numbered is a frame unlike all others.
func numbered(n, size int) []byte {
	b := frame(n, size)
	copy(b, fmt.Sprintf("%08d", n))
	return b
}

// Plain caps are right for every width: videoconvert finds the pixels.
func TestStockGStreamerFindsPaddedRows(t *testing.T) {
	for _, width := range []int{29, 30, 31, 33} {
		s := open(t, func(c *Config) { c.Spec.Width = width })
		p := launch(t, s, "!", "videoconvert", "!", "video/x-raw,format=RGBA")
		picture := frame(1, s.cfg.MaxBytes)
		for range 3 {
			unhurried(t, s, picture)
		}
		rgba := p.read(t, width*32*4)
		for i := range width * 32 {
			if !bytes.Equal(rgba[4*i:][:3], picture[3*i:][:3]) {
				t.Fatalf("width %d: pixel %d is %v, want %v", width, i, rgba[4*i:][:3], picture[3*i:][:3])
			}
		}
	}
}

func TestStockGStreamerDecodesJPEG(t *testing.T) {
	red := image.NewRGBA(image.Rect(0, 0, 64, 32))
	for i := range red.Pix {
		red.Pix[i] = []byte{255, 0, 0, 255}[i%4]
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, red, nil); err != nil {
		t.Fatal(err)
	}
	s := open(t, func(c *Config) { c.Spec.Encode = preproc.JPEG })
	p := launch(t, s, "!", "jpegparse", "!", "jpegdec", "!", "videoconvert", "!", "video/x-raw,format=RGB")
	for range 5 {
		unhurried(t, s, file.Bytes())
	}
	got := p.read(t, 64*32*3)
	if got[0] < 200 || got[1] > 50 {
		t.Errorf("the first pixel is %v, want red", got[:3])
	}
}

// With 32 slots, nobody is hung up on because this machine is busy for 150 ms.
func TestStockPipelinesThatAreStuckOrKilled(t *testing.T) {
	s := open(t, func(c *Config) { c.Spec.Width, c.Spec.Height, c.Slots = 320, 240, 32 })
	good := launch(t, s)
	stuck, killed := launch(t, s), launch(t, s)
	go io.Copy(io.Discard, killed.out)
	if err := stuck.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		for n := range 300 {
			<-tick.C
			write(t, s, numbered(n, s.cfg.MaxBytes))
			if n == 100 {
				killed.Process.Kill()
			}
		}
	}()
	got := 0
	for before := -1; before < 290; got++ {
		data := good.read(t, s.cfg.MaxBytes)
		var n int
		fmt.Sscanf(string(data[:8]), "%08d", &n)
		if n <= before || !bytes.Equal(data, numbered(n, len(data))) {
			t.Fatalf("frame %d differs", n)
		}
		before = n
	}
	if got < 250 { // a machine that is busy may cost it some
		t.Errorf("it got %d of 290 frames", got)
	}
	go io.Copy(io.Discard, good.out)
	<-done
	st := s.Stats()
	t.Logf("%+v", st)
	if st.Clients != 2 || st.HungUp != 0 || st.Missed == 0 {
		t.Errorf("%+v", st)
	}
	if err := stuck.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	first := stuck.read(t, s.cfg.MaxBytes)
	if !bytes.Equal(first, numbered(0, len(first))) {
		t.Error("what it held while it was stuck was changed")
	}
}

func TestStockPipelineThatIsSlowGetsFewerFrames(t *testing.T) {
	s := open(t, nil)
	good, slow := launch(t, s), launch(t, s, "!", "identity", "sleep-time=100000")
	go io.Copy(io.Discard, good.out)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := range 200 {
		<-tick.C
		write(t, s, numbered(n, s.cfg.MaxBytes))
	}
	before := -1
	for range 10 {
		data := slow.read(t, s.cfg.MaxBytes)
		var n int
		fmt.Sscanf(string(data[:8]), "%08d", &n)
		if n <= before || !bytes.Equal(data, numbered(n, len(data))) {
			t.Fatalf("frame %d after %d", n, before)
		}
		before = n
	}
	if before < 30 { // three frames at a time, each at its pace
		t.Errorf("its tenth frame is number %d: they are old", before)
	}
	if st := s.Stats(); st.Clients != 2 || st.HungUp != 0 || st.Missed < 100 {
		t.Errorf("%+v", st)
	}
}

func TestStockPipelineEndsWithTheAgentAndTheNextOneIsServed(t *testing.T) {
	s := open(t, nil)
	p := launch(t, s)
	unhurried(t, s, numbered(1, s.cfg.MaxBytes))
	p.read(t, s.cfg.MaxBytes)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, p.out)
	if p.Wait(); !strings.Contains(p.said.String(), "Control socket has closed") {
		t.Errorf("it says: %s", p.said)
	}
	again := open(t, func(c *Config) { c.Socket = s.cfg.Socket })
	p = launch(t, again)
	unhurried(t, again, numbered(2, s.cfg.MaxBytes))
	if got := p.read(t, s.cfg.MaxBytes); !bytes.Equal(got, numbered(2, len(got))) {
		t.Error("the frame of the next agent differs")
	}
}

// Stuck pipelines whose memory was renewed: the others hear of the new names in
// mid-stream, which shmsink does as well when its size changes.
func TestStockPipelineFollowsRenewedMemory(t *testing.T) {
	s := open(t, nil)
	good := launch(t, s)
	next := 0
	pass := func() {
		unhurried(t, s, numbered(next, s.cfg.MaxBytes))
		if got := good.read(t, s.cfg.MaxBytes); !bytes.Equal(got, numbered(next, len(got))) {
			t.Fatalf("frame %d differs", next)
		}
		next++
	}
	for range 20 {
		pass()
		s.mu.Lock()
		for i := range s.slots {
			s.slots[i].doomed = true
		}
		s.mu.Unlock()
		s.loop.Wake()
		eventually(t, "the memory is renewed", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return s.free() >= 0 })
	}
	if s.nextID < 60 {
		t.Errorf("only %d areas", s.nextID)
	}
}
