//go:build e2e

package e2e

import (
	"context"
	"strconv"
	"strings"
	"testing"
)

// applied copies an example to where its comment says, and starts the agent with it.
func (l *lab) applied(file string) {
	l.Helper()
	const dir = "/etc/systemd/system/agent.service.d"
	l.Cleanup(func() {
		if _, err := l.machine.Run(context.Background(), "rm", dir+"/"+file); err != nil {
			l.Error(err)
		}
	})
	l.run("mkdir", "-p", dir)
	l.run("cp", "/usr/share/doc/edge-agent/examples/"+file, dir)
	l.run("sed", "-i", "s/^#CPUAffinity=.*/CPUAffinity=0/", dir+"/"+file)
	l.run("systemctl", "daemon-reload")
	l.configure(service)
	l.publishes(5)
	if paths := l.property("DropInPaths"); !strings.Contains(paths, file) {
		l.Errorf("%s is not in use: %q", file, paths)
	}
}

// In each a container has something to show, or the agent at least runs on.
func TestDropIns(t *testing.T) {
	l := newContainer(t)
	for file, claim := range map[string]func(l *lab){
		"many-cameras.conf": func(l *lab) {
			limits := l.run("cat", "/proc/"+l.property("MainPID")+"/limits")
			if !strings.Contains(limits, "8192") || l.property("MemoryMax") != strconv.Itoa(1<<30) || l.property("FileDescriptorStoreMax") != "1024" {
				l.Errorf("%s", limits)
			}
		},
		"cpu.conf": func(l *lab) {
			for _, pid := range strings.Fields(l.property("MainPID") + " " + l.run("pgrep", "-P", l.property("MainPID"))) {
				if nice := l.run("ps", "-o", "ni=", "-p", pid); nice != "-5" {
					l.Errorf("process %s has the priority %s", pid, nice)
				}
				if cpus := l.run("grep", "^Cpus_allowed_list:", "/proc/"+pid+"/status"); !strings.HasSuffix(cpus, "\t0") {
					l.Errorf("process %s: %s", pid, cpus)
				}
			}
		},
		"gpu.conf": func(l *lab) {
			groups := l.run("grep", "^Groups:", "/proc/"+l.property("MainPID")+"/status")
			if render := strings.Split(l.run("getent", "group", "render"), ":")[2]; !strings.Contains(groups+" ", render) {
				l.Errorf("%s, render is %s", groups, render)
			}
		},
		"listen.conf": func(l *lab) {
			if allowed := l.property("IPAddressAllow"); !strings.Contains(allowed, "192.168.0.0/16") {
				l.Errorf("IPAddressAllow=%s", allowed)
			}
		},
		"usb-reset.conf": func(l *lab) {
			if paths := l.property("ReadWritePaths"); paths != "/sys/devices" {
				l.Errorf("ReadWritePaths=%s", paths)
			}
		},
	} {
		l.scenario(file, func(l *lab) {
			l.applied(file)
			claim(l)
		})
	}
}
