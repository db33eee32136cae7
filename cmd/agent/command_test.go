package main

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "write the bash completion that cobra makes")

// agentCommand is the program, run with the arguments.
func agentCommand(arguments ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", arguments...)
	cmd.Env = append(os.Environ(), mainVar+"=1")
	return cmd
}

// What was typed wrong is one line on standard error, which says where to look,
// and nothing is done.
func TestMisuseIsOneLineAndExits64(t *testing.T) {
	for arguments, want := range map[string]string{
		"proces":                   `agent: unknown command "proces" for "agent"; did you mean process (see agent --help)`,
		"check --confg x":          "agent: unknown flag: --confg (see agent check --help)",
		"help proces":              `agent: unknown command "proces" for "agent"; did you mean process (see agent help --help)`,
		"check x":                  `agent: unexpected argument "x" (see agent check --help)`,
		"process --out x":          "agent: no INPUT is given (see agent process --help)",
		"process x":                `agent: required flag(s) "out" not set (see agent process --help)`,
		"process --format x --out": "agent: invalid argument \"x\" for \"--format\" flag: allowed are auto, raw, y4m, ndjson (see agent process --help)",
		"log-level loud":           `agent: level "loud": allowed are debug, info, warn, error, config (see agent log-level --help)`,
	} {
		cmd := agentCommand(strings.Fields(arguments)...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, _ := cmd.Output()
		if code := cmd.ProcessState.ExitCode(); code != exitUsage || len(out) > 0 || strings.TrimSpace(errs.String()) != want {
			t.Errorf("agent %s: exit %d, %q, %q\nwant %q", arguments, code, out, errs.String(), want)
		}
	}
}

func eachCommand(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		eachCommand(sub, do)
	}
}

func TestHelpSaysSomethingOfEveryCommandAndFlag(t *testing.T) {
	eachCommand(newCommand("agent", description, &cli{}), func(c *cobra.Command) {
		if c.Hidden {
			return
		}
		var out bytes.Buffer
		c.SetOut(&out)
		if err := c.Help(); err != nil {
			t.Fatal(err)
		}
		for _, sub := range c.Commands() {
			if !sub.Hidden && !strings.Contains(out.String(), "\n  "+sub.Name()+" ") {
				t.Errorf("help of %s says nothing of %s", c.CommandPath(), sub.Name())
			}
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" || !strings.Contains(out.String(), "--"+f.Name) {
				t.Errorf("help of %s says nothing of --%s", c.CommandPath(), f.Name)
			}
		})
		for line := range strings.Lines(out.String()) {
			if len(line) > helpColumns+1 && c.HasParent() {
				t.Errorf("help of %s is %d columns wide: %s", c.CommandPath(), len(line)-1, line)
			}
		}
	})
}

// The variable of systemd is the default, and what is given comes first.
func TestFlagComesBeforeVariableBeforeDefault(t *testing.T) {
	for _, c := range []struct {
		variable  string
		arguments []string
		want      string
	}{
		{"", nil, "/run/agent"},
		{"/x", nil, "/x"},
		{"/x", []string{"--runtime-dir", "/y"}, "/y"},
	} {
		t.Setenv("RUNTIME_DIRECTORY", c.variable)
		var r runCmd
		cmd := newCommand("run", "", &r)
		if err := cmd.ParseFlags(c.arguments); err != nil || r.RuntimeDir != c.want {
			t.Errorf("$RUNTIME_DIRECTORY %q, %q: %q, %v; want %q", c.variable, c.arguments, r.RuntimeDir, err, c.want)
		}
	}
}

const completionFile = "../../systemd/agent.bash-completion"

// What bash sources is cobra's own, which asks the program.
func TestBashCompletionIsThatOfCobra(t *testing.T) {
	var want bytes.Buffer
	if err := newCommand("agent", "", &cli{}).GenBashCompletionV2(&want, true); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(completionFile, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(completionFile); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%s is not what cobra makes (%v); run: go test ./cmd/agent -run Completion -update", completionFile, err)
	}
}

// In a real bash, with what bash-completion brings: commands, flags, and the
// names of cameras and outputs in the config.
func TestBashCompletes(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "agent")); err != nil {
		t.Fatal(err)
	}
	text := "cameras:\n  front: {device: {pattern: bars}, outputs: {model: {size: 8x8}}}\n  rear: {device: {pattern: bars}, outputs: {view: {size: 8x8}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(completionFile)
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string][]string{
		"agent ver":      {"version"},
		"agent check --": {"--config", "--devices", "--help", "--last-good", "--state-dir"},
		"agent process --config a.yaml --camera ":               {"front", "rear"},
		"agent process --config a.yaml --camera rear --output ": {"view"},
		"agent process --format n":                              {"ndjson"},
	} {
		words := strings.Split(line, " ")
		cmd := exec.Command("bash", "--norc", "-c", `
			. /usr/share/bash-completion/bash_completion
			. "$1"; shift
			COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_TYPE=9
			__start_agent 2>/dev/null
			printf '%s\n' "${COMPREPLY[@]}"`, "bash", script)
		cmd.Args = append(cmd.Args, words...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), mainVar+"=1", "PATH="+dir+":"+os.Getenv("PATH"))
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		var got []string
		for reply := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSpace(reply), " ") // a description may follow
			if word != "" && word != "agent" {
				got = append(got, word)
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%q completes to %q, want %q", line, got, want)
		}
	}
}
