//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig"
)

// A lab is a clean guest with the package installed and its service stopped.
type lab struct {
	*testing.T
	machine *rig.Machine
	logs    string
	row     *row
}

func newLab(t *testing.T) *lab {
	t.Helper()
	return newLabIn(t, image.Boot)
}

// newContainer is a lab at native speed, without cameras.
func newContainer(t *testing.T) *lab {
	t.Helper()
	return newLabIn(t, image.Container)
}

func newLabIn(t *testing.T, boot func(context.Context, time.Duration) (*rig.Machine, error)) *lab {
	t.Helper()
	m, err := boot(t.Context(), 8*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{T: t, machine: m, logs: filepath.Join(logs, t.Name())}
	t.Cleanup(func() { l.machine.Close() })
	l.must(os.MkdirAll(l.logs, 0o755))
	t.Cleanup(l.saveLogs)
	l.put(filepath.Join(bin, "uvcsim"))
	l.put(filepath.Join(bin, "consumer"))
	l.install(deb)
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// put gives a program to the guest.
func (l *lab) put(path string) {
	l.Helper()
	l.must(exec.Command("cp", path, filepath.Join(l.machine.Share, "bin")).Run())
}

func (l *lab) install(deb string) {
	l.Helper()
	l.put(deb)
	l.run("dpkg", "-i", "/share/bin/"+filepath.Base(deb))
	l.run("systemctl", "stop", "agent")
}

// run runs a command in the guest, which must succeed.
func (l *lab) run(argv ...string) string {
	l.Helper()
	out, err := l.machine.Run(l.Context(), argv...)
	l.must(err)
	return strings.TrimSpace(out)
}

// configure writes the agent's config and starts the service with it. It
// returns when the agent has said READY.
func (l *lab) configure(yaml string) {
	l.Helper()
	l.must(os.WriteFile(filepath.Join(l.machine.Share, "agent.yaml"), []byte(yaml), 0o644))
	l.run("cp", "/share/agent.yaml", "/etc/agent/agent.yaml")
	l.run("systemctl", "restart", "agent")
}

// property is one of `systemctl show agent`.
func (l *lab) property(name string) string {
	l.Helper()
	return l.run("systemctl", "show", "-P", name, "agent")
}

// await asks until the answer is true. It is for states of the guest that
// nothing reports.
func (l *lab) await(what string, limit time.Duration, answer func() bool) time.Duration {
	l.Helper()
	start := time.Now()
	for !answer() {
		if time.Since(start) > limit {
			l.Fatalf("waited %v for: %s", limit, what)
		}
	}
	return time.Since(start)
}

// scenario runs one claim as a subtest and gives it a row of the report.
func (l *lab) scenario(name string, claim func(l *lab)) {
	l.Helper()
	r := row{scenario: name, verdict: "FAILED"}
	start := time.Now()
	ok := l.Run(name, func(t *testing.T) {
		sub := *l
		sub.T, sub.row = t, &r
		claim(&sub)
	})
	if r.took = time.Since(start); ok {
		r.verdict = "ok"
	}
	table = append(table, r)
	fmt.Printf("e2e: %s: %s after %.0f s\n", name, r.verdict, r.took.Seconds())
}

// figure adds to the report.
func (l *lab) figure(format string, args ...any) {
	l.row.figures = append(l.row.figures, fmt.Sprintf(format, args...))
	l.Logf(format, args...)
}

// saveLogs leaves the journal and the console on the host.
func (l *lab) saveLogs() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // the test's own has ended
	defer cancel()
	journal, err := l.machine.Run(ctx, "journalctl", "--no-pager", "-o", "short-precise")
	if err != nil {
		journal += err.Error()
	}
	fields, err := l.machine.Run(ctx, "journalctl", "--no-pager", "-u", "agent", "-o", "json")
	if err != nil {
		fields += err.Error()
	}
	for name, text := range map[string]string{"journal.txt": journal, "agent.json": fields, "console.txt": l.machine.Console()} {
		if err := os.WriteFile(filepath.Join(l.logs, name), []byte(text), 0o644); err != nil {
			l.Log(err)
		}
	}
}
