package survey

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/edge-agent/agent/capture/v4l2"
)

// tree makes the files of a fixture: "path: content" or "path -> target" a line, where
// the path of the root stands for ROOT. It returns the machine, as root sees it.
func tree(t *testing.T, fixture string) machine {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", fixture))
	must(t, err)
	root := t.TempDir()
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		if path, target, ok := strings.Cut(line, " -> "); ok {
			path = filepath.Join(root, path)
			must(t, os.MkdirAll(filepath.Dir(path), 0o755))
			must(t, os.Symlink(strings.Replace(target, "ROOT", root, 1), path))
			continue
		}
		at := strings.LastIndex(line, ": ") // addresses have colons, too
		if at < 0 {
			at = len(line) - 1
		}
		put(t, filepath.Join(root, line[:at]), content(t, strings.TrimSpace(line[at+1:])))
	}
	return machine{filepath.Join(root, "dev"), filepath.Join(root, "sys"), filepath.Join(root, "proc"), users{
		name:     func(uid int) string { return map[int]string{0: "root", 1000: "pi", 995: "edge-agent"}[uid] },
		group:    func(gid int) string { return map[int]string{0: "root", 44: "video"}[gid] },
		groupsOf: func(string) []int { return nil },
	}}
}

func content(t *testing.T, s string) string {
	if digits, ok := strings.CutPrefix(s, "hex "); ok {
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		must(t, err)
		return string(b)
	}
	return strings.NewReplacer(`\0`, "\x00", `\n`, "\n", `\t`, "\t").Replace(s)
}

func put(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(text), 0o644))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// empty is a machine without any devices.
func empty(t *testing.T) machine {
	m := Roots{Dev: t.TempDir(), Sys: t.TempDir(), Proc: t.TempDir()}.machine()
	m.users.groupsOf = func(string) []int { return nil }
	return m
}

// node is what asking a node of the machine gave: one format, with sizes and a rate each.
func (m machine) node(name, card string, kind v4l2.Kind, code string, sizes ...v4l2.SizeInfo) v4l2.Device {
	d := v4l2.Device{Path: filepath.Join(m.dev, name), Name: card, Kind: kind}
	if code != "" {
		d.Formats = []v4l2.FormatInfo{{Code: code, Sizes: sizes}}
	}
	return d
}

func size(w, h int, rates ...float64) v4l2.SizeInfo {
	return v4l2.SizeInfo{Width: w, Height: h, Rates: rates}
}

// free is the answer of cameras from which nobody streams.
func free(string) (bool, error) { return false, nil }

// has says whether there is a problem of that kind with these words in it.
func has(t *testing.T, list []Problem, kind string, words ...string) {
	t.Helper()
	i := slices.IndexFunc(list, func(p Problem) bool { return p.Kind == kind })
	if i < 0 {
		t.Errorf("no problem %s among %+v", kind, list)
		return
	}
	text := list[i].Text + " | " + list[i].Remedy
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("problem %s: %s; want %q", kind, text, w)
		}
	}
	if list[i].Remedy == "" {
		t.Errorf("problem %s has no remedy", kind)
	}
}

// hasNot says that there is no problem of that kind.
func hasNot(t *testing.T, list []Problem, kind string) {
	t.Helper()
	if slices.ContainsFunc(list, func(p Problem) bool { return p.Kind == kind }) {
		t.Errorf("a problem %s among %+v", kind, list)
	}
}
