package systemd

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// unexplained are the warnings and errors that have no entry in the catalog, and
// why each can do without.
var unexplained = map[string]string{
	"closing the camera failed":           "it is told beside an event of the camera, which says what is done",
	"closing the camera's outputs failed": "nothing can be done, and nothing follows",
	"kills for memory are not known":      "it is told beside the end of the process, which says the rest",
	"test pattern not stopped in time":    "nothing can be done: it ends a little later",
}

// A logCall is a call such as log.Warn() in the sources, and what is known of the
// entry that it makes.
type logCall struct {
	at, message string
	explained   bool // it has a message ID
}

// calls finds the warnings and errors that the program logs.
func calls(t *testing.T) (found []logCall) {
	eachSource(t, func(files *token.FileSet, file *ast.File) {
		for _, decl := range file.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			// The event may be begun in one statement and sent in another, so what
			// counts is that of the function, where a statement alone says nothing.
			whole := literals(f.Body)
			ast.Inspect(f.Body, func(n ast.Node) bool {
				statement, ok := n.(ast.Stmt)
				if !ok || !simple(statement) {
					return true
				}
				for _, call := range alarms(statement) {
					c := logCall{at: files.Position(call.Pos()).String()}
					words := literals(statement)
					if c.message = words.message; c.message == "" {
						words = whole
					}
					c.explained = words.id
					found = append(found, c)
				}
				return false
			})
		}
	})
	return found
}

// simple says that a statement has none within it but those of function literals.
func simple(s ast.Stmt) bool {
	switch s.(type) {
	case *ast.ExprStmt, *ast.AssignStmt, *ast.DeclStmt, *ast.ReturnStmt, *ast.DeferStmt, *ast.GoStmt:
		return true
	}
	return false
}

// alarms are the calls of Warn, Error, Fatal and Panic on a logger.
func alarms(n ast.Node) (found []*ast.CallExpr) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) > 0 {
			return true
		}
		method, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || !slices.Contains([]string{"Warn", "Error", "Fatal", "Panic"}, method.Sel.Name) {
			return true
		}
		name := ""
		switch on := method.X.(type) {
		case *ast.Ident:
			name = on.Name
		case *ast.SelectorExpr:
			name = on.Sel.Name
		}
		if strings.EqualFold(name, "log") {
			found = append(found, call)
		}
		return true
	})
	return found
}

// words are what an event is given.
type words struct {
	id      bool
	message string // of Msg
}

func literals(n ast.Node) (w words) {
	ast.Inspect(n, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) == 0 {
			return true
		}
		method, _ := call.Fun.(*ast.SelectorExpr)
		text, _ := call.Args[0].(*ast.BasicLit)
		if method == nil || text == nil || text.Kind != token.STRING {
			return true
		}
		switch value, _ := strconv.Unquote(text.Value); {
		case method.Sel.Name == "Msg":
			w.message = value
		case method.Sel.Name == "Str" && value == "message_id":
			w.id = true
		}
		return true
	})
	return w
}

// eachSource reads the sources of the program, but for tests.
func eachSource(t *testing.T, read func(*token.FileSet, *ast.File)) {
	t.Helper()
	for _, room := range []string{"../cmd", "../agent", "."} {
		err := filepath.WalkDir(room, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (d.Name() == "e2e" || strings.HasSuffix(path, "ring/bench")):
				return fs.SkipDir
			case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, 0)
			if err == nil {
				read(files, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryWarningIsExplained(t *testing.T) {
	unused := maps.Clone(unexplained)
	all := calls(t)
	for _, c := range all {
		if unexplained[c.message] != "" {
			delete(unused, c.message)
			continue
		}
		if !c.explained {
			t.Errorf("%s: %q has no message_id, and does not stand in the list of those that need none", c.at, c.message)
		}
	}
	for message := range unused {
		t.Errorf("%q needs no exception: nobody logs it, or it is explained", message)
	}
	if len(all) < 30 {
		t.Errorf("only %d warnings and errors found", len(all))
	}
}

func TestEveryMessageIDIsUsed(t *testing.T) {
	used := map[string]bool{}
	eachSource(t, func(files *token.FileSet, file *ast.File) {
		if filepath.Base(files.Position(file.Pos()).Filename) == "messages.go" {
			return
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok {
				used[name.Name] = true
			}
			return true
		})
	})
	for _, name := range messageIDs(t) {
		if !used[name] {
			t.Errorf("%s is in the catalog and nothing logs it", name)
		}
	}
}
