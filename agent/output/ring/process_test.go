package ring_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/edge-agent/agent/agent/output/ring/reader"
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

// process is a consumer in a process of its own.
type process struct {
	*exec.Cmd
	out *bufio.Scanner
}

func start(t *testing.T, kind, path string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), consumerVar+"="+kind, socketVar+"="+path)
	return begin(t, cmd)
}

// begin starts a consumer that says when it is connected.
func begin(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
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

func (p *process) expect(t testing.TB, want string) {
	t.Helper()
	if !p.out.Scan() || p.out.Text() != want {
		t.Fatalf("consumer says %q, want %q", p.out.Text(), want)
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
