package config

import (
	"strings"
)

// Keys documents every key of the config file, in the order of the schema.
func Keys() []Key { return root.keys("") }

// Reference is the documentation of every key as plain text: a line with the
// key, its type and its default, then what it does and what is allowed.
func Reference() string {
	var b strings.Builder
	for _, k := range Keys() {
		b.WriteString(k.Name + " (" + k.Type)
		if k.Default != "" {
			b.WriteString(", default " + k.Default)
		}
		b.WriteString(")\n")
		for _, line := range []string{k.Doc, k.Allowed} {
			if line != "" {
				b.WriteString("    " + line + "\n")
			}
		}
	}
	return b.String()
}
