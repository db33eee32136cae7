package agent_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A path of the machine that a file was written on is of no use on any other,
// and tells more than it should: this checkout's, its neighbours', and those
// in anyone's home.
func TestNoCommittedFileNamesAMachinesPath(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	machine := machinePath(root)
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted here, not yet in a commit
		}
		if err != nil {
			t.Fatal(err)
		}
		for number, line := range strings.Split(string(content), "\n") {
			if found := machine.FindString(line); found != "" {
				t.Errorf("%s:%d: names %q, a path of one machine", name, number+1, found)
			}
		}
	}
}

// machinePath matches paths under checkout, under the directory that holds it
// (unless every system has one of that name), and under a home.
func machinePath(checkout string) *regexp.Regexp {
	places := []string{regexp.QuoteMeta(checkout), `/home/[a-z][\w.-]*`, `/Users/\w+`}
	if parent := filepath.Dir(checkout); !everySystemHas[parent] {
		places = append(places, regexp.QuoteMeta(parent))
	}
	return regexp.MustCompile(`(^|[^\w./$}-])(` + strings.Join(places, "|") + `)/[\w.-]`)
}

var everySystemHas = map[string]bool{
	"/": true, "/home": true, "/mnt": true, "/opt": true, "/root": true, "/srv": true,
	"/src": true, "/tmp": true, "/usr/src": true, "/var/lib": true, "/var/tmp": true,
}

func TestMachinePath(t *testing.T) {
	t.Parallel()
	// Put together here, or this file would be a finding of its own.
	home, neighbour := "/ho"+"me/ada/frames", "/yard"+"/notes.txt"
	for _, c := range []struct {
		checkout, line string
		want           bool
	}{
		{"/yard/house", "read " + neighbour, true},
		{"/yard/house", `"` + "/yard" + `/house/agent"`, true},
		{"/yard/house", "in " + home, true},
		{"/yard/house", "back" + neighbour, false},
		{"/yard/house", "$DIR" + neighbour, false},
		{"/yard/house", "/yardstick/of", false},
		{"/yard/house", "/run/agent/front/model.sock", false},
		{"/tmp/house", "/tmp/frames.mjpeg", false},
	} {
		if got := machinePath(c.checkout).MatchString(c.line); got != c.want {
			t.Errorf("in a checkout %s, %q is a finding: %v, want %v", c.checkout, c.line, got, c.want)
		}
	}
}
