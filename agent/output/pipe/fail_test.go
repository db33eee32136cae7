package pipe

import (
	"errors"
	"syscall"
	"testing"
	"time"
)

func quick(c *Config) {
	c.limits = defaults
	c.limits.first, c.limits.longest, c.limits.settled = time.Millisecond, 4*time.Millisecond, 0
	c.limits.stall = 200 * time.Millisecond
}

// feed writes pictures until it is so.
func feed(t *testing.T, p *Pipe, what string, so func() bool) {
	t.Helper()
	n := 0
	eventually(t, what, func() bool {
		n++
		write(t, p, picture(n))
		return so()
	})
}

func TestStuckCommandIsKilledAndStartedAgain(t *testing.T) {
	p := open(t, quick, "sh", "-c", "exec cat > /dev/null")
	feed(t, p, "it runs", func() bool { return p.Stats().Delivered > 0 })
	first := p.Stats().PID
	if err := syscall.Kill(first, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	feed(t, p, "it is killed", func() bool { return p.Stats().Ends == 1 })
	if err := p.Err(); err != nil && err.Error() != "command sh: it took nothing for too long and was killed" {
		t.Error(err)
	}
	before := p.Stats().Delivered
	feed(t, p, "another one takes images", func() bool { s := p.Stats(); return s.Delivered > before && s.PID != first && s.Err == nil })
	if err := syscall.Kill(first, 0); err != syscall.ESRCH {
		t.Errorf("the first one is still there: %v", err)
	}
}

func TestCommandsThatFailSaySo(t *testing.T) {
	for _, c := range []struct {
		want    string
		command []string
	}{
		{"command false: exit status 1", []string{"false"}},
		{"command true: exit status 0", []string{"true"}},
		{"command sh: exit status 3: the last of its words", []string{"sh", "-c", "echo first >&2; echo the last of its words >&2; exit 3"}},
		{"command sh: signal: killed", []string{"sh", "-c", "kill -9 $$"}},
		{`command no-such-command: exec: "no-such-command": executable file not found in $PATH`, []string{"no-such-command"}},
		{"command null: fork/exec /dev/null: permission denied", []string{"/dev/null"}},
		{"command sh: it closed its standard input", []string{"sh", "-c", "exec <&-; while :; do sleep 1000; done"}},
	} {
		p := open(t, func(cfg *Config) {
			quick(cfg)
			cfg.limits.first, cfg.limits.longest = time.Hour, time.Hour
			cfg.limits.stall = defaults.stall // a shell may be slow to begin
		}, c.command...)
		feed(t, p, c.want, func() bool { return p.Stats().Ends == 1 })
		if err := p.Err(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
		if r := p.Report(); r.Consumers != 0 || r.Err == nil || r.Delivered+r.Missed == 0 {
			t.Errorf("%s: %+v", c.want, r)
		}
		closed(t, p)
	}
}

// The pause doubles up to its limit, and is forgotten when all is well.
func TestCommandThatEndsAtOnceIsStartedLessAndLess(t *testing.T) {
	p := open(t, quick, "false")
	var pauses []time.Duration
	for range 4 {
		p.failed(errors.New("it ended"))
		pauses = append(pauses, p.pause/time.Millisecond)
	}
	p.delivered(true)
	p.failed(errors.New("it ended"))
	if pauses = append(pauses, p.pause/time.Millisecond); pauses[0] != 1 || pauses[1] != 2 || pauses[2] != 4 || pauses[3] != 4 || pauses[4] != 1 {
		t.Errorf("%v ms", pauses)
	}
}
