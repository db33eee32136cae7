package gst

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestClientThatKeepsItsBuffersGetsNoMoreAndCostsTheOthersNothing(t *testing.T) {
	s := open(t, nil)
	stuck, good := connect(t, s), connect(t, s)
	for n := range 100 {
		write(t, s, frame(n, s.cfg.MaxBytes))
		good.expect(frame(n, s.cfg.MaxBytes))
	}
	for n := range 3 { // as they were when they came
		if data, _ := stuck.must(); !bytes.Equal(data, frame(n, s.cfg.MaxBytes)) {
			t.Errorf("frame %d was changed while it was held", n)
		}
	}
	if st := s.Stats(); st.Sent != 103 || st.Missed != 97 || st.Clients != 2 || st.HungUp != 0 {
		t.Errorf("%+v", st)
	}
	stuck.giveBack(0) // it wakes up
	write(t, s, frame(100, s.cfg.MaxBytes))
	stuck.expect(frame(100, s.cfg.MaxBytes))
}

// A process may connect as often as it is let in, keep all that it gets, and come
// again when it was hung up on: the others get every frame.
func TestAllClientsOfAProcessHoldAsMuchAsOne(t *testing.T) {
	process := 1
	s := open(t, func(c *Config) { c.peer = func(int) int { return process } })
	good := connect(t, s)
	process = 2
	next := 0
	frames := func(count int) {
		t.Helper()
		for range count {
			write(t, s, frame(next, s.cfg.MaxBytes))
			good.expect(frame(next, s.cfg.MaxBytes))
			next++
		}
	}
	for range 6 {
		connect(t, s)
		frames(3)
	}
	if st := s.Stats(); st.Clients != 1+4 || st.Refused != 2 {
		t.Errorf("%+v", st)
	}
	process = 3
	connect(t, s)
	frames(100)
	if st := s.Stats(); st.HungUp != 0 || st.Sent != 118+3+3 {
		t.Errorf("%+v", st)
	}
}

// fill makes all slots held, by clients that never give them back: of 8, two
// hold 3 each and one 2.
func fill(t *testing.T, s *Sink) (stuck []*peer, held [][]byte) {
	for n := range 8 {
		if n%3 == 0 {
			stuck = append(stuck, connect(t, s))
		}
		write(t, s, frame(n, s.cfg.MaxBytes))
		data, _ := stuck[len(stuck)-1].must()
		held = append(held, data)
	}
	return stuck, held
}

func TestWhoHoldsTooLongIsHungUpOnWhenOthersNeedTheMemory(t *testing.T) {
	now := time.Minute
	s := open(t, nil)
	s.now = func() time.Duration { return now }
	stuck, held := fill(t, s)
	good := connect(t, s)
	now += patience
	write(t, s, frame(8, s.cfg.MaxBytes)) // no slot, and not too long yet
	if st := s.Stats(); st.HungUp != 0 || st.Missed != 3+2*2+4 {
		t.Errorf("%+v", st)
	}
	before := areas(t, s)
	now += time.Millisecond
	write(t, s, frame(9, s.cfg.MaxBytes)) // lost as well, but the last one
	stuck[0].expectEnd()
	eventually(t, "the memory is renewed", func() bool { return len(fresh(t, s, before)) == 3 })
	eventually(t, "the client is forgotten", func() bool { return s.Stats().Clients == 3 })
	for n := 10; n < 40; n++ {
		write(t, s, frame(n, s.cfg.MaxBytes))
		good.expect(frame(n, s.cfg.MaxBytes))
	}
	for n, data := range held {
		want := frame(n, len(data))
		if n < 3 { // it was hung up on: black, but nothing of another frame
			want = make([]byte, len(data))
		}
		if !bytes.Equal(data, want) {
			t.Errorf("frame %d was changed while it was held", n)
		}
	}
	if st := s.Stats(); st.HungUp != 1 || len(areas(t, s)) != s.cfg.Slots {
		t.Errorf("%+v, %d areas", st, len(areas(t, s)))
	}
}

// fresh are the areas that were not there before.
func fresh(t *testing.T, s *Sink, before []string) []string {
	return slices.DeleteFunc(areas(t, s), func(name string) bool { return slices.Contains(before, name) })
}

// What the pipeline knows of lent memory, such as a border that was drawn there,
// stays true when that gets a new name.
func TestRenewedMemoryIsWhereItWasWithWhatWasInIt(t *testing.T) {
	n := names{directory, "edge-agent-test-" + filepath.Base(t.TempDir()) + "-"}
	a, err := n.newArea(1<<20, 0)
	if err != nil {
		t.Fatal(err)
	}
	copy(a.data, frame(1, len(a.data)))
	b, err := n.replace(a, 0)
	if err != nil {
		t.Fatal(err)
	}
	if &b.data[0] != &a.data[0] || !bytes.Equal(b.data, frame(1, len(b.data))) {
		t.Error("the memory is another one")
	}
	text, err := os.ReadFile(filepath.Join(directory, b.name))
	if err != nil || !bytes.Equal(text, b.data) {
		t.Errorf("the new name has something else: %v", err)
	}
	if err := b.close(directory); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(directory, n.prefix+"*")); left != nil {
		t.Errorf("%q", left)
	}
}

func TestClientThatBreaksTheProtocolIsHungUpOn(t *testing.T) {
	command := func(typ uint32, offset uint64) []byte { return appendCommand(nil, typ, 1, offset, 0) }
	for name, say := range map[string][]byte{
		"not held":       command(ackBuffer, slotAlign),
		"twice":          append(command(ackBuffer, 0), command(ackBuffer, 0)...),
		"no such slot":   command(ackBuffer, 8*slotAlign),
		"beyond 64 bits": command(ackBuffer, 1<<63),
		"between slots":  command(ackBuffer, 1),
		"no command":     command(99, 0),
		"not its own":    command(newBuffer, 0),
		"garbage":        bytes.Repeat([]byte{0xa5}, 4096),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, nil)
			good, bad := connect(t, s), connect(t, s)
			write(t, s, frame(1, s.cfg.MaxBytes))
			good.expect(frame(1, s.cfg.MaxBytes))
			bad.must()
			bad.say(say)
			bad.expectEnd()
			idle(t, s)
			write(t, s, frame(2, s.cfg.MaxBytes))
			good.expect(frame(2, s.cfg.MaxBytes))
			if st := s.Stats(); st.Broken != 1 || st.Clients != 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

func TestCommandMayComeInPieces(t *testing.T) {
	s := open(t, nil)
	p := connect(t, s)
	for n := range 50 {
		write(t, s, frame(n, s.cfg.MaxBytes))
		_, offset := p.must()
		b := appendCommand(nil, ackBuffer, 1, offset, 0)
		for i := range b {
			p.say(b[i : i+1])
		}
		idle(t, s)
	}
}

func TestClientThatDiesHoldsNothing(t *testing.T) {
	s := open(t, nil)
	for range 50 {
		p := connect(t, s)
		for n := range 5 {
			write(t, s, frame(n, s.cfg.MaxBytes))
		}
		p.must()
		p.close() // with two buffers unread, and none given back
		eventually(t, "it is forgotten", func() bool { return s.Stats().Clients == 0 })
		idle(t, s)
	}
}

func TestClientsBeyondTheLimitAreHungUpOn(t *testing.T) {
	s := open(t, func(c *Config) { c.MaxClients = 2 })
	first, second := connect(t, s), connect(t, s)
	connect(t, s).expectEnd()
	write(t, s, frame(1, s.cfg.MaxBytes))
	first.expect(frame(1, s.cfg.MaxBytes))
	second.expect(frame(1, s.cfg.MaxBytes))
	second.close()
	eventually(t, "there is room again", func() bool { return s.Stats().Clients == 1 })
	connect(t, s)
	if st := s.Stats(); st.Refused != 1 || st.Clients != 2 {
		t.Errorf("%+v", st)
	}
}

func TestTenThousandConnectionsLeaveNothing(t *testing.T) {
	s := open(t, func(c *Config) { c.arrivals = 1 })
	good := connect(t, s)
	before := descriptors(t)
	for n := range 10_000 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: s.cfg.Socket}); err != nil {
			t.Fatal(err)
		}
		unix.Close(fd)
		if n%1000 == 0 {
			write(t, s, frame(n, s.cfg.MaxBytes))
			good.expect(frame(n, s.cfg.MaxBytes))
		}
	}
	eventually(t, "all are forgotten", func() bool { return s.Stats().Clients == 1 })
	eventually(t, "no descriptor is left", func() bool { return descriptors(t) == before })
}

// socketVar makes the test binary an agent that is to be killed.
const socketVar = "GST_TEST_SOCKET"

func TestMain(m *testing.M) {
	path := os.Getenv(socketVar)
	if path == "" {
		os.Exit(m.Run())
	}
	if _, err := New(Config{Socket: path, Camera: "front", Spec: pixels}); err != nil {
		panic(err)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

func TestKilledAgentLeavesNothingToTheNextOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	for range 3 {
		agent := exec.Command(os.Args[0])
		agent.Env = append(os.Environ(), socketVar+"="+path)
		agent.Stderr = os.Stderr
		out, err := agent.StdoutPipe()
		if err == nil {
			err = agent.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 6)); err != nil {
			t.Fatal(err)
		}
		if err := agent.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		agent.Wait()
	}
	s := open(t, func(c *Config) { c.Socket = path })
	if n := len(areas(t, s)); n != s.cfg.Slots {
		t.Errorf("%d areas of %d slots", n, s.cfg.Slots)
	}
	p := connect(t, s)
	write(t, s, frame(1, s.cfg.MaxBytes))
	p.expect(frame(1, s.cfg.MaxBytes))
	stranger := filepath.Join(directory, s.names.prefix+"x") // no name that we make
	if err := os.WriteFile(stranger, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	defer os.Remove(stranger)
	if err := s.names.clear(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(stranger); err != nil {
		t.Errorf("someone else's file is gone: %v", err)
	}
}

func FuzzClientThatSaysAnything(f *testing.F) {
	f.Add(appendCommand(nil, ackBuffer, 1, 0, 0))
	f.Add(appendCommand(appendCommand(nil, ackBuffer, 1, 0, 0), ackBuffer, 1, 64, 0))
	f.Add([]byte("GET / HTTP/1.0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		s := &Sink{slots: make([]slot, 8)}
		c := &client{held: 0b1011}
		for _, i := range []int{0, 1, 3} {
			s.slots[i].holders = 1
		}
		for len(said) > 0 {
			n := copy(c.in[c.inSize:], said)
			c.inSize, said = c.inSize+n, said[n:]
			if !s.hear(c) {
				break
			}
		}
		for i := range s.slots {
			if want := int(c.held >> i & 1); s.slots[i].holders != want {
				t.Errorf("slot %d has %d holders, the client holds %b", i, s.slots[i].holders, c.held)
			}
		}
	})
}
