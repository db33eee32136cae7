package ring_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/edge-agent/agent/agent/output/ring/reader"
	"github.com/edge-agent/agent/agent/output/ring/wire"
)

// An answer is what a reader says of a frame, or why it has none.
type answer struct {
	Status                         string // frame, none or away
	Why                            string
	Sequence                       uint64
	Timestamp, Dequeued, Published int64
	Skipped                        uint64
	Length                         int
	Verdict                        uint32
	Width, Height                  int
	Geometry                       [6]float64
	Camera                         [2]int
	Point, Back, Corner            [2]*float64 // nil for NaN
	CRC                            uint32
	Old, Valid                     bool
}

// A language is one of the three in which there is a reader. Each does what it is
// told: next, next SECONDS, newest, valid, describe.
type language interface {
	tell(t *testing.T, command string, into any)
}

// ask is tell with a frame for an answer.
func ask(t *testing.T, l language, command string) (a answer) {
	t.Helper()
	l.tell(t, command, &a)
	return a
}

// languages are readers of the ring at path, which need not be there yet.
func languages(t *testing.T, path string) map[string]language {
	return map[string]language{"Go": newGoReader(t, path), "Python": newPythonReader(t, path), "C": newCReader(t, path)}
}

type goReader struct {
	in *reader.Reader
	f  *reader.Frame
}

func newGoReader(t *testing.T, path string) language {
	in, err := (&reader.Dialer{Later: true}).Dial(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close() })
	return &goReader{in: in}
}

func (g *goReader) tell(t *testing.T, command string, into any) {
	t.Helper()
	switch into := into.(type) {
	case *answer:
		*into = g.answer(t, command)
	case *wire.Description:
		*into = *g.in.Description()
	}
}

func (g *goReader) answer(t *testing.T, command string) answer {
	if command == "valid" {
		return answer{Valid: g.f.Valid()}
	}
	var err error
	switch verb, seconds, limited := strings.Cut(command, " "); {
	case verb == "newest":
		g.f, err = g.in.Newest()
	case limited:
		s, _ := strconv.ParseFloat(seconds, 64)
		g.f, err = g.in.NextWithin(time.Duration(s * float64(time.Second)))
	default:
		g.f, err = g.in.Next(t.Context())
	}
	switch f := g.f; {
	case errors.Is(err, reader.ErrNone):
		return answer{Status: "none"}
	case err != nil:
		return answer{Status: "away", Why: err.Error()}
	default:
		x, y := f.ToCamera(10, 20)
		return answer{
			Status: "frame", Sequence: f.Sequence, Skipped: f.Skipped, Length: len(f.Data), Verdict: uint32(f.Verdict),
			Timestamp: int64(f.Timestamp), Dequeued: int64(f.Dequeued), Published: int64(f.Published),
			Width: f.Width, Height: f.Height, Geometry: f.Geometry, Camera: [2]int{f.CameraWidth, f.CameraHeight},
			Point: plain(x, y), Back: plain(f.FromCamera(x, y)), Corner: plain(f.ToCamera(float64(f.Width), float64(f.Height))),
			CRC: crc32.ChecksumIEEE(f.Data), Old: f.Age() > 0, Valid: f.Valid(),
		}
	}
}

// plain is a point as JSON has it, without NaN.
func plain(x, y float64) [2]*float64 {
	if x != x || y != y {
		return [2]*float64{}
	}
	return [2]*float64{&x, &y}
}

// python is Debian's, for which python3-numpy is installed.
const python = "/usr/bin/python3"

func newPythonReader(t testing.TB, path string) *echo {
	return startEcho(t, exec.Command(python, "-B", "python/echo.py", path))
}

func newCReader(t testing.TB, path string) *echo {
	return startEcho(t, exec.Command(compiled(t, "echo.c"), path))
}

// echo is a reader in a process of its own.
type echo struct {
	in  io.Writer
	out *bufio.Scanner
}

func startEcho(t testing.TB, cmd *exec.Cmd) *echo {
	t.Helper()
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return &echo{in, bufio.NewScanner(out)}
}

func (e *echo) tell(t *testing.T, command string, into any) {
	t.Helper()
	e.begin(t, command)
	e.end(t, into)
}

func (e *echo) begin(t *testing.T, command string) {
	t.Helper()
	if _, err := fmt.Fprintln(e.in, command); err != nil {
		t.Fatal(err)
	}
}

func (e *echo) end(t *testing.T, into any) {
	t.Helper()
	if !e.out.Scan() {
		t.Fatal("the reader ended")
	}
	if err := json.Unmarshal(e.out.Bytes(), into); err != nil {
		t.Fatalf("%s: %v", e.out.Text(), err)
	}
}

// strict is what the header has to be clean with.
var strict = []string{"-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Werror", "-Ic"}

// programs are those that were compiled, by name; TestMain deletes them.
var programs struct {
	sync.Mutex
	dir  string
	made map[string]string
}

// compiled is the program of a source in c, made with the sanitizers.
func compiled(t testing.TB, source string, flags ...string) string {
	t.Helper()
	p := &programs
	p.Lock()
	defer p.Unlock()
	if p.made == nil {
		dir, err := os.MkdirTemp("", "ring-readers-")
		if err != nil {
			t.Fatal(err)
		}
		p.dir, p.made = dir, make(map[string]string)
	}
	if path, made := p.made[source]; made {
		return path
	}
	if flags == nil {
		flags = []string{"-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}
	}
	path := filepath.Join(p.dir, strings.TrimSuffix(source, ".c"))
	args := append([]string{"-std=c99", "-O1", "-g", "-o", path, filepath.Join("c", source)}, append(strict, flags...)...)
	if out, err := exec.Command("cc", append(args, "-lm")...).CombinedOutput(); err != nil {
		t.Fatalf("cc: %v\n%s", err, out)
	}
	p.made[source] = path
	return path
}
