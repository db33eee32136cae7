//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig"
)

// A seen is the summary of the consumer; see its source for what it counts.
type seen struct {
	Frames, Overtaken, Sessions, PID int
	Skipped, Lost                    uint64
	FirstSeq                         uint64 `json:"first_sequence"`
	LastSeq                          uint64 `json:"last_sequence"`
	BadSequence                      int    `json:"bad_sequence"`
	BadTimestamp                     int    `json:"bad_timestamp"`
	BadVerdict                       int    `json:"bad_verdict"`
	BadNumber                        int    `json:"bad_number"`
	BarError                         int    `json:"bar_error"`
	Bars                             [][3]int
	IntervalMS                       float64 `json:"interval_ms"`
	AgeP50MS                         float64 `json:"age_p50_ms"`
	GapMS                            float64 `json:"gap_ms"`
	Example, Error                   string
}

// A reading is a consumer that runs.
type reading struct {
	l       *lab
	process *rig.Process
	out     bytes.Buffer
}

// read starts a consumer of an output, such as front/model.
func (l *lab) read(output string, frames int, flags ...string) *reading {
	l.Helper()
	argv := append([]string{"consumer", "-frames", strconv.Itoa(frames)}, flags...)
	r := &reading{l: l}
	var err error
	r.process, err = l.machine.Start(&r.out, &r.out, append(argv, "/run/agent/"+output+".sock")...)
	l.must(err)
	return r
}

// wait returns what the consumer has seen when it had all its frames.
func (r *reading) wait() seen {
	r.l.Helper()
	code, err := r.process.Wait(r.l.Context())
	r.l.must(err)
	var s seen
	if err := json.Unmarshal(r.out.Bytes(), &s); err != nil || code != 0 {
		r.l.Fatalf("consumer: exit code %d: %s", code, r.out.Bytes())
	}
	return s
}

// sound checks what holds for every frame, whatever happened to the camera.
func (s seen) sound(l *lab) {
	l.Helper()
	for what, n := range map[string]int{"sequence": s.BadSequence, "timestamp": s.BadTimestamp, "verdict": s.BadVerdict, "number in the picture": s.BadNumber} {
		if n != 0 {
			l.Errorf("%d of %d frames have a bad %s %s", n, s.Frames, what, s.Example)
		}
	}
}

// colours checks the bars, to 3 levels.
func (s seen) colours(l *lab) {
	l.Helper()
	if s.BarError > 3 {
		l.Errorf("a bar is off by %d levels: %v", s.BarError, s.Bars)
	}
	l.figure("bars ±%d", s.BarError)
	l.Logf("bars %v", s.Bars)
}

// An account is what the agent says at its end of one camera.
type account struct {
	captured, lost, published, inFlight int
	dropped                             map[string]int
}

// stop stops the service and returns the accounts of that run by camera. The
// exit must be a clean one, and every account must balance.
func (l *lab) stop() map[string]account {
	l.Helper()
	pid := l.property("MainPID")
	l.run("systemctl", "stop", "agent")
	if result, code := l.property("Result"), l.property("ExecMainStatus"); result != "success" || code != "0" {
		l.Errorf("agent stopped with result %s, exit code %s", result, code)
	}
	accounts := map[string]account{}
	for _, entry := range l.journal("_PID="+pid, "EVENT=accounting") {
		a := parseAccount(entry)
		accounts[entry["CAMERA"]] = a
		sum := a.published + a.inFlight
		for _, n := range a.dropped {
			sum += n
		}
		if sum != a.captured || a.inFlight != 0 {
			l.Errorf("the account of %s does not balance: %+v", entry["CAMERA"], a)
		}
	}
	return accounts
}

func parseAccount(entry map[string]string) account {
	n := func(field string) int {
		v, _ := strconv.Atoi(entry[field])
		return v
	}
	a := account{n("CAPTURED"), n("KERNEL_LOST"), n("PUBLISHED"), n("IN_FLIGHT"), map[string]int{}}
	for field := range entry {
		if reason, ok := strings.CutPrefix(field, "DROPPED_"); ok {
			a.dropped[strings.ToLower(strings.ReplaceAll(reason, "_", "-"))] = n(field)
		}
	}
	return a
}

func (a account) String() string {
	s := fmt.Sprintf("captured %d + kernel lost %d, published %d", a.captured, a.lost, a.published)
	for _, reason := range []string{"evicted", "error-flag", "short", "corrupt", "stale", "skipped", "shutdown"} {
		if n := a.dropped[reason]; n > 0 {
			s += fmt.Sprintf(", %s %d", reason, n)
		}
	}
	return s
}

// journal returns the agent's entries that match, field by field.
func (l *lab) journal(match ...string) []map[string]string {
	l.Helper()
	l.run("journalctl", "--sync")
	out := l.run(append([]string{"journalctl", "-u", "agent", "-o", "json", "--no-pager"}, match...)...)
	var entries []map[string]string
	for line := range strings.Lines(out) {
		var e map[string]any
		l.must(json.Unmarshal([]byte(line), &e))
		fields := map[string]string{}
		for k, v := range e {
			fields[k] = fmt.Sprint(v)
		}
		entries = append(entries, fields)
	}
	return entries
}

// A camera is an emulated UVC camera that is plugged in.
type camera struct {
	l       *lab
	serial  string
	process *rig.Process
}

// plug returns when udev has made the camera's link.
func (l *lab) plug(serial string) *camera {
	l.Helper()
	c := l.attach(serial)
	l.link(serial, "until")
	return c
}

// attach plugs a camera in, with further flags of uvcsim.
func (l *lab) attach(serial string, flags ...string) *camera {
	l.Helper()
	record, err := os.OpenFile(filepath.Join(l.logs, "uvcsim-"+serial+".txt"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	l.must(err)
	l.Cleanup(func() { record.Close() })
	p, err := l.machine.Start(record, record, append([]string{"uvcsim", "-serial", serial}, flags...)...)
	l.must(err)
	return &camera{l, serial, p}
}

// say gives the camera a command, such as "truncate 3".
func (c *camera) say(command string) {
	c.l.Helper()
	_, err := c.process.Write([]byte(command + "\n"))
	c.l.must(err)
}

// pull pulls the plug.
func (c *camera) pull() {
	c.l.Helper()
	c.l.must(c.process.Signal(syscall.SIGKILL))
	c.l.link(c.serial, "while")
}

// link waits until the link in by-id is there, or while it is.
func (l *lab) link(serial, word string) {
	l.Helper()
	l.run("timeout", "30", "bash", "-c", word+" [ -e /dev/v4l/by-id/*_"+serial+"-video-index0 ]; do udevadm settle; done")
}

// dropsLogged waits until the agent's journal names a drop of that reason.
func (l *lab) dropsLogged(camera, reason string) {
	l.Helper()
	l.await("a log line on "+reason, 20*time.Second, func() bool {
		return len(l.journal("CAMERA="+camera, "DROP_REASON="+reason)) > 0
	})
}
