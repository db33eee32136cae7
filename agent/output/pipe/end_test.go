package pipe

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A fifo is open for as long as one of the processes that have it lives: all
// that the command starts hold its end, and the test reads the other one.
func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// begun returns when a process has opened the fifo.
func begun(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// dead returns when all have ended that had the fifo, and what they wrote.
func dead(t *testing.T, f *os.File) string {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal("something still lives: ", err)
	}
	return string(text)
}

// With this variable set the test binary feeds a command that never ends, until
// it is killed.
const feederVar = "PIPE_TEST_FIFO"

func TestMain(m *testing.M) {
	path := os.Getenv(feederVar)
	if path == "" {
		os.Exit(m.Run())
	}
	p, err := New(Config{Command: []string{"sh", "-c", `exec 3>"$0"; echo begun >&3; exec sleep 1000`, path}, Width: width, Height: height})
	if err != nil {
		panic(err)
	}
	for range time.Tick(time.Millisecond) {
		if err := p.Write(context.Background(), picture(0)); err != nil {
			panic(err)
		}
	}
}

// The kernel ends the command, however the agent ended, and whichever of its
// threads did first.
func TestKilledAgentLeavesNoCommand(t *testing.T) {
	path := fifo(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), feederVar+"="+path)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	f := begun(t, path)
	if err := f.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(f, make([]byte, len("begun\n"))); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("killed, and yet no error")
	}
	if rest, err := io.ReadAll(f); err != nil || len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
}

// Close is the end of the command's input, then SIGTERM, then SIGKILL: of all
// that it started.
func TestCloseEndsCommandsOfAnyManners(t *testing.T) {
	// What a shell says within its time must not depend on how busy the machine is;
	// beyond two seconds Close itself fails.
	patience := map[string]time.Duration{"polite": 1500 * time.Millisecond, "told": 900 * time.Millisecond}
	for name, script := range map[string]string{
		"polite":   `cat > /dev/null; echo ended by itself >&3`,
		"told":     `trap 'echo was told >&3; kill $child; exit' TERM; sleep 1000 & child=$!; while :; do wait; done`,
		"deaf":     `trap "" TERM; sleep 1000; sleep 1000`,
		"parent":   `sleep 1000 & sleep 1000 & wait`,
		"orphans":  `sleep 1000 & cat > /dev/null`,
		"escapist": `cat > /dev/null; setsid sleep 0.3 & exit`,
	} {
		t.Run(name, func(t *testing.T) {
			path := fifo(t)
			p := open(t, func(c *Config) { quick(c); c.limits.ending = cmp.Or(patience[name], c.limits.ending) },
				"sh", "-c", `exec 3>"$0"; `+script, path)
			write(t, p, picture(0))
			alive := begun(t, path)
			eventually(t, "it is delivered", func() bool { return p.Stats().Delivered == 1 })
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			text := dead(t, alive)
			if want := map[string]string{"polite": "ended by itself\n", "told": "was told\n"}[name]; text != want {
				t.Errorf("it said %q, want %q", text, want)
			}
		})
	}
}

// A command that takes nothing any more does not hold Close up, and is killed
// rather than given half a frame and the end of its input.
func TestStuckCommandIsKilledAtClose(t *testing.T) {
	file := filepath.Join(t.TempDir(), "out")
	p := open(t, func(c *Config) { c.Width, c.Height = 640, 480 }, "sh", "-c", `sleep 1000; cat > "$0"`, file)
	img := picture(0)
	img.Width, img.Height, img.Data = 640, 480, make([]byte, 640*480*3)
	write(t, p, img, img)
	eventually(t, "the pipe is full", func() bool { return p.Stats().PID != 0 })
	if s := closed(t, p); s.Delivered != 0 || s.Missed != 2 {
		t.Errorf("%+v", s)
	}
	if _, err := os.Stat(file); err == nil {
		t.Error("it saw the end of its input")
	}
}

// Nothing is left: no goroutine, descriptor, thread that starts commands, or
// child that nobody waited for.
func TestCloseGivesAllBack(t *testing.T) {
	before := runtime.NumGoroutine()
	descriptors := count(t, "/proc/self/fd")
	for i := range 20 {
		command := []string{"sh", "-c", "echo word >&2; exec cat > /dev/null"}
		if i%2 == 1 {
			command = []string{"false"}
		}
		p := open(t, quick, command...)
		write(t, p, picture(i))
		eventually(t, "something came of it", func() bool { s := p.Stats(); return s.Delivered+s.Missed > 0 })
		closed(t, p)
		closed(t, p) // a second time is nothing
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
	if n := count(t, "/proc/self/fd"); n > descriptors+2 { // those of Go's poller
		t.Errorf("%d descriptors, %d before", n, descriptors)
	}
	tasks, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if text, err := os.ReadFile(task); err == nil && len(bytes.TrimSpace(text)) > 0 {
			t.Errorf("children are left: %s", text)
		}
	}
}

func count(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}

func TestWhatACommandSaysIsBounded(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	var more uint64
	p := open(t, func(c *Config) {
		c.Said = func(line string, n uint64) {
			mu.Lock()
			defer mu.Unlock()
			lines, more = append(lines, line), more+n
		}
	}, "sh", "-c", `printf 'frame=1\rframe=2\r\n\033[31mred\033[0m\n' >&2; head -c 100000 /dev/zero | tr '\0' x >&2; echo >&2
		yes flood | head -n 40000 >&2; exec cat > /dev/null`)
	write(t, p, picture(0), picture(1), picture(2))
	running(t, p, "cat")
	closed(t, p)
	mu.Lock()
	defer mu.Unlock()
	if len(lines) < maxLines || len(lines) > maxLines+5 { // one more each 3 s
		t.Fatalf("%d lines", len(lines))
	}
	if got := strings.Join(lines[:3], "|"); got != "frame=1|frame=2|[31mred [0m" || len(lines[3]) != maxLine || lines[4] != "flood" {
		t.Errorf("%s, then %d bytes, %q", got, len(lines[3]), lines[4])
	}
	if v := &p.voice; v.more+more < 20_000 { // the last words of a command are not waited for
		t.Errorf("%d and %d lines were too many", more, v.more)
	}
}

// The bucket gets a line back after each period, and the next line tells of
// those that were too many.
func TestLinesBecomeFewButGoOn(t *testing.T) {
	var said []string
	v := voice{say: func(line string, more uint64) { said = append(said, line+strconv.FormatUint(more, 10)) }}
	var text strings.Builder
	for i := range maxLines + 7 {
		fmt.Fprintf(&text, "%d:\n", i)
	}
	if last := v.listen(strings.NewReader(text.String())); last != "26:" || len(said) != maxLines {
		t.Fatalf("last %q of %d", last, len(said))
	}
	v.filled = v.filled.Add(-linePeriod)
	v.listen(strings.NewReader("a:\nb:\n"))
	if len(said) != maxLines+1 || said[maxLines] != "a:7" {
		t.Errorf("%q", said[maxLines:])
	}
}
