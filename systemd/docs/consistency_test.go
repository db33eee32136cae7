package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// read is a document, without roff's escapes.
func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(path, "systemd/man/") {
		return escapes.Replace(string(b))
	}
	return string(b)
}

// sources are the files below dirs that end so, tests and their hooks left out.
func sources(t *testing.T, suffix string, dirs ...string) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, dir := range dirs {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, suffix) || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_testhooks.go") {
				return err
			}
			b, err := os.ReadFile(path)
			list[path] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// section is a part of a man page.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, page), "\n.SH "+heading+"\n")
	if !ok {
		t.Fatalf("%s has no %s", page, heading)
	}
	part, _, _ := strings.Cut(rest, "\n.SH ")
	return part
}

// Every exit code that the program has is told in agent(1) and README.
func TestExitCodesAreTold(t *testing.T) {
	codes := regexp.MustCompile(`(?m)^\texit[A-Z]\w* *= (\d+)$`)
	man := section(t, "systemd/man/agent.1", "EXIT STATUS")
	_, readme, _ := strings.Cut(read(t, "README.md"), "Exit codes:")
	readme, _, _ = strings.Cut(readme, "\n\n")
	found := 0
	for _, code := range sources(t, ".go", "cmd/agent") {
		for _, m := range codes.FindAllStringSubmatch(code, -1) {
			found++
			if !strings.Contains(man, "\n.B "+m[1]+"\n") {
				t.Errorf("agent(1) does not tell exit code %s", m[1])
			}
			if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(readme) {
				t.Errorf("README does not tell exit code %s: %s", m[1], readme)
			}
		}
	}
	if found < 2 {
		t.Error("no exit codes found in cmd/agent")
	}
}

// Variables that are no user's, with the reason.
var internal = map[string]string{
	"LISTEN_FDS": "sd_listen_fds(3): systemd sets it", "LISTEN_FDNAMES": "the same", "LISTEN_PID": "the same",
	"INVOCATION_ID": "systemd sets it", "SERVICE_RESULT": "systemd sets it", "EXIT_CODE": "systemd sets it", "EXIT_STATUS": "systemd sets it",
	"JOURNAL_STREAM": "systemd sets it", "MONITOR_SERVICE_RESULT": "systemd sets it",
}

// Every variable of the environment that the program or a reader looks at is told.
func TestVariablesOfTheEnvironmentAreTold(t *testing.T) {
	looks := regexp.MustCompile(`(?:Getenv|LookupEnv|getenv|environ\.get)\("([A-Z_]+)"|env:"([A-Z_]+)"|const char \*name = std::getenv\("([A-Z_]+)"`)
	pages := read(t, "systemd/man/agent.1") + read(t, "systemd/man/agent.8") + read(t, "systemd/man/agent-ring.7")
	files := sources(t, ".go", "cmd/agent", "agent", "capture", "preproc")
	for _, more := range []map[string]string{
		sources(t, ".py", "agent/output/ring/python/edge_agent"), sources(t, "edge_agent.h", "agent/output/ring/c"), sources(t, "simd.cc", "native"),
	} {
		for path, text := range more {
			files[path] = text
		}
	}
	found := map[string]bool{}
	for path, text := range files {
		for _, m := range looks.FindAllStringSubmatch(text, -1) {
			name := m[1] + m[2] + m[3]
			found[name] = true
			if internal[name] == "" && !regexp.MustCompile(`\b`+name+`\b`).MatchString(pages) {
				t.Errorf("%s: no man page tells of %s", path, name)
			}
		}
	}
	for _, name := range []string{"EDGE_AGENT_RUN", "AGENT_SIMD", "RUNTIME_DIRECTORY"} {
		if !found[name] {
			t.Errorf("%s is not found in the sources: this test looks in the wrong way", name)
		}
	}
}

// README and agent(1) tell of every command that --help has, and of no other.
func TestCommandsAreToldEverywhere(t *testing.T) {
	field := regexp.MustCompile("(?m)^\t([A-Z]\\w*) +\\w+Cmd +`(.*)`")
	var names []string
	for _, m := range field.FindAllStringSubmatch(read(t, "cmd/agent/main.go"), -1) {
		if !strings.Contains(m[2], "hidden") {
			kebab := regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(m[1], "$1-$2")
			names = append(names, strings.ToLower(kebab))
		}
	}
	if len(names) < 6 {
		t.Fatalf("only %v found", names)
	}
	for file, pattern := range map[string]string{"README.md": "(?m)^\\| `agent ([a-z-]+)", "systemd/man/agent.1": `(?m)^\.SS agent ([a-z-]+)`} {
		told := map[string]bool{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(read(t, file), -1) {
			told[m[1]] = true
		}
		for _, name := range names {
			if !told[name] {
				t.Errorf("%s does not tell of agent %s", file, name)
			}
			delete(told, name)
		}
		if len(told) > 0 {
			t.Errorf("%s tells of commands that there are not: %v", file, told)
		}
	}
}

// An ID of a message that a document names is one of the catalog's.
func TestMessageIDsAreOfTheCatalog(t *testing.T) {
	catalog := read(t, "systemd/agent.catalog")
	for _, file := range []string{"README.md", "systemd/man/agent.8", "systemd/man/agent.1"} {
		for _, id := range regexp.MustCompile(`\b[0-9a-f]{32}\b`).FindAllString(read(t, file), -1) {
			if !strings.Contains(catalog, "\n-- "+id+"\n") {
				t.Errorf("%s: no message has the ID %s", file, id)
			}
		}
	}
}

// What README's table quotes of the journal is what the program says.
func TestQuotedMessagesAreThoseOfTheProgram(t *testing.T) {
	_, table, ok := strings.Cut(read(t, "README.md"), "| what you see | what it means |\n|---|---|\n")
	if !ok {
		t.Fatal("README has no table of what you see")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var code strings.Builder
	for _, text := range sources(t, ".go", "agent", "systemd", "capture", "preproc") {
		code.WriteString(text)
	}
	for row := range strings.Lines(table) {
		cell := strings.Split(row, "|")[1]
		for _, m := range span.FindAllStringSubmatch(cell, -1) {
			word := strings.TrimPrefix(strings.TrimPrefix(m[1], "drop_reason="), "verdict=")
			if !strings.Contains(code.String(), word) {
				t.Errorf("the program does not say %q", m[1])
			}
		}
	}
}

// Paths that documents name are below directories that the package or the service has.
func TestPathsAreThoseOfTheService(t *testing.T) {
	known := regexp.MustCompile(`^/(etc/(agent|systemd/system|udev/rules\.d|modules-load\.d|modprobe\.d|prometheus)|run/agent|var/lib/agent|usr/(bin|include|lib|share/doc/edge-agent)|dev|proc|sys|tmp|srv)\b`)
	for _, file := range []string{"README.md", "systemd/man/agent.1", "systemd/man/agent.8", "systemd/man/agent-ring.7", "systemd/man/agent.yaml.5"} {
		for _, path := range regexp.MustCompile(`(?m)[ (=\x60"](/(?:etc|run|var|usr|opt|home)/[\w./-]+)`).FindAllStringSubmatch(read(t, file), -1) {
			if !known.MatchString(path[1]) {
				t.Errorf("%s names %s", file, path[1])
			}
		}
	}
}

// The costs in README are those that `make bench` has written down.
func TestCostsInReadmeAreThoseMeasured(t *testing.T) {
	_, table, _ := strings.Cut(read(t, "README.md"), "## What it costs")
	measured := read(t, "native/bench/README.md")
	cells := regexp.MustCompile(`([\d.]+) ms(, [\d.]+x)?`).FindAllStringSubmatch(table, -1)
	if len(cells) < 12 {
		t.Fatalf("only %d costs in README", len(cells))
	}
	for _, m := range cells {
		if strings.Contains(m[0], ".") && !strings.Contains(measured, "| "+m[1]+m[2]+",") {
			t.Errorf("%s is not in native/bench/README.md", m[0])
		}
	}
}

// listed are the words of a list of names in a Go source.
func listed(t *testing.T, file, before string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, file), before)
	if !ok {
		t.Fatalf("%s has no %q", file, before)
	}
	list, _, _ := strings.Cut(rest, "}")
	var names []string
	for _, m := range quoted.FindAllStringSubmatch(list, -1) {
		names = append(names, m[1])
	}
	return names
}

// README names every way in which a frame can end, agent(8) every state of a camera.
func TestStatesAndDropsAreTold(t *testing.T) {
	_, ends, _ := strings.Cut(read(t, "README.md"), "Every frame ends in one of: ")
	ends, _, _ = strings.Cut(ends, ".\n")
	told := strings.Fields(strings.ReplaceAll(ends, ",", ""))
	want := append([]string{"published"}, listed(t, "agent/ledger.go", "var dropNames = ")...)
	if strings.Join(told, " ") != strings.Join(want, " ") {
		t.Errorf("README tells %v of %v", told, want)
	}
	page := read(t, "systemd/man/agent.8")
	for _, state := range listed(t, "agent/state.go", "func (p Phase) String() string {\n\treturn ") {
		if !strings.Contains(page, ".TP\n.B "+state+"\n") {
			t.Errorf("agent(8) does not tell of the state %s", state)
		}
	}
}
