package systemd

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/rs/zerolog"
)

// hostile are texts as they may come from a USB device's name, EXIF, the path of a
// request, or what a command says.
var hostile = []string{
	"HD Webcam C920",
	"\x1b[2J\x1b[1;31mroot\x1b]0;title\x07",
	"a\nMESSAGE=forged\nPRIORITY=0\n",
	"a\r\nb\tc",
	"nul \x00 and \x7f",
	"\xff\xfe\x80 no UTF-8",
	"\u009b31m and \u0085 are controls, too",
	"\u202egnp.exe\u2066 turns the writing",
	"\u200b\ufeff\u2028 are not to be seen",
	"\U000e0041\U0010ffff",
	`","camera":"forged","x":"`,
	"Kamera größer 摄像头 😀",
	"%s%n%d @CAMERA@ $(reboot) `id`",
	strings.Repeat("long \x1b ", 50_000),
}

// logHostile logs a text wherever one may stand.
func logHostile(log zerolog.Logger, text string) {
	log.Warn().Str("camera", "front").Str("device", text).Strs("notes", []string{text, "b"}).Str("detail", "x").
		Err(errors.New("open: " + text)).Msg("supervisor: " + text)
}

// Whatever text is logged, an entry of the journal is one sentence that can be
// shown, has the fields that it should have and no others, and says it whole.
func TestHostileTextStaysTextInTheJournal(t *testing.T) {
	for _, text := range hostile {
		checkJournal(t, text)
	}
	j := listen(t)
	defer func(path string) { goSystemdSocket = path }(goSystemdSocket)
	goSystemdSocket = j.path
	log := zerolog.New(j.writer(t))
	for _, text := range hostile {
		logHostile(log, text)
		got := j.next(t)
		checkSentence(t, got["MESSAGE"])
		if got["CAMERA"] != "front" || got["DETAIL"] != "x" || got["PRIORITY"] != "4" || len(got["DEVICE"]) < len(text)/2 {
			t.Errorf("%.40q arrived as %.200q", text, got)
		}
	}
}

func FuzzHostileText(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checkJournal(t, text)
		checkStreams(t, text)
		if line := statusLine(text); printable(line, false) != line || !utf8.ValidString(line) {
			t.Errorf("STATUS=%q", line)
		}
	})
}

func checkJournal(t *testing.T, text string) {
	t.Helper()
	var line bytes.Buffer
	logHostile(zerolog.New(&line), text)
	e := &entry{at: time.Now(), level: zerolog.WarnLevel, line: line.Bytes()}
	fields, err := parseNative(appendNative(nil, journalFields(e, "agent")))
	if err != nil {
		t.Fatalf("%.60q: %v", text, err)
	}
	want := []string{"CAMERA", "DETAIL", "DEVICE", "ERROR", "EVENT", "MESSAGE", "NOTES", "PRIORITY", "SYSLOG_IDENTIFIER", "SYSLOG_TIMESTAMP"}
	if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, want) {
		t.Errorf("%.60q makes the fields %v", text, got)
	}
	checkSentence(t, fields["MESSAGE"])
	checkSentence(t, cut(fields["EVENT"], maxSentence))
	for name, value := range fields {
		if value != printable(value, true) {
			t.Errorf("%s is %.80q", name, value)
		}
	}
	if plain := printable(text, true) == text; plain && fields["DEVICE"] != text {
		t.Errorf("%.60q became %.60q", text, fields["DEVICE"])
	}
}

// checkSentence says that journalctl shows it.
func checkSentence(t *testing.T, message string) {
	t.Helper()
	if len(message) > maxSentence {
		t.Errorf("a MESSAGE of %d bytes", len(message))
	}
	for _, r := range message {
		if !strconv.IsPrint(r) {
			t.Fatalf("%U in %.200q", r, message)
		}
	}
}

func TestHostileTextStaysTextOnATerminalAndInJSON(t *testing.T) {
	for _, text := range hostile {
		checkStreams(t, text)
	}
}

func checkStreams(t *testing.T, text string) {
	t.Helper()
	var person, program bytes.Buffer
	c := console(&person)
	c.NoColor = true
	logHostile(zerolog.New(c), text)
	logHostile(zerolog.New(jsonLines{&program}), text)
	for name, out := range map[string]*bytes.Buffer{"a terminal": &person, "JSON": &program} {
		line, rest, _ := strings.Cut(out.String(), "\n")
		if rest != "" || printable(line, false) != line {
			t.Errorf("%.60q is more than a line for %s: %.200q", text, name, out)
		}
	}
	var got struct{ Camera, Device, Error, Message string }
	if err := json.Unmarshal(program.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if want := strings.ToValidUTF8(text, "\ufffd"); utf8.ValidString(text) && (got.Device != want || got.Camera != "front" || got.Error != "open: "+want) {
		t.Errorf("%.60q became %.60q", text, got.Device)
	}
}
