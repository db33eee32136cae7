package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/edge-agent/agent/agent/status"
)

// A terminal is a pseudo terminal with a command in it, and all that it was sent.
type terminal struct {
	main, end *os.File
	cmd       *exec.Cmd

	mu   sync.Mutex
	sent bytes.Buffer
}

// inTerminal runs a command in a terminal of that size.
func inTerminal(t *testing.T, dir string, columns, rows uint16, arguments ...string) *terminal {
	t.Helper()
	term := &terminal{}
	var err error
	if term.main, err = os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err != nil {
		t.Fatal(err)
	}
	var number, unlock int32
	for request, argument := range map[uintptr]*int32{syscall.TIOCSPTLCK: &unlock, syscall.TIOCGPTN: &number} {
		if err := ioctl(term.main, request, unsafe.Pointer(argument)); err != nil {
			t.Fatal(err)
		}
	}
	if term.end, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	term.resize(t, columns, rows)
	term.cmd = exec.Command("/proc/self/exe", arguments...)
	term.cmd.Env = append(os.Environ(), mainVar+"=1", "EDGE_AGENT_RUN="+dir, "TERM=xterm", "NO_COLOR=1")
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = term.end, term.end, term.end
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := term.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 64<<10)
		for {
			n, err := term.main.Read(buffer)
			if err != nil {
				return
			}
			term.mu.Lock()
			term.sent.Write(buffer[:n])
			term.mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		_ = term.cmd.Process.Kill()
		_ = term.cmd.Wait()
		term.end.Close() // now there is nobody at that end, and the read fails
		<-read
		term.main.Close()
	})
	return term
}

func (term *terminal) resize(t *testing.T, columns, rows uint16) {
	t.Helper()
	size := struct{ rows, columns, x, y uint16 }{rows, columns, 0, 0}
	if err := ioctl(term.main, syscall.TIOCSWINSZ, unsafe.Pointer(&size)); err != nil {
		t.Fatal(err)
	}
}

func (term *terminal) flags(t *testing.T) uint32 {
	t.Helper()
	var now syscall.Termios
	if err := ioctl(term.end, syscall.TCGETS, unsafe.Pointer(&now)); err != nil {
		t.Fatal(err)
	}
	return now.Lflag
}

// picture is the newest one that is complete, as lines.
func (term *terminal) picture() []string {
	pictures := strings.Split(term.text(), beginPicture)
	for i := len(pictures) - 1; i > 0; i-- {
		if text, _, ok := strings.Cut(pictures[i], endPicture); ok {
			text = strings.ReplaceAll(text, "\r\r\n", "\r\n") // the terminal's driver adds its own
			return strings.Split(strings.TrimSuffix(text, eraseRest), nextLine)
		}
	}
	return nil
}

// text is all that it was sent.
func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.sent.String()
}

// await waits for a picture.
func (term *terminal) await(t *testing.T, what string, good func(lines []string) bool) {
	t.Helper()
	term.until(t, what, func() bool { return good(term.picture()) })
}

func (term *terminal) until(t *testing.T, what string, good func() bool) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for !good() {
		select {
		case <-deadline:
			t.Fatalf("not seen: %s; what is: %q", what, term.picture())
		case <-time.After(5 * time.Millisecond): // it is another process that draws
		}
	}
}

func begins(with string) func([]string) bool {
	return func(lines []string) bool { return len(lines) > 0 && strings.HasPrefix(lines[0], with) }
}

// ended waits for the end of the command, and says what the terminal was sent.
func (term *terminal) ended(t *testing.T) string {
	t.Helper()
	if err := term.cmd.Wait(); err != nil {
		t.Error(err)
	}
	if term.flags(t)&(syscall.ECHO|syscall.ICANON) != syscall.ECHO|syscall.ICANON {
		t.Error("the terminal is not as it was")
	}
	term.until(t, "the screen is left", func() bool { return strings.HasSuffix(term.text(), leaveScreen) })
	return term.text()
}

func TestTableIsDrawnInPlaceAndLeavesNothing(t *testing.T) {
	for key, name := range map[string]string{"\x03": "Ctrl-C", "q": "q"} {
		f := answering(t, directory(t))
		term := inTerminal(t, f.dir, 80, 24, "status", "--watch")
		term.await(t, "the table", begins("All is well"))
		if term.flags(t)&syscall.ECHO != 0 {
			t.Error("keys are shown")
		}
		f.change(func(s *status.Status) { s.Headline = "Another one" })
		term.await(t, "the next", begins("Another one"))
		fmt.Fprint(term.main, "xyz"+key)
		text := term.ended(t)
		if !strings.HasPrefix(text, enterScreen) || !strings.HasSuffix(text, leaveScreen) || strings.Count(text, enterScreen) != 1 {
			t.Errorf("%s: begins %.40q, ends %q", name, text, text[max(0, len(text)-40):])
		}
	}
}

func TestTableFollowsTheSizeOfTheTerminal(t *testing.T) {
	f := answering(t, directory(t))
	f.change(func(s *status.Status) {
		for i := range 12 {
			s.Cameras = append(s.Cameras, status.Camera{Name: fmt.Sprintf("loading-dock-north-entrance-%04d", i), State: "publishing", Healthy: true})
		}
	})
	term := inTerminal(t, f.dir, 80, 24, "status", "--watch")
	term.await(t, "all rows", func(lines []string) bool { return len(lines) == 20 && strings.Contains(lines[19], "descriptors") })
	term.resize(t, 50, 10)
	term.await(t, "as many as there is room for", func(lines []string) bool {
		return len(lines) == 10 && strings.HasSuffix(lines[9], "lines more") && len(lines[8]) <= 50
	})
	term.resize(t, 120, 40)
	term.await(t, "all rows", func(lines []string) bool { return len(lines) == 20 })
}

// What answers after a restart is another agent; while none does, what is shown is
// said to be old.
func TestAgentThatIsAwayIsWaitedFor(t *testing.T) {
	dir := directory(t)
	term := inTerminal(t, dir, 100, 24, "status", "--watch")
	term.await(t, "none yet", func(lines []string) bool {
		return len(lines) == 2 && strings.HasPrefix(lines[1], "no agent is running")
	})
	f := answering(t, dir)
	term.await(t, "the table", begins("All is well"))
	f.stop()
	term.await(t, "it is away", func(lines []string) bool {
		return len(lines) > 3 && strings.HasPrefix(lines[0], "No answer from the agent for ") && strings.HasSuffix(lines[0], "old") && strings.HasPrefix(lines[2], "All is well")
	})
	answering(t, dir)
	term.await(t, "another one", func(lines []string) bool {
		return len(lines) > 2 && strings.HasPrefix(lines[0], "The agent was restarted at ") && strings.HasPrefix(lines[1], "All is well")
	})
	fmt.Fprint(term.main, "q")
	term.ended(t)
}

// Ctrl-Z gives the terminal back as it was, and fg takes it again.
func TestCommandThatIsStoppedGivesTheTerminalBack(t *testing.T) {
	f := answering(t, directory(t))
	term := inTerminal(t, f.dir, 80, 24, "status", "--watch")
	term.await(t, "the table", begins("All is well"))
	if err := term.cmd.Process.Signal(syscall.SIGTSTP); err != nil { // with nobody to continue it, the kernel takes no Ctrl-Z
		t.Fatal(err)
	}
	var how syscall.WaitStatus
	if _, err := syscall.Wait4(term.cmd.Process.Pid, &how, syscall.WUNTRACED, nil); err != nil || !how.Stopped() {
		t.Fatalf("%v, %v", how, err)
	}
	if term.flags(t)&syscall.ECHO == 0 {
		t.Errorf("stopped by %v, and keys are not shown", how.StopSignal())
	}
	f.change(func(s *status.Status) { s.Headline = "Another one" })
	if err := term.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	term.await(t, "the next", begins("Another one"))
	fmt.Fprint(term.main, "q")
	if text := term.ended(t); strings.Count(text, enterScreen) != 2 || strings.Count(text, leaveScreen) != 2 {
		t.Errorf("%q", text)
	}
}

// For what is no terminal, a line each second.
func TestLinesForPrograms(t *testing.T) {
	f := answering(t, directory(t))
	for _, asJSON := range []bool{false, true} {
		cmd := exec.Command("/proc/self/exe", "status", "--watch", fmt.Sprintf("--json=%v", asJSON))
		cmd.Env = append(os.Environ(), mainVar+"=1", "EDGE_AGENT_RUN="+f.dir)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := json.NewDecoder(out)
		for range 2 {
			if !asJSON {
				line := make([]byte, 1024)
				n, err := out.Read(line)
				if text := string(line[:n]); err != nil || !strings.HasSuffix(text, " All is well\n") || strings.ContainsAny(text, "\x1b\r") {
					t.Errorf("%q, %v", text, err)
				}
				continue
			}
			var s status.Status
			if err := lines.Decode(&s); err != nil || len(s.Cameras) != 2 {
				t.Errorf("%+v, %v", s, err)
			}
		}
		out.Close() // who reads has seen enough
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
}
