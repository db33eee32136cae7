package systemd

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// note logs into r through zerolog, as the agent does.
func note(r *Recent, at time.Time, level zerolog.Level, log func(*zerolog.Event)) {
	l := zerolog.New(levelFunc(func(level zerolog.Level, line []byte) { r.keep(level, line, at) }))
	log(l.WithLevel(level))
}

type levelFunc func(zerolog.Level, []byte)

func (f levelFunc) Write(p []byte) (int, error) { return f.WriteLevel(zerolog.NoLevel, p) }
func (f levelFunc) WriteLevel(l zerolog.Level, p []byte) (int, error) {
	f(l, p)
	return len(p), nil
}

func TestEventsAreWarningsAndWhatTheCatalogExplains(t *testing.T) {
	var r Recent
	note(&r, noon, zerolog.InfoLevel, func(e *zerolog.Event) { e.Str("camera", "front").Msg("not an event") })
	note(&r, noon, zerolog.DebugLevel, func(e *zerolog.Event) { e.Msg("nor this") })
	note(&r, noon, zerolog.WarnLevel, func(e *zerolog.Event) {
		e.Str("camera", "front").Str("stage", "capture").Str("drop_reason", "short").Uint64("frame_seq", 7).
			Str("error", "12 bytes of 921600\nand a stack").Msg("frame dropped")
	})
	note(&r, noon.Add(time.Second), zerolog.InfoLevel, func(e *zerolog.Event) {
		e.Str("message_id", MessageStarted).Msg("agent started")
	})
	events := r.Events()
	if len(events) != 2 || events[0].Message != "agent started" || events[0].Level != "info" || events[0].MessageID != MessageStarted {
		t.Fatalf("%+v", events)
	}
	want := Event{First: noon, Last: noon, Count: 1, Level: "warn", Camera: "front", Message: "frame dropped",
		Reason: "12 bytes of 921600", Details: "stage=capture, drop_reason=short, frame_seq=7", key: events[1].key}
	if events[1] != want {
		t.Errorf("got %+v, want %+v", events[1], want)
	}
}

// What repeats itself, with other numbers even, is one event with a count; after
// a while it is another one.
func TestEqualEventsAreOneWithACount(t *testing.T) {
	var r Recent
	for i := range 500 {
		note(&r, noon.Add(time.Duration(i)*time.Second), zerolog.WarnLevel, func(e *zerolog.Event) {
			e.Str("camera", "front").Int("frame_seq", i).Str("error", fmt.Sprintf("%d bytes", 3*i)).Msg("frame dropped")
		})
		note(&r, noon.Add(time.Duration(i)*time.Second), zerolog.WarnLevel, func(e *zerolog.Event) {
			e.Str("camera", "rear").Int("frame_seq", i).Msg("frame dropped")
		})
	}
	events := r.Events()
	if len(events) != 2 || events[1].Count != 500 || !events[1].First.Equal(noon) || events[1].Last.Sub(noon) != 499*time.Second || events[1].Reason != "1497 bytes" {
		t.Fatalf("%+v", events)
	}
	note(&r, noon.Add(time.Hour), zerolog.WarnLevel, func(e *zerolog.Event) { e.Str("camera", "rear").Msg("frame dropped") })
	if events := r.Events(); len(events) != 3 || events[0].Count != 1 {
		t.Errorf("%+v", events)
	}
}

// A storm of events that are all different does not push out what happened to
// the other cameras.
func TestStormLeavesOtherEventsAlone(t *testing.T) {
	var r Recent
	note(&r, noon, zerolog.ErrorLevel, func(e *zerolog.Event) { e.Str("camera", "rear").Msg("worker replaced") })
	for i := range 3000 {
		note(&r, noon, zerolog.WarnLevel, func(e *zerolog.Event) {
			e.Str("camera", "front").Str("error", strings.Repeat("x", i)+"\xff\x1b[31m").Msg(strings.Repeat("a", i))
		})
	}
	events := r.Events()
	if len(events) != recentEvents || events[recentEvents-1].Camera != "rear" {
		t.Fatalf("%d events, the oldest is %+v", len(events), events[len(events)-1])
	}
	for _, e := range events {
		if n := len(e.Message) + len(e.Reason); n > 2*recentDetail || strings.Contains(e.Reason, "\x1b") {
			t.Fatalf("%d bytes: %q", n, e.Reason)
		}
	}
}

// The logger's events are kept, and its lines written as before.
func TestLoggerKeepsEvents(t *testing.T) {
	out, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	var r Recent
	log, closer := newStreamLogger(out, NewLevel(zerolog.WarnLevel), &r)
	log.Info().Str("message_id", MessageStarted).Msg("below the level")
	log.Warn().Str("camera", "front").Msg("picture is bad")
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out.Name())
	if err != nil || strings.Count(string(text), "\n") != 1 || !strings.Contains(string(text), "picture is bad") {
		t.Errorf("%s, %v", text, err)
	}
	if e := r.Events(); len(e) != 1 || e[0].Camera != "front" || time.Since(e[0].Last) > time.Minute {
		t.Errorf("%+v", e)
	}
}

func BenchmarkEventIsKept(b *testing.B) {
	var r Recent
	line := []byte(`{"level":"warn","camera":"front","stage":"capture","drop_reason":"short","frame_seq":7,"error":"12 bytes","message":"frame dropped"}`)
	b.ReportAllocs()
	for b.Loop() {
		r.keep(zerolog.WarnLevel, line, noon)
	}
}

// Whatever a line has in it, an event is bounded, and is text.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"level":"warn","camera":"front","error":"12 bytes\nand more","frame_seq":7,"message":"frame dropped"}`))
	f.Add([]byte(`{"camera":1e400,"error":null,"message":["\ud800"]}`))
	f.Add([]byte("no JSON"))
	f.Fuzz(func(t *testing.T, line []byte) {
		var r Recent
		r.keep(zerolog.WarnLevel, line, noon)
		for _, e := range r.Events() {
			for _, text := range []string{e.Camera, e.Output, e.Message, e.Reason, e.Details, e.MessageID} {
				if len(text) > recentDetail || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
					t.Errorf("%q", text)
				}
			}
		}
	})
}
