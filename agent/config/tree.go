package config

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// What a file may hold. YAML's aliases let a small file stand for a huge tree,
// and its parser recurses on nesting and takes time that grows with the square
// of the tokens (20,000 in a fifth of a second, 130,000 in half a minute): all
// are bounded before they cost anything.
const (
	maxFileBytes = 1 << 20
	maxTokens    = 20_000
	maxNesting   = 32
	maxNodes     = 50_000
)

type shape uint8

const (
	null shape = iota
	scalar
	sequence
	mapping
)

// A node is a value of the YAML tree, with the place it was written at. Nodes
// are shared between aliases and never changed once made.
type node struct {
	at    position
	shape shape
	text  string // of a scalar, as written: the key's type says how to read it
	keys  []entry
	items []*node
	size  int // nodes in this tree, aliases counted each time
}

type entry struct {
	name  string
	at    position
	value *node
}

func (n *node) find(name string) int {
	for i := range n.keys {
		if n.keys[i].name == name {
			return i
		}
	}
	return -1
}

// describe says what n is, for a fault.
func (n *node) describe() string {
	switch n.shape {
	case scalar:
		return quote(n.text)
	case sequence:
		return "a list"
	case mapping:
		return "a mapping"
	}
	return "nothing"
}

// quote cuts long text, so that a fault stays a line.
func quote(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

// parse makes the tree of a file. What is wrong is added to faults; the tree
// is nil when the file has no content or could not be read as YAML at all.
func parse(file string, data []byte, faults *[]Fault) *node {
	b := &builder{file: file, faults: faults, anchors: map[string]*node{}, left: maxNodes}
	tokens, ok := b.tokens(data)
	if !ok {
		return nil
	}
	tree, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		b.syntax(err)
		return nil
	}
	var body ast.Node
	for _, doc := range tree.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.CommentType || doc.Body.Type() == ast.CommentGroupType:
		case body == nil:
			body = doc.Body
		default:
			b.fault(b.place(doc.Body), "", "a second document", "one document a file")
		}
	}
	if body == nil {
		return nil
	}
	return b.build(body, "")
}

// tokens splits data up, and refuses what would be too dear to parse.
func (b *builder) tokens(data []byte) (token.Tokens, bool) {
	start := position{b.file, 1, 1}
	switch {
	case len(data) > maxFileBytes:
		b.fault(start, "", "more than 1MiB", "a config file has 1MiB at most")
		return nil, false
	case !utf8.Valid(data):
		b.fault(start, "", "bytes that are not UTF-8", "a config file is UTF-8 text")
		return nil, false
	}
	tokens := lexer.Tokenize(strings.TrimPrefix(string(data), "\ufeff"))
	if len(tokens) > maxTokens {
		b.fault(start, "", fmt.Sprintf("%d YAML tokens", len(tokens)),
			fmt.Sprintf("a config file has %d at most", maxTokens))
		return nil, false
	}
	if line := deepLine(tokens); line > 0 {
		b.fault(position{b.file, line, 1}, "", "nesting too deep",
			fmt.Sprintf("values nest %d deep at most", maxNesting))
		return nil, false
	}
	return tokens, true
}

// deepLine is the first line where brackets, or markers that nest within a
// line, go deeper than maxNesting; 0 if none does. Nesting by indentation is
// bounded by the file's size.
func deepLine(tokens token.Tokens) int {
	line, brackets, markers := 0, 0, 0
	for _, t := range tokens {
		if t.Position.Line != line {
			line, markers = t.Position.Line, 0
		}
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.AnchorType, token.TagType:
			markers++
		case token.CollectEntryType:
			markers = 0
		}
		if brackets > maxNesting || markers > maxNesting {
			return max(line, 1)
		}
	}
	return 0
}

// syntax turns the parser's error into a fault.
func (b *builder) syntax(err error) {
	at := position{b.file, 1, 1}
	message := err.Error()
	if e, ok := errors.AsType[yaml.Error](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			at.line, at.column = t.Position.Line, t.Position.Column
		}
	}
	b.fault(at, "", message, "this is not YAML")
}
