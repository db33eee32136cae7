package systemd

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

func TestPipeGetsJSON(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	level := NewLevel(zerolog.WarnLevel)
	log, closer := newStreamLogger(w, level, nil)
	front := log.With().Str("camera", "front").Logger() // before the level is another one
	front.Info().Msg("below the level")
	level.Set(zerolog.InfoLevel)
	front.Debug().Msg("below the level")
	front.Info().Msg("publishing")
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	line, err := bufio.NewReader(r).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Level, Time, Camera, Caller, Func, Message string }
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if got.Level != "info" || got.Camera != "front" || got.Message != "publishing" || !strings.Contains(got.Caller, "logger_test.go:") {
		t.Errorf("line is %s", line)
	}
	if at, err := time.Parse(time.RFC3339Nano, got.Time); err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("time %q: %v", got.Time, err)
	}
}

func TestPipeThatNobodyReadsBlocksNobody(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	closer := NewStreamWriter(w)
	log := zerolog.New(closer)
	for range 10 * queueEntries {
		log.Info().Str("camera", "front").Msg("storm")
	}
	if closer.Lost() == 0 {
		t.Error("nothing was counted as lost")
	}
	r.Close() // a writer with no reader gets EPIPE
	w.Close()
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
}

func TestTerminalGetsColoursUnlessNoColor(t *testing.T) {
	for noColor, coloured := range map[string]bool{"": true, "1": false} {
		t.Setenv("NO_COLOR", noColor)
		main, terminal := openTerminal(t)
		log, closer := newStreamLogger(terminal, NewLevel(zerolog.InfoLevel), nil)
		log.Warn().Str("camera", "front").Str("message_id", "aa").Msg("camera lost")
		if err := closer.Close(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(main).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, "\x1b[") != coloured || !strings.Contains(line, "camera lost") || strings.Contains(line, "message_id") {
			t.Errorf("NO_COLOR=%q: %q", noColor, line)
		}
	}
}

func TestStderrThatIsNoJournalIsAStream(t *testing.T) {
	t.Setenv("JOURNAL_STREAM", "1:1")
	_, closer := NewLogger(NewLevel(zerolog.InfoLevel), nil)
	defer closer.Close()
	if _, ok := closer.writer.sink.(*streamSink); !ok {
		t.Errorf("standard error of a test goes to %T", closer.writer.sink)
	}
}
