// Package docs finds the commands that the documents show, and knows where each is run
// to prove that it does what they say.
//
// What enters: README.md, the other Markdown files, the man pages, the drop-ins that are
// examples, the text of `agent --help`, and the table commands.txt. What leaves: commands with the line where they
// stand, and for each a place, the command as it is run there, and what it has to print. A
// command without a row of the table fails the tests, as does a row that no document shows.
package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// A Command is one that a document shows.
type Command struct {
	File string // from the root of the module
	Line int
	Text string
}

func (c Command) String() string { return fmt.Sprintf("%s:%d: %s", c.File, c.Line, c.Text) }

// programs are the first words by which a command is told from other things that are set
// in the same type. Blocks of sh need none.
var programs = words(`agent apt apt-get cd chmod chown coredumpctl cp curl docker dpkg echo eval ffplay fuser gdb git go gst-launch-1.0 head jq journalctl
	lintian lsusb make man mkdir modprobe mv openssl podman promtool python3 scp ssh sudo sudoedit systemctl systemd-nspawn
	systemd-analyze tail udevadm usermod v4l2-ctl`)

func words(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// isCommand: it begins with a program, and says what that is to do.
func isCommand(s string) bool {
	f := strings.Fields(s)
	return len(f) > 1 && programs[f[0]]
}

// Commands lists what the documents of the module at root show.
func Commands(root string) ([]Command, error) {
	var list []Command
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if d != nil && d.IsDir() && len(d.Name()) > 2 && (d.Name()[0] == '.' || path == filepath.Join(root, "dist")) {
				return filepath.SkipDir
			}
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || reader(name) == nil {
			return err
		}
		text, err := os.ReadFile(path)
		for _, c := range reader(name)(string(text)) {
			c.File = name
			list = append(list, c)
		}
		return err
	})
	return list, err
}

// reader is how commands are found in a file, nil if it is no document.
func reader(name string) func(text string) []Command {
	switch {
	case strings.HasSuffix(name, ".md"):
		return markdown
	case filepath.Dir(name) == filepath.Join("systemd", "man"):
		return roff
	case filepath.Dir(name) == "systemd" && (strings.HasSuffix(name, ".conf") || strings.HasSuffix(name, ".rules")):
		return remarks
	case name == filepath.Join("cmd", "agent", "main.go"):
		return help
	}
	return nil
}

var (
	span    = regexp.MustCompile("`([^`]+)`")
	remark  = regexp.MustCompile(`\s+#(\s.*)?$`)
	blanks  = regexp.MustCompile(`\s+`)
	gap     = regexp.MustCompile(`\s{2,}`)
	quoted  = regexp.MustCompile(`"([^"]+)"`)
	escapes = strings.NewReplacer(`\-`, "-", `\&`, "", `\~`, " ", `\(dq`, `"`, `\(aq`, "'", `\(ha`, "^", `\(ti`, "~", `\e`, `\`)
)

// markdown has the lines of its blocks of sh, and what stands in backticks elsewhere, also
// over the end of a line.
func markdown(text string) []Command {
	var list []Command
	var prose strings.Builder
	fence, held := "", ""
	for i, line := range strings.Split(text, "\n") {
		mark, is := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case is && fence == "":
			fence = "```" + mark
		case is:
			fence = ""
		case fence == "":
			prose.WriteString(line)
		case fence == "```sh":
			if joined, more := strings.CutSuffix(line, `\`); more {
				held += joined
				continue
			}
			list = appendLine(list, i+1, held+line)
			held = ""
		}
		prose.WriteByte('\n')
	}
	for _, m := range span.FindAllStringSubmatchIndex(prose.String(), -1) {
		if s := blanks.ReplaceAllString(prose.String()[m[2]:m[3]], " "); isCommand(s) {
			list = append(list, Command{Line: 1 + strings.Count(prose.String()[:m[0]], "\n"), Text: s})
		}
	}
	return list
}

// appendLine adds a line of a shell, without its remark; a remark alone is none.
func appendLine(list []Command, number int, line string) []Command {
	line = strings.TrimSpace(blanks.ReplaceAllString(remark.ReplaceAllString(" "+line, ""), " "))
	if line == "" {
		return list
	}
	return append(list, Command{Line: number, Text: line})
}

// roff has the lines of its examples that are commands, and what is set in bold or italics.
func roff(text string) []Command {
	var list []Command
	example := false
	for i, line := range strings.Split(text, "\n") {
		macro, rest, _ := strings.Cut(line, " ")
		rest = escapes.Replace(rest)
		switch {
		case macro == ".EX" || macro == ".EE":
			example = macro == ".EX"
		case example && isCommand(escapes.Replace(line)):
			list = appendLine(list, i+1, escapes.Replace(line))
		case macro == ".B" || macro == ".I":
			if isCommand(rest) {
				list = append(list, Command{Line: i + 1, Text: rest})
			}
		case len(macro) == 3 && strings.Trim(macro[1:], "BIR") == "":
			for _, m := range quoted.FindAllStringSubmatch(rest, -1) {
				if isCommand(m[1]) {
					list = append(list, Command{Line: i + 1, Text: m[1]})
				}
			}
		}
	}
	return list
}

// remarks has the commands of an example's remarks, which are set in: "#   cp ...".
func remarks(text string) []Command {
	var list []Command
	for i, line := range strings.Split(text, "\n") {
		if command, ok := strings.CutPrefix(line, "#   "); ok && isCommand(command) {
			list = append(list, Command{Line: i + 1, Text: command})
		}
	}
	return list
}

// help has the commands of the description that `agent --help` begins with: the command, a
// gap, what it does.
func help(text string) []Command {
	var list []Command
	for i, line := range strings.Split(text, "\n") {
		if command, ok := strings.CutPrefix(line, "  "); ok && isCommand(command) {
			list = append(list, Command{Line: i + 1, Text: gap.Split(command, 2)[0]})
		}
	}
	return list
}
