package survey

import (
	"fmt"
	"slices"
)

// serviceUser is who the daemon is when systemd starts it, serviceGroup the group that the
// unit gives it besides (SupplementaryGroups=).
const (
	serviceUser  = "edge-agent"
	serviceGroup = "video"
)

const groupWrites, othersWrite = 0o060, 0o006

// refused says why a node may not be opened, and what mends it.
func (m machine) refused(c *Camera) Problem {
	o, me := c.Owner, m.users.name(m.users.uid)
	p := Problem{Kind: ProblemPermission, Blocking: true}
	switch {
	case m.users.uid == 0 || o.perm&othersWrite == othersWrite || o.perm&groupWrites == groupWrites && slices.Contains(m.users.groups, o.gid):
		p.Text = fmt.Sprintf("the node's own permissions (%s %s:%s) allow it, but a cgroup or a container does not", o.Mode, o.User, o.Group)
		p.Remedy = "in a container: `--device " + c.Path + "`; in a service of your own: `DeviceAllow=char-video4linux rw`"
	case o.perm&groupWrites != groupWrites:
		p.Text = fmt.Sprintf("nobody but %s may open it (%s %s:%s): udev did not do its part", o.User, o.Mode, o.User, o.Group)
		p.Remedy = "`sudo udevadm trigger --action=add --subsystem-match=video4linux`"
	case slices.Contains(m.users.groupsOf(me), o.gid):
		p.Text = fmt.Sprintf("it is for the group %s, of which %s became a member after the login", o.Group, me)
		p.Remedy = "log out and in again"
	default:
		p.Text = fmt.Sprintf("it is for the group %s, of which %s is no member", o.Group, me)
		p.Remedy = fmt.Sprintf("`sudo usermod --append --groups %s %s`, then log out and in again", o.Group, me)
	}
	return p
}

// service says whether the daemon of the package, if it is installed, may open the node.
// Its unit allows all video devices by number, so the node's owner decides.
func (m machine) service(o Owner) (Problem, bool) {
	groups := m.users.groupsOf(serviceUser)
	if groups == nil || o.Mode == "" {
		return Problem{}, true
	}
	group := o.perm&groupWrites == groupWrites && (o.Group == serviceGroup || slices.Contains(groups, o.gid))
	if group || o.perm&othersWrite == othersWrite || o.User == serviceUser {
		return Problem{}, true
	}
	p := Problem{Kind: ProblemService, Blocking: true,
		Text: fmt.Sprintf("the service runs as %s with the group %s, and the node is for %s:%s (%s)", serviceUser, serviceGroup, o.User, o.Group, o.Mode)}
	p.Remedy = "`sudo udevadm trigger --action=add --subsystem-match=video4linux`"
	if o.perm&groupWrites == groupWrites {
		p.Remedy = fmt.Sprintf("`sudo systemctl edit agent`: [Service] SupplementaryGroups=%s %s", serviceGroup, o.Group)
	}
	return p, false
}
