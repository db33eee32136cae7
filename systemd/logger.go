package systemd

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/rs/zerolog"
)

// functionKey is the log key of the function that logs: CODE_FUNC in the journal.
const functionKey = "func"

// NewLogger returns the agent's logger on standard error, in the form its reader
// wants: native fields when that is the journal, coloured lines on a terminal,
// one JSON object a line on anything else. No logging call blocks, and what repeats
// itself is logged a few times and then counted. The [Log]
// delivers what is queued, within a second; a process that ends without it may
// lose its last lines. recent, which may be nil, gets the events.
func NewLogger(level *Level, recent *Recent) (zerolog.Logger, *Log) {
	if direct, err := journal.StderrIsJournalStream(); direct && err == nil {
		if w, err := NewJournalWriter(JournalConfig{}); err == nil {
			b := newBreakwater(w)
			return zerolog.New(recent.and(b)).Sample(level).Hook(zerolog.HookFunc(eventCaller)), &Log{b, w}
		}
	}
	return newStreamLogger(os.Stderr, level, recent)
}

// newStreamLogger logs to a terminal for people and to a pipe for programs.
func newStreamLogger(out *os.File, level *Level, recent *Recent) (zerolog.Logger, *Log) {
	if !IsTerminal(out) {
		w := NewStreamWriter(jsonLines{out})
		b := newBreakwater(w)
		return zerolog.New(recent.and(b)).Sample(level).Hook(zerolog.HookFunc(eventTime), zerolog.HookFunc(eventCaller)), &Log{b, w}
	}
	w := NewStreamWriter(console(out))
	b := newBreakwater(w)
	return zerolog.New(recent.and(b)).Sample(level).Hook(zerolog.HookFunc(eventTime)), &Log{b, w}
}

// console writes lines for people: without colours when NO_COLOR is set, for which
// zerolog looks itself. Strings it quotes where need be, the rest it does not.
func console(out io.Writer) zerolog.ConsoleWriter {
	return zerolog.ConsoleWriter{
		Out:              out,
		TimeFormat:       "15:04:05.000",
		FieldsExclude:    []string{"message_id"},
		FormatFieldValue: func(v any) string { return printable(fmt.Sprintf("%s", v), false) },
		FormatPrepare: func(event map[string]any) error {
			if message, ok := event[zerolog.MessageFieldName].(string); ok {
				event[zerolog.MessageFieldName] = printable(message, false)
			}
			return nil
		},
	}
}

// jsonLines writes lines of JSON that may be looked at, too.
type jsonLines struct{ io.Writer }

func (w jsonLines) Write(line []byte) (int, error) {
	_, err := w.Writer.Write(printableJSON(line))
	return len(line), err
}

// IsTerminal says that a person may be looking at what is written to f.
func IsTerminal(f *os.File) bool {
	var t syscall.Termios // other character devices, such as /dev/null, have none
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), syscall.TCGETS, uintptr(unsafe.Pointer(&t)))
	return errno == 0
}

// eventCaller adds the place that logs, as zerolog's caller and the function.
// The frames of zerolog are passed over by name: their number differs from
// method to method.
func eventCaller(e *zerolog.Event, _ zerolog.Level, _ string) {
	var counters [8]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(2, counters[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "github.com/rs/zerolog.") {
			e.Str(zerolog.CallerFieldName, frame.File+":"+strconv.Itoa(frame.Line)).
				Str(functionKey, frame.Function)
			return
		}
		if !more {
			return
		}
	}
}
