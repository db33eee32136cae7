//go:build e2e

package e2e

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What storms: damaged frames as fast as they can be read, a command that writes to
// its standard error without end, and not only text.
const stormy = `cameras:
  broken:
    device: {replay: /share/broken.jpg, loop: true}
    mode: {rate: 1000}
    outputs: {model: {size: 64x64}}
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 100}
    outputs:
      model: {size: 320x180}
      feed:
        size: 64x64
        pipe: {command: [sh, -c, 'while true; do printf "\033[2J\033]0;x\a forged\nMESSAGE=x \377\000 \302\2331m \342\200\256txt %s\n" $$ >&2; done'], format: raw}
      ended: {size: 64x64, pipe: {command: [sh, -c, 'exit 3'], format: raw}}
`

// Clients that make trouble: of HTTP, of a ring, of commands.
const garbage = `
exec 2>/dev/null
for i in $(seq 300); do
	(printf 'GET /\033[2J%s HTTP/1.1\r\nHost: \377\r\n\r\n' $i; head -c 200 /dev/urandom) >/dev/tcp/127.0.0.1/9810
	curl -s -o /dev/null -H "X: $(printf '\033[31m')" "http://localhost:9810/nothing/%1b%0a$i"
	curl -s -o /dev/null --unix-socket /run/agent/control.sock "http://localhost/api/v1/nothing/$i"
	timeout 0.01 consumer -frames 1000 /run/agent/front/model.sock
done
exit 0`

// Everything storms at once, and the journal loses nothing: what the agent has to say
// stays below the limit of the unit, its sums are those of the account, and each
// entry can be shown.
func journalInStorms(l *lab) {
	picture, err := os.ReadFile("../../testdata/jpeg/422-720p.jpg")
	l.must(err)
	copy(picture[len(picture)/2:], make([]byte, 2000))
	l.share("broken.jpg", picture)
	l.configure(stormy)
	pid := l.property("MainPID")
	begin := time.Now()
	l.run("bash", "-c", garbage)
	l.await("half a minute of storms", time.Minute, func() bool { return time.Since(begin) > 35*time.Second })
	dropped := l.stop()["broken"].dropped["corrupt"]

	entries := l.journal("_PID=" + pid)
	if most := mostWithin(l, entries, 10*time.Second); most > 441 {
		l.Errorf("%d entries within ten seconds", most)
	} else {
		l.figure("%d entries in %.0f s, at the most %d in ten seconds", len(entries), time.Since(begin).Seconds(), most)
	}
	if out := l.run("bash", "-c", "journalctl --no-pager | grep 'Suppressed [0-9]* messages' || true"); out != "" {
		l.Errorf("journald: %s", out)
	}
	told, total := 0, 0
	for _, e := range entries {
		if e["DROP_REASON"] != "corrupt" || e["CAMERA"] != "broken" {
			continue
		}
		switch e["EVENT"] {
		case "frame dropped":
			told++
		case "frames dropped":
			more, _ := strconv.Atoi(e["MORE"])
			total, _ = strconv.Atoi(e["TOTAL"])
			told += more
		}
	}
	if told != total || told > dropped || dropped < 1000 {
		l.Errorf("of %d damaged frames the journal had told %d at last, and its entries of %d", dropped, total, told)
	}
	l.figure("%d damaged frames, told in entries of %d", dropped, told)
	shown(l, entries)
}

// mostWithin is how many entries there were within any such time.
func mostWithin(l *lab, entries []map[string]string, within time.Duration) (most int) {
	l.Helper()
	at := func(i int) time.Duration {
		us, err := strconv.ParseInt(entries[i]["__MONOTONIC_TIMESTAMP"], 10, 64)
		l.must(err)
		return time.Duration(us) * time.Microsecond
	}
	first := 0
	for i := range entries {
		for at(i)-at(first) > within {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// shown says that journalctl shows each entry as text, and explains it.
func shown(l *lab, entries []map[string]string) {
	l.Helper()
	said := 0
	for _, e := range entries {
		for name, value := range e {
			if strings.ContainsAny(value, "\x1b\x00\u009b\u202e\x07") || strings.HasPrefix(value, "[") && strings.HasSuffix(value, "]") && name == "MESSAGE" {
				l.Errorf("%s is %q", name, value) // an array: journalctl does not take it for text
			}
		}
		if e["EVENT"] == "command says" && strings.Contains(e["LINE"], "forged") {
			said++
		}
		if e["SYSLOG_IDENTIFIER"] != "agent" || e["CODE_FILE"] == "" && e["EVENT"] != "" && e["MESSAGE_ID"] == "" {
			l.Errorf("%v", e)
		}
	}
	if said == 0 {
		l.Error("nothing of what the command said is there")
	}
	if out := l.run("bash", "-c", "journalctl -u agent --no-pager | grep -c 'blob data' || true"); out != "0" {
		l.Errorf("%s entries are no text for journalctl", out)
	}
	explained := l.run("journalctl", "-u", "agent", "-x", "--no-pager", "CAMERA=front", "-p", "warning", "-n", "30")
	for _, part := range []string{"What happened: ", "What the agent did: ", "What you can do: ", "front's output ended"} {
		if !strings.Contains(explained, part) {
			l.Errorf("journalctl -x does not show %q: %.3000s", part, explained)
		}
	}
}

func TestJournal(t *testing.T) {
	newContainer(t).scenario("the journal in storms", journalInStorms)
}
