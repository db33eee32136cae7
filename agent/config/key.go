package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Key documents one key of the config file.
type Key struct {
	// Name is dotted; <camera>, <output> and <control> stand for names.
	Name string
	// Type is how the value is written, Allowed says which ones are.
	Type, Allowed string
	// Default is the value that holds when the key is absent, as it would be
	// written; empty when there is none.
	Default string
	Doc     string
}

// A section is the keys of a mapping that becomes a T.
type section[T any] []key[T]

// A key is a row of the schema.
type key[T any] struct {
	Key
	fill  func(*T)
	read  func(d *decoder, path string, n *node, into *T)
	inner []Key
}

// A decoder collects what goes wrong and remembers where keys were given.
type decoder struct {
	faults   []Fault
	warnings []Fault
	given    map[string]position // by dotted key; the place of the value
	// calibration reads what counts of a file, see [Text].
	calibration func(path string) ([]byte, error)
}

func (d *decoder) fault(at position, path, found, allowed string) {
	d.faults = append(d.faults, at.fault(path, found, allowed))
}

func (d *decoder) has(path string) bool { _, ok := d.given[path]; return ok }

// place is where path was given, or else what it is part of.
func (d *decoder) place(path string) position {
	for {
		if at, ok := d.given[path]; ok {
			return at
		}
		dot := strings.LastIndexByte(path, '.')
		if dot < 0 {
			return d.given[""]
		}
		path = path[:dot]
	}
}

// fill sets every default in t.
func (s section[T]) fill(t *T) {
	for i := range s {
		if s[i].fill != nil {
			s[i].fill(t)
		}
	}
}

// filled is a T with every default.
func (s section[T]) filled() (t T) {
	s.fill(&t)
	return t
}

// read decodes a mapping over what is in t. No value at all is an empty one.
func (s section[T]) read(d *decoder, path string, n *node, t *T) {
	if n.shape == null {
		return
	}
	if n.shape != mapping {
		d.fault(n.at, path, "found "+n.describe(), "allowed: the keys "+strings.Join(s.names(), ", "))
		return
	}
	for _, e := range n.keys {
		i := slices.IndexFunc(s, func(k key[T]) bool { return k.Name == e.name })
		if i < 0 {
			d.unknown(e, path, s.names())
			continue
		}
		inner := join(path, e.name)
		d.given[inner] = e.value.at
		s[i].read(d, inner, e.value, t)
	}
}

func (d *decoder) unknown(e entry, path string, known []string) {
	allowed := "allowed: " + strings.Join(known, ", ")
	if k := nearest(e.name, known); k != "" {
		allowed = "did you mean " + k + "? " + allowed
	}
	d.fault(e.at, join(path, clip(e.name)), "unknown key", allowed)
}

// clip keeps a name that nobody knows from filling the screen.
func clip(name string) string {
	if quoted := quote(name); len(quoted) != len(name)+2 {
		return quoted
	}
	return name
}

func (s section[T]) names() []string {
	names := make([]string, len(s))
	for i := range s {
		names[i] = s[i].Name
	}
	return names
}

// keys documents the section and all below it.
func (s section[T]) keys(prefix string) []Key {
	var all []Key
	for _, k := range s {
		doc := k.Key
		doc.Name = join(prefix, k.Name)
		all = append(all, doc)
		for _, doc := range k.inner {
			doc.Name = join(join(prefix, k.Name), doc.Name)
			all = append(all, doc)
		}
	}
	return all
}

// value is a key with a value of kind k. def is the default as it would be
// written; without one, set is not called for an absent key.
func value[T, V any](name string, k kind[V], def, doc string, set func(*T, V)) key[T] {
	made := key[T]{Key: Key{name, k.name, k.allowed, def, doc}}
	if def != "" {
		v, ok := k.read(&node{shape: scalar, text: def})
		if !ok {
			panic(fmt.Sprintf("config: default %q of %s is not allowed", def, name))
		}
		made.fill = func(t *T) { set(t, v) }
	}
	made.read = func(d *decoder, path string, n *node, t *T) {
		v, ok := k.read(n)
		if !ok {
			found := "found " + n.describe()
			if k.why != nil && n.shape == scalar {
				found += ", which is " + k.why(n.text)
			}
			d.fault(n.at, path, found, k.allowed)
			return
		}
		set(t, v)
	}
	return made
}

// group is a key with a section of its own, always there.
func group[T, V any](name, doc string, s section[V], at func(*T) *V) key[T] {
	return key[T]{
		Key:   Key{Name: name, Type: "mapping", Doc: doc},
		fill:  func(t *T) { s.fill(at(t)) },
		read:  func(d *decoder, path string, n *node, t *T) { s.read(d, path, n, at(t)) },
		inner: s.keys(""),
	}
}

// option is a key with a section that is there when the key is given.
func option[T, V any](name, doc string, s section[V], at func(*T) **V) key[T] {
	return key[T]{
		Key: Key{Name: name, Type: "mapping", Doc: doc},
		read: func(d *decoder, path string, n *node, t *T) {
			v := s.filled()
			s.read(d, path, n, &v)
			*at(t) = &v
		},
		inner: s.keys(""),
	}
}

// short lets a key with a section be written as the value of one inner key.
func short[T any](k key[T], inner, kind string) key[T] {
	read := k.read
	k.Type = kind
	k.read = func(d *decoder, path string, n *node, t *T) {
		if n.shape == scalar {
			n = &node{at: n.at, shape: mapping, keys: []entry{{inner, n.at, n}}, size: n.size + 1}
		}
		read(d, path, n, t)
	}
	return k
}

// list is a key with a section for each item of a list, counted from 1. What an
// item does not give is not documented as its default: add may know better.
func list[T, V any](name, doc string, most int, s section[V], add func(*T, V)) key[T] {
	made := key[T]{
		Key:   Key{Name: name, Type: "list", Allowed: "allowed: a list of mappings, [{...}, {...}]", Doc: doc},
		inner: s.keys("<n>"),
	}
	for i := range made.inner {
		made.inner[i].Default = ""
	}
	made.read = func(d *decoder, path string, n *node, t *T) {
		if n.shape == null {
			return
		}
		if n.shape != sequence {
			d.fault(n.at, path, "found "+n.describe(), made.Allowed)
			return
		}
		if len(n.items) > most {
			d.fault(n.items[most].at, path, fmt.Sprintf("%d of them", len(n.items)), fmt.Sprintf("allowed: %d at most", most))
			return
		}
		for i, item := range n.items {
			v, inner := s.filled(), join(path, strconv.Itoa(i+1))
			d.given[inner] = item.at
			s.read(d, inner, item, &v)
			add(t, v)
		}
	}
	return made
}

// A naming says how the keys of a mapping with free names look.
type naming struct {
	placeholder string
	pattern     *regexp.Regexp
	allowed     string
	most        int
}

// named is a key whose section stands once for each name.
func named[T, V any](doc Key, names naming, s section[V], add func(*T, string, V)) key[T] {
	inner := append([]Key{{Name: names.placeholder, Type: "mapping", Allowed: names.allowed, Doc: "a name of your choice, which becomes part of paths"}}, s.keys(names.placeholder)...)
	return freely(doc, names, inner, func(d *decoder, path, name string, n *node, t *T) {
		v := s.filled()
		if n.shape == null {
			n = &node{at: n.at, shape: mapping}
		}
		s.read(d, path, n, &v)
		add(t, name, v)
	})
}

// freely reads a mapping with free names.
func freely[T any](doc Key, names naming, inner []Key, each func(d *decoder, path, name string, n *node, t *T)) key[T] {
	read := func(d *decoder, path string, n *node, t *T) {
		if n.shape != mapping {
			if n.shape != null {
				d.fault(n.at, path, "found "+n.describe(), "allowed: a mapping by name, "+names.placeholder+": {...}")
			}
			return
		}
		for i, e := range n.keys {
			if i == names.most {
				d.fault(e.at, path, fmt.Sprintf("%d of them", len(n.keys)), fmt.Sprintf("allowed: %d at most", names.most))
				return
			}
			name := clip(e.name)
			inner := join(path, name)
			if !names.pattern.MatchString(e.name) {
				d.fault(e.at, inner, "found the name "+quote(e.name), names.allowed)
			}
			d.given[inner] = e.at
			each(d, inner, name, e.value, t)
		}
	}
	return key[T]{Key: doc, read: read, inner: inner}
}
