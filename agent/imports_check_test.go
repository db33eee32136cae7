package agent_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// room is what a room may import: an import path (within the module without
// the module's own path), and why.
type room map[string]string

// house holds what is asserted of a module's sources.
type house struct {
	module   string
	rooms    map[string]room
	starters map[string]string // rooms that may start goroutines ("room" or "room: AfterFunc"), and why
}

// check reads every Go file of the module but its tests, without building it,
// and returns one line a fault: where, what, and the room that it is about.
func (h house) check(module fs.FS) (faults []string, err error) {
	err = fs.WalkDir(module, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && strings.HasPrefix(entry.Name(), "."):
			return fs.SkipDir
		case entry.IsDir(), path.Ext(name) != ".go", strings.HasSuffix(name, "_test.go"):
			return nil
		}
		found, err := h.checkFile(module, name)
		faults = append(faults, found...)
		return err
	})
	return faults, err
}

func (h house) checkFile(module fs.FS, name string) ([]string, error) {
	source, err := fs.ReadFile(module, name)
	if err != nil {
		return nil, err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, source, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	home, ok := h.roomOf(path.Dir(name))
	if !ok {
		return []string{name + ": lies in no room of the table"}, nil
	}
	var faults []string
	for _, spec := range file.Imports {
		to, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if !h.allowed(home, to) {
			faults = append(faults, fmt.Sprintf("%s: imports %s, which %s may not", files.Position(spec.Pos()), to, home))
		}
	}
	for at, kind := range goroutinesOf(file) {
		if h.starters[home] == "" && h.starters[home+": "+kind] == "" {
			faults = append(faults, fmt.Sprintf("%s: starts a goroutine with %s, which %s may not", files.Position(at), kind, home))
		}
	}
	return faults, nil
}

// roomOf is the innermost room that dir lies in.
func (h house) roomOf(dir string) (name string, ok bool) {
	for ; dir != "."; dir = path.Dir(dir) {
		if _, ok := h.rooms[dir]; ok {
			return dir, true
		}
	}
	return "", false
}

func (h house) allowed(home, to string) bool {
	if inner, ours := strings.CutPrefix(to, h.module+"/"); ours {
		to = inner
		if name, _ := h.roomOf(to); name == home {
			return true
		}
	} else if to != "C" && !strings.Contains(strings.Split(to, "/")[0], ".") {
		return true // the standard library
	}
	for pattern := range h.rooms[home] {
		if covers(pattern, to) {
			return true
		}
	}
	return false
}

func covers(pattern, to string) bool {
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return to == tree || strings.HasPrefix(to, tree+"/")
	}
	return to == pattern
}

// goroutinesOf finds go statements and the calls that hide one: the Go of a
// WaitGroup or an errgroup, and AfterFunc of time and context.
func goroutinesOf(file *ast.File) map[token.Pos]string {
	found := map[token.Pos]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found[n.Pos()] = "go"
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Go" || f.Sel.Name == "AfterFunc") {
				found[n.Pos()] = f.Sel.Name
			}
		}
		return true
	})
	return found
}

// A checker that finds nothing would pass every house.
func TestABrokenArrowIsFound(t *testing.T) {
	t.Parallel()
	h := house{
		module: "m",
		rooms: map[string]room{
			"hall":        {"hall/...": "", "cellar": "", "x.org/lib/...": ""},
			"hall/closet": {},
			"cellar":      {"C": ""},
		},
		starters: map[string]string{"hall": "it does", "cellar: AfterFunc": "a callback"},
	}
	sources := map[string]struct{ source, fault string }{
		"hall/good.go":           {`import ("fmt"; "m/hall/closet"; "m/hall/lamp"; "m/cellar"; "x.org/lib/sub"); func f() { go f() }`, ""},
		"cellar/good.go":         {`import "C"`, ""},
		"cellar/timer.go":        {`func f() { time.AfterFunc(1, f) }`, ""},
		"cellar/go.go":           {`func f() { go f() }`, "cellar/go.go:1:23: starts a goroutine with go, which cellar may not"},
		"cellar/any_test.go":     {`import "m/hall"; func f() { go f() }`, ""},
		".hidden/any.go":         {`import "m/hall"`, ""},
		"cellar/up.go":           {`import "m/hall"`, "cellar/up.go:1:19: imports m/hall, which cellar may not"},
		"hall/deep.go":           {`import "m/cellar/below"`, "hall/deep.go:1:19: imports m/cellar/below, which hall may not"},
		"hall/foreign.go":        {`import "x.org/library"`, "hall/foreign.go:1:19: imports x.org/library, which hall may not"},
		"hall/cgo.go":            {`import "C"`, "hall/cgo.go:1:19: imports C, which hall may not"},
		"hall/closet/out.go":     {`import "m/hall/lamp"`, "hall/closet/out.go:1:19: imports m/hall/lamp, which hall/closet may not"},
		"hall/closet/go.go":      {`func f() { go f() }`, "hall/closet/go.go:1:23: starts a goroutine with go, which hall/closet may not"},
		"hall/closet/group.go":   {`func f() { group.Go(f) }`, "hall/closet/group.go:1:23: starts a goroutine with Go, which hall/closet may not"},
		"hall/closet/timer.go":   {`func f() { time.AfterFunc(1, f) }`, "hall/closet/timer.go:1:23: starts a goroutine with AfterFunc, which hall/closet may not"},
		"attic/forgotten.go":     {``, "attic/forgotten.go: lies in no room of the table"},
		"hall/lamp/same_hall.go": {`import "m/hall"`, ""},
	}
	module := fstest.MapFS{}
	var want []string
	for name, s := range sources {
		module[name] = &fstest.MapFile{Data: []byte("package p; " + s.source)}
		if s.fault != "" {
			want = append(want, s.fault)
		}
	}
	got, err := h.check(module)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
