package ring_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring"
	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/preproc"
	"golang.org/x/sys/unix"
)

// The test binary is its own consumer: with these variables set it reads the
// ring instead of testing it.
const consumerVar, socketVar = "RING_TEST_CONSUMER", "RING_TEST_SOCKET"

func TestMain(m *testing.M) {
	switch os.Getenv(consumerVar) {
	case "echo":
		consume(func(f *reader.Frame) { fmt.Println("frame", f.Sequence) })
	case "verify":
		verify()
	default:
		code := m.Run()
		os.RemoveAll(programs.dir)
		os.Exit(code)
	}
}

// consume hands every frame to use until the agent hangs up.
func consume(use func(*reader.Frame)) {
	in, err := (&reader.Dialer{NoReconnect: true}).Dial(os.Getenv(socketVar))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("ready")
	for {
		f, err := in.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		use(f)
	}
}

// verify looks for frames that claim to be whole and are not.
func verify() {
	var valid, overtaken, torn int
	consume(func(f *reader.Frame) {
		whole := true
		for i := 0; i < len(f.Data); i += 8 {
			whole = whole && binary.LittleEndian.Uint64(f.Data[i:]) == f.Sequence
		}
		switch ok := f.Valid(); {
		case !ok:
			overtaken++
		case whole:
			valid++
		default:
			torn++
		}
	})
	fmt.Println("result", valid, overtaken, torn)
}

// process is a consumer in a process of its own.
type process struct {
	*exec.Cmd
	out *bufio.Scanner
}

func start(t *testing.T, kind, path string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), consumerVar+"="+kind, socketVar+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p := &process{cmd, bufio.NewScanner(out)}
	p.expect(t, "ready")
	return p
}

func (p *process) expect(t *testing.T, want string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != want {
		t.Fatalf("consumer says %q, want %q", p.out.Text(), want)
	}
}

func TestNoTornFrameIsEverValid(t *testing.T) {
	spec := preproc.Spec{Name: "stress", Width: 256, Height: 128}
	r, path := open(t, func(c *ring.Config) { c.Spec, c.Slots = spec, 2 })
	var readers [3]*process
	for i := range readers {
		readers[i] = start(t, "verify", path)
	}
	frames := uint64(0)
	for until := time.Now().Add(2 * time.Second); time.Now().Before(until); frames++ {
		data := r.Lend()
		for i := 0; i < len(data); i += 8 {
			binary.LittleEndian.PutUint64(data[i:], frames)
		}
		img := &preproc.Image{Spec: &spec, Data: data, Width: 256, Height: 128, Sequence: frames}
		if err := r.Write(t.Context(), img); err != nil {
			t.Fatal(err)
		}
	}
	r.Close()
	var allValid, allOvertaken int
	for _, p := range readers {
		var valid, overtaken, torn int
		p.out.Scan()
		if _, err := fmt.Sscanf(p.out.Text(), "result %d %d %d", &valid, &overtaken, &torn); err != nil {
			t.Fatalf("%q: %v", p.out.Text(), err)
		}
		if torn != 0 {
			t.Errorf("%d torn frames were called valid", torn)
		}
		allValid += valid
		allOvertaken += overtaken
	}
	t.Logf("%d frames written, %d read whole, %d overtaken", frames, allValid, allOvertaken)
	if allValid == 0 || allOvertaken == 0 {
		t.Errorf("%d valid, %d overtaken: both must happen for this to be a test", allValid, allOvertaken)
	}
}

func TestStoppedReaderCostsNothingAndComesBackToTheNewest(t *testing.T) {
	r, path := open(t, nil)
	p := start(t, "echo", path)
	publish(t, r, &pixels, 1)
	p.expect(t, "frame 1")
	if err := p.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(p.Process.Pid, &status, unix.WUNTRACED, nil); err != nil || !status.Stopped() {
		t.Fatalf("%v, %v", status, err)
	}
	for seq := uint64(2); seq <= 500; seq++ {
		publish(t, r, &pixels, seq)
	}
	if s := r.Stats(); s.Published != 500 || s.Missed == 0 || s.Consumers != 1 {
		t.Errorf("%+v", s)
	}
	if err := p.Process.Signal(unix.SIGCONT); err != nil {
		t.Fatal(err)
	}
	p.expect(t, "frame 500")
}

func TestKilledReaderIsForgotten(t *testing.T) {
	r, path := open(t, nil)
	p := start(t, "echo", path)
	consumersAre(t, r, 1)
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	consumersAre(t, r, 0)
	publish(t, r, &pixels, 1)
	if s := r.Stats(); s.Published != 1 || s.Missed != 0 {
		t.Errorf("%+v", s)
	}
}
