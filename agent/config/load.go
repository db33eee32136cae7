package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Load reads the file at path and lays over it what the directory beside it
// holds: for agent.yaml every agent.d/*.yaml, in the order of the names.
// Mappings merge key by key; scalars, lists and a camera's device replace.
//
// A config with faults is none: the error is [Faults] then. Other errors are
// of reading, fs.ErrNotExist among them.
func Load(path string) (*Config, error) {
	t, err := Read(path)
	if err != nil {
		return nil, err
	}
	return t.Config()
}

// Parse reads one config file that is already in memory. name stands in
// faults, and its directory is where relative paths begin.
func Parse(name string, data []byte) (*Config, error) {
	t := Text{Files: []File{{name, data}}}
	return t.Config()
}

// layers are the files that make the config of path, the lowest first.
func layers(path string) ([]string, error) {
	dir := strings.TrimSuffix(path, filepath.Ext(path)) + ".d"
	entries, err := os.ReadDir(dir) // sorted by name
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	paths := []string{path}
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".yaml" || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		p := filepath.Join(dir, e.Name())
		// Whoever reads a pipe that nobody writes to waits for ever.
		if info, err := os.Stat(p); err != nil {
			return nil, err
		} else if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is neither a file nor a link to one", p)
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// readFile reads what parse takes at most and one byte more.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// A loader lays files one over the other.
type loader struct {
	files       []string
	faults      []Fault
	tree        *node
	calibration func(path string) ([]byte, error)
}

func (l *loader) add(file string, data []byte) {
	l.files = append(l.files, file)
	l.tree = merge(l.tree, parse(file, data, &l.faults), "")
}

// config decodes what was added. No content at all is a valid config.
func (l *loader) config() (*Config, error) {
	d := &decoder{calibration: l.calibration, faults: l.faults, given: map[string]position{"": {file: l.files[0]}}}
	c := root.filled()
	if l.tree != nil {
		root.read(d, "", l.tree, &c)
	}
	check(d, &c)
	if len(d.faults) > 0 {
		return nil, inOrder(l.files, d.faults)
	}
	c.Warnings = inOrder(l.files, d.warnings)
	return &c, nil
}
