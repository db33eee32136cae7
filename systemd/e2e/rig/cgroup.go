package rig

import (
	"os"
	"path/filepath"
	"strings"
)

// hierarchies are where a cgroup can be: version 2, and of version 1 the named
// one of systemd and that of the CPU.
var hierarchies = []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup"}

func cgroupOf(dir string) string { return "e2e-" + filepath.Base(dir) }

// favoured is a command that runs the rest of its arguments in a cgroup of its
// own, before all others where there is a choice. A guest's clock runs with the
// host's: what a busy host withholds looks like a driver that hangs, or a frame
// that another camera took. And nspawn's payload goes below its caller's group,
// which two runs must not share.
func (m *Machine) favoured() []string {
	m.cgroup = cgroupOf(m.dir)
	script := `for h in ` + strings.Join(hierarchies, " ") + `; do
	[ -w $h/cgroup.procs ] && mkdir -p $h/$0 && echo $$ >$h/$0/cgroup.procs
	[ -w $h/$0/cpu.shares ] && echo 10240 >$h/$0/cpu.shares
	[ -w $h/$0/cpu.weight ] && echo 1000 >$h/$0/cpu.weight
done
exec "$@"`
	return []string{"sh", "-c", script, m.cgroup, "nice", "--adjustment=-5"}
}

// removeCgroup removes what a guest has left: its groups, the inner ones first.
func removeCgroup(name string) {
	if name == "" {
		return
	}
	for _, h := range hierarchies {
		var dirs []string
		filepath.WalkDir(filepath.Join(h, name), func(path string, d os.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
		for i := len(dirs) - 1; i >= 0; i-- {
			os.Remove(dirs[i])
		}
	}
}
