package health

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Kills are the processes of a control group that the kernel killed for memory:
// memory.events(oom_kill) of cgroups(7), version 2.
type Kills struct {
	// Group is a number that no other control group of this boot has.
	Group uint64
	// Count is since the control group was made; it may outlive many processes.
	Count int64
}

// KilledForMemory asks for the control group of this process. Where memory is not
// counted, as on boards that boot with cgroup_disable=memory, there are none.
func (m *Machine) KilledForMemory() (k Kills, err error) {
	text, err := m.read(filepath.Join(m.proc, "self/cgroup"))
	if err != nil {
		return k, err
	}
	dir := filepath.Join(m.sys, "fs/cgroup", groupOf(text))
	if text, err = m.read(filepath.Join(dir, "memory.events")); errors.Is(err, fs.ErrNotExist) {
		return k, nil
	} else if err != nil {
		return k, err
	}
	k.Count, _ = number(text, "\noom_kill ") // since Linux 4.13
	info, err := os.Stat(dir)
	if err != nil {
		return k, err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		k.Group = stat.Ino
	}
	return k, nil
}
