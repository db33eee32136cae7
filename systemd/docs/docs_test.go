package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const root = "../.."

func plan(t *testing.T) []*Row {
	t.Helper()
	rows, err := Plan()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// build makes the agent as users have it, once.
var build = sync.OnceValues(func() (string, error) {
	cmd := exec.Command("go", "build", "-o", filepath.Join(bin, "agent"), "./cmd/agent")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return bin, nil
})

// bin is the directory of the agent, while tests run.
var bin string

func TestMain(m *testing.M) {
	var err error
	if bin, err = os.MkdirTemp("", "docs-"); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(bin)
	os.Exit(code)
}

// agent is the directory of the agent.
func agent(t *testing.T) string {
	t.Helper()
	dir, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

const frontConfig = `http: off
cameras:
  front:
    device: {pattern: bars}
    mode: {size: 320x180, rate: 20}
    outputs:
      model: {size: 64x64, dtype: float32, layout: chw}
      preview: {size: 160x90, fit: stretch, encode: jpeg}
`

// workshop is a directory with the files that commands name.
func workshop(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	clip, err := os.ReadFile(filepath.Join(root, "testdata/jpeg/stream-160x120.mjpg"))
	if err != nil {
		t.Fatal(err)
	}
	end := strings.Index(string(clip), "\xff\xd9") + 2 // of the first frame
	for name, text := range map[string]string{"new.yaml": frontConfig, "clip.mjpg": string(clip), "frame.jpg": string(clip[:end])} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestCommandsOfTheDocumentsDoWhatTheySay(t *testing.T) {
	bin, dir := agent(t), workshop(t)
	for _, r := range plan(t) {
		if r.Place != Host {
			continue
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", r.Command())
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
		cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // what it started, too
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "ROOT="+absolute(t, "."), "PYTHONPATH="+absolute(t, "agent/output/ring/python"))
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			t.Errorf("%s: not over after a minute", r.Text)
		}
		cancel()
		if err := r.Judge(string(out), err != nil); err != nil {
			t.Error(err)
		}
	}
}

// values of variables that have spaces in them.
var values = regexp.MustCompile(`'[^']*'`)

func TestMakeHasTheTargetsOfTheDocuments(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range plan(t) {
		if r.Place != Make {
			continue
		}
		for _, word := range strings.Fields(values.ReplaceAllString(r.Text, ""))[1:] {
			pattern := `(?m)^` + regexp.QuoteMeta(word) + `:.* ## `
			if variable, _, ok := strings.Cut(word, "="); ok {
				pattern = `\$\(` + variable + `\)|\(if \$\(` + variable
			}
			if !regexp.MustCompile(pattern).Match(makefile) {
				t.Errorf("%s: the Makefile has no %s", r.Text, word)
			}
		}
	}
}

// Every target that `make help` lists is told of in DEVELOPING.md.
func TestTargetsOfMakeAreTold(t *testing.T) {
	told := strings.NewReplacer("`", " ", ")", " ").Replace(read(t, "agent/DEVELOPING.md"))
	targets := regexp.MustCompile(`(?m)^([a-z0-9-]+):.* ## `).FindAllStringSubmatch(read(t, "Makefile"), -1)
	if len(targets) < 20 {
		t.Fatalf("only %d targets found", len(targets))
	}
	for _, m := range targets {
		if !regexp.MustCompile(`\bmake ` + m[1] + `[\s=:,;.]`).MatchString(told) {
			t.Errorf("agent/DEVELOPING.md does not tell of make %s", m[1])
		}
	}
}

var (
	flagWord   = regexp.MustCompile(`--[a-z][a-z-]*`)
	subcommand = regexp.MustCompile(`^(?:sudo )?agent ([a-z-]+)`)
)

// Every flag that a document gives to the agent is one that it has.
func TestFlagsOfTheDocumentsExist(t *testing.T) {
	bin := agent(t)
	help := map[string]string{}
	for _, r := range plan(t) {
		m := subcommand.FindStringSubmatch(r.Text)
		if m == nil || r.Place == Elsewhere && m[1] != "process" {
			continue
		}
		if help[m[1]] == "" {
			out, err := exec.Command(filepath.Join(bin, "agent"), m[1], "--help").CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v: %s", r.Text, err, out)
			}
			help[m[1]] = string(out)
		}
		own, _, _ := strings.Cut(r.Text, "|")
		for _, flag := range flagWord.FindAllString(own, -1) {
			if !strings.Contains(help[m[1]], flag) {
				t.Errorf("%s: agent %s has no %s", r.Text, m[1], flag)
			}
		}
	}
}

func TestCommandsAreFoundInDocuments(t *testing.T) {
	md := "text `agent check`, `agent` and `color: bgr` `make\nx`\n```sh\nmake run   # it\n# nothing\na \\\n  b # c\n```\n```yaml\nagent check\n```\n"
	man := ".B journalctl -u agent\n.BR \"agent run\" ,\n.B WatchdogSec\n.EX\nagent check \\-\\-devices\n[Service]\n.EE\n"
	usage := "\nTry it:\n  agent run                 use it\n"
	for _, c := range []struct {
		got  []Command
		want string
	}{
		{markdown(md), "make run|a b|agent check|make x"},
		{roff(man), "journalctl -u agent|agent run|agent check --devices"},
		{help(usage), "agent run"},
	} {
		var texts []string
		for _, g := range c.got {
			texts = append(texts, g.Text)
		}
		if got := strings.Join(texts, "|"); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
}

func TestTheTableIsReadStrictly(t *testing.T) {
	for _, bad := range []string{"here: agent run", "agent run", "    as x", "host: agent run\n    like x", "host: x\n    => ("} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	rows, err := parse("# remark\nhost: agent x\n    as agent y\n    => z+\n    fails\n")
	if err != nil || len(rows) != 1 || rows[0].Command() != "agent y" {
		t.Fatalf("%+v, %v", rows, err)
	}
	r := rows[0]
	if r.Judge("zz", true) != nil || r.Judge("zz", false) == nil || r.Judge("a", true) == nil {
		t.Error("judged wrongly")
	}
}

func FuzzDocuments(f *testing.F) {
	f.Add("`agent run`\n```sh\nmake x\n```")
	f.Fuzz(func(t *testing.T, s string) {
		markdown(s)
		roff(s)
		help(s)
		parse(s)
	})
}
