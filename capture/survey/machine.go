package survey

import (
	"cmp"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Roots are where the system's directories are: /dev, /sys and /proc if empty.
type Roots struct{ Dev, Sys, Proc string }

// A machine is what is surveyed.
type machine struct {
	dev, sys, proc string
	users          users
}

// users are who there is, and who looks.
type users struct {
	uid int
	// groups are those of this process.
	groups []int
	// name and group give names to numbers, the numbers themselves if they have none.
	name, group func(id int) string
	// groupsOf are those that a user has by the system's lists, nil when there is no
	// such user.
	groupsOf func(name string) []int
}

func (r Roots) machine() machine {
	groups, _ := os.Getgroups() // none is none
	return machine{cmp.Or(r.Dev, "/dev"), cmp.Or(r.Sys, "/sys"), cmp.Or(r.Proc, "/proc"), users{
		os.Geteuid(), append(groups, os.Getegid()), userName, groupName, groupsOf,
	}}
}

func userName(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return strconv.Itoa(uid)
}

func groupName(gid int) string {
	if g, err := user.LookupGroupId(strconv.Itoa(gid)); err == nil {
		return g.Name
	}
	return strconv.Itoa(gid)
}

func groupsOf(name string) []int {
	u, err := user.Lookup(name)
	if err != nil {
		return nil
	}
	ids, _ := u.GroupIds() // its own at least
	list := []int{}
	for _, id := range append(ids, u.Gid) {
		if n, err := strconv.Atoi(id); err == nil {
			list = append(list, n)
		}
	}
	return list
}

// An Owner says who may open a node.
type Owner struct {
	User  string `json:"user"`
	Group string `json:"group"`
	// Mode is the nine letters of ls, rw-rw----.
	Mode string `json:"mode"`

	uid, gid int
	perm     os.FileMode
}

func (m machine) owner(path string) Owner {
	st, err := os.Stat(path)
	if err != nil {
		return Owner{}
	}
	o := Owner{perm: st.Mode().Perm(), Mode: st.Mode().Perm().String()[1:]}
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		o.uid, o.gid = int(s.Uid), int(s.Gid)
	}
	o.User, o.Group = m.users.name(o.uid), m.users.group(o.gid)
	return o
}

// attribute reads a file of sysfs or proc, empty if there is none.
func attribute(elem ...string) string {
	b, err := os.ReadFile(filepath.Join(elem...))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
