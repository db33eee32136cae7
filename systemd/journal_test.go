package systemd

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	_ "unsafe" // for go:linkname

	"github.com/rs/zerolog"
)

// goSystemdSocket is the socket of go-systemd, for entries larger than a
// datagram.
//
//go:linkname goSystemdSocket github.com/coreos/go-systemd/v22/journal.journalSocket
var goSystemdSocket string

// journald is the receiving end of a journal socket.
type journald struct {
	*net.UnixConn
	path string
}

func listen(t *testing.T) journald {
	t.Helper()
	path := filepath.Join(t.TempDir(), "socket")
	return journald{listenAt(t, path), path}
}

func listenAt(t *testing.T, path string) *net.UnixConn {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Net: "unixgram", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// next reads one entry, from the file when it came as one.
func (j journald) next(t *testing.T) map[string]string {
	t.Helper()
	data, oob := make([]byte, 1<<20), make([]byte, 64)
	j.SetReadDeadline(time.Now().Add(10 * time.Second))
	size, oobSize, _, _, err := j.ReadMsgUnix(data, oob)
	if err != nil {
		t.Fatal(err)
	}
	data = data[:size]
	if oobSize > 0 {
		data = passedFile(t, oob[:oobSize])
	}
	fields, err := parseNative(data)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

func passedFile(t *testing.T, oob []byte) []byte {
	t.Helper()
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "entry")
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, info.Size())
	if _, err := f.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	return data
}

func (j journald) writer(t *testing.T) *LogWriter {
	t.Helper()
	w, err := NewJournalWriter(JournalConfig{Socket: j.path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

func TestEventsArriveWithTheirFields(t *testing.T) {
	j := listen(t)
	log := zerolog.New(j.writer(t)).Hook(zerolog.HookFunc(eventCaller))
	log.Warn().Str("camera", "front").Uint32("frame_seq", 7).Err(errors.New("short buffer")).Msg("frame dropped")
	got := j.next(t)
	for name, want := range map[string]string{
		"MESSAGE": "front: frame dropped (frame_seq=7): short buffer", "EVENT": "frame dropped", "PRIORITY": "4", "CAMERA": "front", "FRAME_SEQ": "7", "ERROR": "short buffer", "SYSLOG_IDENTIFIER": "agent",
	} {
		if got[name] != want {
			t.Errorf("%s=%q, want %q", name, got[name], want)
		}
	}
	if !strings.HasSuffix(got["CODE_FILE"], "systemd/journal_test.go") || got["CODE_LINE"] == "" || !strings.HasSuffix(got["CODE_FUNC"], t.Name()) {
		t.Errorf("code is %s:%s %s", got["CODE_FILE"], got["CODE_LINE"], got["CODE_FUNC"])
	}
}

// The receiver never reads, as a stopped journald: callers go on at once, and
// what was lost is told once when it reads again.
func TestFrozenJournalBlocksNobody(t *testing.T) {
	const lines = 20_000
	j := listen(t)
	w := j.writer(t)
	log := zerolog.New(w)
	slowest := time.Duration(0)
	for i := range lines {
		start := time.Now()
		log.Info().Int("n", i).Msg("storm")
		slowest = max(slowest, time.Since(start))
	}
	lost := w.Lost()
	t.Logf("%d lines to a receiver that does not read: slowest call %v, %d lost", lines, slowest, lost)
	if slowest > 5*time.Second { // one that waits for the receiver never returns
		t.Errorf("a call took %v", slowest)
	}
	if lost == 0 || lost > lines-queueEntries {
		t.Errorf("%d of %d lines lost, with a queue of %d", lost, lines, queueEntries)
	}
	for range lines - int(lost) {
		if got := j.next(t); got["EVENT"] != "storm" {
			t.Fatalf("among the lines that were kept: %q", got)
		}
	}
	if got := j.next(t); got["MESSAGE_ID"] != MessageLogLost || got["PRIORITY"] != "4" || got["LOST"] != strconv.FormatUint(lost, 10) {
		t.Fatalf("after the lines that were kept: %q", got)
	}
	for _, message := range []string{"again", "and again"} {
		log.Info().Msg(message)
		if got := j.next(t); got["MESSAGE"] != message {
			t.Errorf("after the notice: %q", got)
		}
	}
	if n := w.Lost(); n != lost {
		t.Errorf("%d lost in the end, %d before", n, lost)
	}
}

// go-systemd's Send turns in a loop on a full socket; this sleeps.
func TestFrozenJournalCostsNoCPU(t *testing.T) {
	j := listen(t)
	log := zerolog.New(j.writer(t))
	for range 2 * queueEntries {
		log.Info().Msg("storm")
	}
	before := cpuTime(t)
	<-time.After(500 * time.Millisecond) // real time: the claim is about the kernel's wake-ups
	if used := cpuTime(t) - before; used > 100*time.Millisecond {
		t.Errorf("waiting 500 ms for a frozen journal cost %v of CPU", used)
	}
}

func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func TestShutdownOnAFrozenJournalKeepsItsBound(t *testing.T) {
	w := listen(t).writer(t)
	log := zerolog.New(w)
	for range queueEntries {
		log.Info().Msg("storm")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := w.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown returned %v", err)
	}
	<-w.drained // the goroutine is gone, too
	log.Info().Msg("late")
	if w.Lost() == 0 {
		t.Error("nothing was counted as lost")
	}
}

func TestCloseDeliversWhatIsQueued(t *testing.T) {
	const lines = 8 // fewer than the kernel queues for a socket
	j := listen(t)
	w := j.writer(t)
	log := zerolog.New(w)
	for i := range lines {
		log.Info().Int("n", i).Msg("last words")
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	for range lines {
		j.next(t)
	}
	if w.Lost() != 0 {
		t.Errorf("%d lost", w.Lost())
	}
}

func TestLargeEntriesArriveAsAFile(t *testing.T) {
	j := listen(t)
	defer func(path string) { goSystemdSocket = path }(goSystemdSocket)
	goSystemdSocket = j.path
	log := zerolog.New(j.writer(t))
	long := strings.Repeat("0123456789abcde\n", 64<<10)
	log.Error().Str("camera", "front").Str("detail", long).Msg("large")
	got := j.next(t)
	if got["EVENT"] != "large" || got["PRIORITY"] != "3" || got["DETAIL"] != long || got["CAMERA"] != "front" {
		t.Errorf("got message %q, priority %q, camera %q, detail of %d bytes", got["MESSAGE"], got["PRIORITY"], got["CAMERA"], len(got["DETAIL"]))
	}
}

func TestLinesBeyondTheByteBoundAreLost(t *testing.T) {
	w := listen(t).writer(t)
	w.Write(make([]byte, queueBytes+1))
	if w.Lost() != 1 || w.queued.Load() != 0 {
		t.Errorf("lost %d, %d bytes queued", w.Lost(), w.queued.Load())
	}
}

func TestWriterFollowsAJournalThatComesBack(t *testing.T) {
	j := listen(t)
	log := zerolog.New(j.writer(t))
	log.Info().Msg("one")
	j.next(t)
	j.Close()
	os.Remove(j.path)
	j.UnixConn = listenAt(t, j.path)
	log.Info().Msg("two")
	if got := j.next(t); got["MESSAGE"] != "two" {
		t.Errorf("after the restart: %q", got)
	}
}

func TestNoJournalIsAnError(t *testing.T) {
	if _, err := NewJournalWriter(JournalConfig{Socket: filepath.Join(t.TempDir(), "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

func TestWritingALineAllocatesNothing(t *testing.T) {
	w := NewStreamWriter(io.Discard)
	defer w.Close()
	line := []byte(`{"level":"info","camera":"front","message":"stalled"}`)
	write := func() {
		w.WriteLevel(zerolog.InfoLevel, line)
		for len(w.queue) > 0 {
			runtime.Gosched()
		}
	}
	for range 2 * queueEntries { // every buffer has grown
		write()
	}
	if allocs := testing.AllocsPerRun(1000, write); allocs != 0 {
		t.Errorf("%v allocations a line", allocs)
	}
	if w.Lost() != 0 {
		t.Errorf("%d lost", w.Lost())
	}
}
