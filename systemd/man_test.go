package systemd_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/edge-agent/agent/agent/config"
)

var update = flag.Bool("update", false, "write the keys of the config into the man page")

const (
	manPage   = "man/agent.yaml.5"
	beginKeys = ".\\\" BEGIN KEYS: written by go test ./systemd -run ManPage -update\n"
	endKeys   = ".\\\" END KEYS\n"
)

// The man page lists every key of the config as the schema has it, no more, no
// less.
func TestManPageListsEveryKeyOfTheConfig(t *testing.T) {
	page, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), beginKeys)
	got, tail, ok2 := strings.Cut(rest, endKeys)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the keys", manPage)
	}
	want := keysRoff()
	if *update {
		if err := os.WriteFile(manPage, []byte(head+beginKeys+want+endKeys+tail), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got != want {
		t.Errorf("%s does not have the keys of the schema; run: go test ./systemd -run ManPage -update", manPage)
	}
}

// keysRoff is the documentation of every key in roff.
func keysRoff() string {
	var b strings.Builder
	for _, key := range config.Keys() {
		b.WriteString(".TP\n.BR " + roff(key.Name) + " \" \\(bu " + roff(key.Type))
		if key.Default != "" {
			b.WriteString(", default " + roff(key.Default))
		}
		b.WriteString("\"\n")
		for _, text := range []string{key.Doc, key.Allowed} {
			if text != "" {
				b.WriteString(roff(sentence(text)) + "\n")
			}
		}
	}
	return b.String()
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// roff escapes what roff would read as markup.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, `"`, `\(dq`, "^", `\(ha`, "~", `\(ti`).Replace(text)
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		return `\&` + text
	}
	return text
}

// agent(1) describes every command and every flag that the program has.
func TestManPageNamesEveryCommandAndFlag(t *testing.T) {
	data, err := os.ReadFile("man/agent.1")
	if err != nil {
		t.Fatal(err)
	}
	page := strings.ReplaceAll(string(data), `\-`, "-")
	sources, err := filepath.Glob("../cmd/agent/*.go")
	if err != nil {
		t.Fatal(err)
	}
	// A field of a command: its name, its type, its tags.
	field := regexp.MustCompile("(?m)^\t([A-Z]\\w*) +[\\w\\[\\]]+ +`(.*help:.*)`")
	found := 0
	for _, source := range sources {
		code, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range field.FindAllStringSubmatch(string(code), -1) {
			name := kebab(m[1])
			heading := "--" + name
			switch {
			case strings.Contains(m[2], `hidden:"`):
				continue
			case strings.Contains(m[2], `cmd:"`):
				heading = ".SS agent " + name + "\n"
			case strings.Contains(m[2], `arg:"`) && name == "name":
				heading = ".I NAME"
			case strings.Contains(m[2], `arg:"`):
				heading = "INPUT"
			}
			found++
			if !strings.Contains(page, heading) {
				t.Errorf("%s: agent(1) says nothing of %s", source, heading)
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d commands and flags found in %v", found, sources)
	}
}

// kebab is a field's name on the command line: RuntimeDir is runtime-dir.
func kebab(name string) string {
	return strings.ToLower(regexp.MustCompile("([a-z])([A-Z])").ReplaceAllString(name, "$1-$2"))
}
