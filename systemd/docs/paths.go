package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var installed = regexp.MustCompile(`/usr/(?:share/doc/edge-agent|include|lib/python3)[\w./-]*\w|/etc/agent/agent\.yaml`)

// Paths are the files of the package that README and the man pages name.
func Paths(root string) ([]string, error) {
	pages, err := filepath.Glob(filepath.Join(root, "systemd", "man", "*"))
	if err != nil {
		return nil, err
	}
	var list []string
	for _, file := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		list = append(list, installed.FindAllString(escapes.Replace(string(text)), -1)...)
		if file != filepath.Join(root, "README.md") {
			list = append(list, "/usr/share/man/man"+strings.TrimPrefix(filepath.Ext(file), ".")+"/"+filepath.Base(file)+".gz")
		}
	}
	slices.Sort(list)
	return slices.Compact(list), nil
}
