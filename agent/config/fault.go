package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// A Fault is one thing that is wrong with a config file.
type Fault struct {
	File         string
	Line, Column int // counted from 1; 0 when the fault has no place
	// Key is dotted, such as cameras.front.mode.size; empty for faults of syntax.
	Key string
	// Found and Allowed are phrases.
	Found, Allowed string
}

// String is file:line:column: key: what was found; what is allowed.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	if f.Key != "" {
		b.WriteString(": " + f.Key)
	}
	b.WriteString(": " + f.Found)
	if f.Allowed != "" {
		b.WriteString("; " + f.Allowed)
	}
	return b.String()
}

// Faults are all that is wrong, in the order of the files. As an error they
// read one a line.
type Faults []Fault

func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i := range f {
		lines[i] = f[i].String()
	}
	return strings.Join(lines, "\n")
}

// A position is a place in a file; line and column count from 1.
type position struct {
	file         string
	line, column int
}

func (p position) fault(key, found, allowed string) Fault {
	return Fault{p.file, p.line, p.column, key, found, allowed}
}

// inOrder sorts faults as a reader meets them, and drops what is said twice.
func inOrder(files []string, faults []Fault) Faults {
	slices.SortStableFunc(faults, func(a, b Fault) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(faults)
}

// nearest is the word that was likely meant, or "".
func nearest(word string, known []string) string {
	best, limit := "", min(1+len(word)/4, 3)
	for _, k := range known {
		if d := distance(word, k); d <= limit {
			best, limit = k, d-1
		}
	}
	return best
}

// distance counts the letters to insert, delete, replace or swap with their
// neighbour on the way from a to b (optimal string alignment).
func distance(a, b string) int {
	const longest = 64
	if len(a) > longest || len(b) > longest {
		return longest
	}
	var d [longest + 1][longest + 1]int
	for i := range len(a) + 1 {
		for j := range len(b) + 1 {
			if i == 0 || j == 0 {
				d[i][j] = i + j
				continue
			}
			replace := 1
			if a[i-1] == b[j-1] {
				replace = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+replace)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
