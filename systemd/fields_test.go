package systemd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"maps"
	"regexp"
	"testing"
	"time"

	"github.com/rs/zerolog"
)

// parseNative reads a datagram of the native protocol the way journald does.
func parseNative(datagram []byte) (map[string]string, error) {
	fields := map[string]string{}
	for len(datagram) > 0 {
		line, rest, ok := bytes.Cut(datagram, []byte("\n"))
		if !ok {
			return nil, errors.New("no newline at the end of a field")
		}
		if name, value, ok := bytes.Cut(line, []byte("=")); ok {
			fields[string(name)], datagram = string(value), rest
			continue
		}
		if len(rest) < 8 {
			return nil, errors.New("no length")
		}
		size := binary.LittleEndian.Uint64(rest)
		rest = rest[8:]
		if size >= uint64(len(rest)) || rest[size] != '\n' {
			return nil, errors.New("wrong length")
		}
		fields[string(line)], datagram = string(rest[:size]), rest[size+1:]
	}
	return fields, nil
}

// native encodes one line and parses it again.
func native(t *testing.T, level zerolog.Level, line string) map[string]string {
	t.Helper()
	e := &entry{at: time.Unix(1700000000, 123456789).UTC(), level: level, line: []byte(line)}
	fields, err := parseNative(appendNative(nil, journalFields(e, "agent")))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return fields
}

func TestLogLinesBecomeNativeFields(t *testing.T) {
	base := func(priority, message string, more map[string]string) map[string]string {
		fields := map[string]string{
			"MESSAGE": message, "PRIORITY": priority,
			"SYSLOG_IDENTIFIER": "agent", "SYSLOG_TIMESTAMP": "2023-11-14T22:13:20.123456Z",
		}
		maps.Copy(fields, more)
		return fields
	}
	for _, c := range []struct {
		name  string
		level zerolog.Level
		line  string
		want  map[string]string
	}{
		{
			"the keys of the project", zerolog.WarnLevel,
			`{"level":"warn","camera":"front","output":"model","stage":"preproc","frame_seq":1234567890123456789,"drop_reason":"corrupt",` +
				`"duration_us":812,"error":"decode: 3 warnings","message_id":"aa","caller":"agent/a.go:12","func":"agent.run","message":"frame dropped"}` + "\n",
			base("4", "front: frame dropped (output=model, stage=preproc, frame_seq=1234567890123456789, drop_reason=corrupt, duration_us=812): decode: 3 warnings", map[string]string{
				"EVENT": "frame dropped", "CAMERA": "front", "OUTPUT": "model", "STAGE": "preproc", "FRAME_SEQ": "1234567890123456789", "DROP_REASON": "corrupt",
				"DURATION_US": "812", "ERROR": "decode: 3 warnings", "MESSAGE_ID": "aa", "CODE_FILE": "agent/a.go", "CODE_LINE": "12", "CODE_FUNC": "agent.run",
			}),
		},
		{
			"odd keys and values", zerolog.DebugLevel,
			`{"kernel-lost":3,"_SELF":true,"9p":1.5,"priority":"x","mode":{"w":640},"nothing":null,"ключ":"v","message":"a"}`,
			base("7", `a (kernel_lost=3, self=true, f_9p=1.5, f_priority=x, mode={"w":640}, f_=v)`, map[string]string{
				"EVENT": "a", "KERNEL_LOST": "3", "SELF": "true", "F_9P": "1.5", "F_PRIORITY": "x", "MODE": `{"w":640}`, "F_": "v",
			}),
		},
		{
			"newlines, quotes, equals", zerolog.ErrorLevel,
			`{"error":"line one\nline = two\n","message":"say \"hi\""}`,
			base("3", `say "hi": line one`, map[string]string{"EVENT": `say "hi"`, "ERROR": "line one\nline = two\n"}),
		},
		{"no JSON", zerolog.NoLevel, "plain = text\n", base("6", "plain = text", nil)},
		{"cut JSON", zerolog.PanicLevel, `{"message":"a","x":`, base("2", `{"message":"a","x":`, nil)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := native(t, c.level, c.line); !maps.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestTimeOfTheEventWins(t *testing.T) {
	got := native(t, zerolog.InfoLevel, `{"time":"2026-01-02T03:04:05.000006Z","message":"a"}`)
	if got["SYSLOG_TIMESTAMP"] != "2026-01-02T03:04:05.000006Z" {
		t.Errorf("SYSLOG_TIMESTAMP is %q", got["SYSLOG_TIMESTAMP"])
	}
}

// Whatever is logged, journald gets a well-formed entry of valid names.
func FuzzJournalFields(f *testing.F) {
	f.Add([]byte(`{"level":"info","camera":"front","message":"a\nb"}`))
	f.Add([]byte(`{"":1,"A=B":"\u0000","message":7}`))
	f.Add([]byte("\n\n"))
	valid := regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)
	f.Fuzz(func(t *testing.T, line []byte) {
		fields := journalFields(&entry{line: line}, "agent")
		for _, field := range fields {
			if !valid.MatchString(field.name) {
				t.Errorf("field name %q from %q", field.name, line)
			}
		}
		if _, err := parseNative(appendNative(nil, fields)); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	})
}
