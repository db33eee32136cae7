package main

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A station is a service without systemd: it has a directory, and hears what the
// agent says of itself.
type station struct {
	*testing.T
	dir    string
	notify *net.UnixConn
}

func newStation(t *testing.T) *station {
	t.Helper()
	dir := t.TempDir()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &station{t, dir, conn}
}

func (s *station) edit(yaml string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "agent.yaml"), []byte(yaml), 0o644); err != nil {
		s.Fatal(err)
	}
}

func (s *station) command(arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", append(arguments, "--config", filepath.Join(s.dir, "agent.yaml"), "--state-dir", s.dir)...)
	cmd.Env = append(os.Environ(), mainVar+"=1", "NOTIFY_SOCKET="+filepath.Join(s.dir, "notify"))
	return cmd
}

// run starts the service, stops it when it says the words, and gives all that it said;
// code is how it ended.
func (s *station) run(words string) (said string, code int) {
	s.Helper()
	cmd := s.command("run", "--last-good", "--runtime-dir", filepath.Join(s.dir, "run"))
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- cmd.Wait()
		_ = s.notify.SetReadDeadline(time.Now()) // nobody is left to say anything
	}()
	if err := s.notify.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		s.Fatal(err)
	}
	for buffer := make([]byte, 8192); ; {
		n, err := s.notify.Read(buffer)
		if err != nil {
			break
		}
		if said += string(buffer[:n]) + "\n"; strings.Contains(said, words) && strings.Contains(said, "READY=1") {
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				s.Fatal(err)
			}
			break
		}
	}
	var exit *exec.ExitError
	if err := <-ended; errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	return said, code
}

const slip = "cameras: {front: {devise: x}}\n"

// A slip in the config ends a service that never ran, and no other.
func TestServiceRunsOnTheLastGoodConfig(t *testing.T) {
	s := newStation(t)
	s.edit(slip)
	if said, code := s.run("READY=1"); code != exitBadConfig || strings.Contains(said, "READY") {
		t.Errorf("nothing worked before: %d, %q", code, said)
	}
	s.edit("http: off\ncameras: {front: {device: {pattern: bars}, outputs: {model: {size: 8x8}}}}\n")
	if said, code := s.run("front: publishing"); code != 0 || strings.Contains(said, "refused") {
		t.Errorf("a good config: %d, %q", code, said)
	}
	s.edit(slip)
	if said, code := s.run("publishing"); code != 0 ||
		!strings.Contains(said, "; the config was refused, the one before is in force: "+s.dir+"/agent.yaml:1:11: cameras.front.device: ") {
		t.Errorf("a bad one after it: %d, %q", code, said)
	}
	for _, c := range []struct {
		arguments []string
		code      int
		says      string
	}{
		{[]string{"check"}, exitBadConfig, "cameras.front.devise"},
		{[]string{"check", "--last-good"}, 0, "the service would run on the config that worked last, of 2"},
	} {
		cmd := s.command(c.arguments...)
		out, _ := cmd.CombinedOutput()
		if cmd.ProcessState.ExitCode() != c.code || !strings.Contains(string(out), c.says) {
			t.Errorf("%v: %v: %s", c.arguments, cmd.ProcessState, out)
		}
	}
}

// Who looks for why the service ended hears of both.
func TestRecordThatCannotBeReadIsToldOf(t *testing.T) {
	s := newStation(t)
	s.edit(slip)
	record := filepath.Join(s.dir, lastGood)
	if err := os.WriteFile(record, []byte("[{"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := s.command("run", "--last-good", "--runtime-dir", filepath.Join(s.dir, "run"))
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitBadConfig || !strings.Contains(string(out), "cameras.front.devise") || !strings.Contains(string(out), record+": unexpected end") {
		t.Errorf("%v: %s", cmd.ProcessState, out)
	}
}
