package systemd

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// messageIDs reads the constants of messages.go, so that none is forgotten here.
func messageIDs(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "messages.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			ids[value] = spec.Names[0].Name
		}
		return true
	})
	return ids
}

var (
	subject = regexp.MustCompile(`(?m)^Subject: \S`)
	// The three parts of an entry, each a paragraph or more.
	parts = regexp.MustCompile(`(?s)^What happened: \S.{10,}\n\nWhat the agent did: \S.{10,}\n\nWhat you can do: \S.{10,}$`)
)

func TestEveryMessageHasItsCatalogEntry(t *testing.T) {
	catalog, err := os.ReadFile("agent.catalog")
	if err != nil {
		t.Fatal(err)
	}
	ids := messageIDs(t)
	if len(ids) < 10 {
		t.Fatalf("only %d message IDs found", len(ids))
	}
	for _, entry := range strings.Split(string(catalog), "\n-- ")[1:] {
		id, text, _ := strings.Cut(entry, "\n")
		name, ok := ids[id]
		if !ok {
			t.Errorf("catalog entry %s has no constant, or two entries", id)
		}
		delete(ids, id)
		head, body, _ := strings.Cut(text, "\n\n")
		if !subject.MatchString(head) {
			t.Errorf("%s: the catalog entry has no subject", name)
		}
		if !parts.MatchString(body) {
			t.Errorf("%s: the catalog entry does not say what happened, what the agent did, and what you can do, in this order", name)
		}
	}
	for id, name := range ids {
		t.Errorf("%s (%s) has no catalog entry", name, id)
	}
}

func TestJournalctlReadsTheCatalog(t *testing.T) {
	tool, err := exec.LookPath("journalctl")
	if err != nil {
		t.Fatal("journalctl is not installed; make deps-test does it")
	}
	root := t.TempDir()
	dir := filepath.Join(root, "usr/lib/systemd/catalog")
	for _, d := range []string{dir, filepath.Join(root, "var/lib/systemd/catalog")} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	catalog, err := os.ReadFile("agent.catalog")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "agent.catalog"), catalog, 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(tool, "--root="+root, "--update-catalog").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.Command(tool, "--root="+root, "--dump-catalog").Output()
	if err != nil {
		t.Fatal(err)
	}
	for id, name := range messageIDs(t) {
		if !bytes.Contains(out, []byte("-- "+id)) {
			t.Errorf("journalctl does not know %s", name)
		}
	}
}
