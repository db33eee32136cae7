package config

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A builder turns the parser's tree of one file into nodes.
type builder struct {
	file    string
	faults  *[]Fault
	anchors map[string]*node
	left    int // nodes that may still be made or repeated
}

func (b *builder) fault(at position, key, found, allowed string) {
	*b.faults = append(*b.faults, at.fault(key, found, allowed))
}

// place is where n begins: the token of a block mapping is its first colon.
func (b *builder) place(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return position{b.file, t.Position.Line, t.Position.Column}
	}
	return position{b.file, 1, 1}
}

// spend takes n nodes from the budget and says whether they were there. The
// fault is reported once.
func (b *builder) spend(at position, key string, n int) bool {
	had := b.left >= 0
	b.left -= n
	if b.left < 0 && had {
		b.fault(at, key, "too many values, aliases included",
			fmt.Sprintf("a config file stands for %d at most", maxNodes))
	}
	return b.left >= 0
}

// build makes the node of the value of key. A value that cannot be is a fault
// and becomes nil.
func (b *builder) build(n ast.Node, key string) *node {
	at := b.place(n)
	if !b.spend(at, key, 1) {
		return nil
	}
	made := &node{at: at, size: 1}
	switch v := n.(type) {
	case *ast.AnchorNode:
		return b.anchor(v, key)
	case *ast.AliasNode:
		return b.alias(v, key)
	case *ast.MappingNode:
		made.shape = mapping
		b.mapping(made, v, key)
	case *ast.SequenceNode:
		made.shape = sequence
		for _, item := range v.Values {
			if i := b.build(item, key); i != nil {
				made.items = append(made.items, i)
				made.size += i.size
			}
		}
	case *ast.NullNode:
	case *ast.StringNode:
		made.shape, made.text = scalar, v.Value
	case *ast.LiteralNode:
		made.shape, made.text = scalar, v.Value.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		made.shape, made.text = scalar, v.GetToken().Value
	default:
		b.fault(at, key, "a YAML "+n.Type().YAMLName(), "allowed: plain values, lists and mappings")
		return nil
	}
	return made
}

func (b *builder) mapping(made *node, v *ast.MappingNode, key string) {
	for _, pair := range v.Values {
		at := b.place(pair.Key)
		if _, ok := pair.Key.(*ast.MergeKeyNode); ok {
			b.fault(at, key, "the merge key <<", "write the keys out, or share a whole value by an alias")
			continue
		}
		name, ok := keyText(pair.Key)
		if !ok {
			b.fault(at, key, "a key that is not plain text", "keys are words")
			continue
		}
		inner := join(key, name)
		if i := made.find(name); i >= 0 {
			b.fault(at, inner, "given again",
				fmt.Sprintf("a key stands once; it was first given in line %d", made.keys[i].at.line))
			continue
		}
		if value := b.build(pair.Value, inner); value != nil {
			made.keys = append(made.keys, entry{name, at, value})
			made.size += value.size
		}
	}
}

// keyText is a key as written: a camera may be named 1.
func keyText(k ast.Node) (string, bool) {
	switch v := k.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value, true
	}
	return "", false
}

// anchor makes its value first and gives it a name then, so that a value
// cannot hold itself.
func (b *builder) anchor(v *ast.AnchorNode, key string) *node {
	made := b.build(v.Value, key)
	if made != nil {
		b.anchors[v.Name.GetToken().Value] = made
	}
	return made
}

func (b *builder) alias(v *ast.AliasNode, key string) *node {
	name := v.Value.GetToken().Value
	made := b.anchors[name]
	if made == nil {
		b.fault(b.place(v), key, "alias *"+name, "the anchor &"+name+" must stand before it, in the same file")
		return nil
	}
	if !b.spend(b.place(v), key, made.size) {
		return nil
	}
	return made
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// merge lays over onto base: mappings merge key by key, all else replaces. An
// empty value over a mapping, such as cameras: with every camera commented
// out, changes nothing.
func merge(base, over *node, key string) *node {
	switch {
	case base == nil:
		return over
	case over == nil || over.shape == null && base.shape == mapping:
		return base
	case base.shape != mapping || over.shape != mapping || whole(key):
		return over
	}
	merged := &node{at: over.at, shape: mapping, size: base.size + over.size}
	merged.keys = append(merged.keys, base.keys...)
	for _, e := range over.keys {
		if i := merged.find(e.name); i >= 0 {
			merged.keys[i] = entry{e.name, e.at, merge(merged.keys[i].value, e.value, join(key, e.name))}
		} else {
			merged.keys = append(merged.keys, e)
		}
	}
	return merged
}

// whole says that a mapping replaces the one below it: the selectors of a
// device exclude each other, so that two merged devices would be none.
func whole(key string) bool {
	return strings.HasPrefix(key, "cameras.") && strings.HasSuffix(key, ".device") && strings.Count(key, ".") == 2
}
