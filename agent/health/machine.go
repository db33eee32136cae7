package health

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A Machine is where the kernel tells what a process holds and what there is.
// One goroutine uses it.
type Machine struct {
	proc, sys string   // as mounted
	zones     []string // of temperature
	buf       [8192]byte
}

// NewMachine reads below the roots /proc and /sys, which tests put elsewhere.
func NewMachine(proc, sys string) *Machine {
	m := &Machine{proc: proc, sys: sys}
	// The pattern is well formed, which is all that can go wrong.
	m.zones, _ = filepath.Glob(filepath.Join(sys, "class/thermal/thermal_zone*/temp"))
	return m
}

// Held is what one process holds.
type Held struct {
	PID, Parent int
	// Private is anonymous memory in RAM, in bytes: heaps, stacks, and what
	// C++ allocates. Only this process has it.
	Private int64
	// Shared is shared memory in RAM that this process has touched, in bytes:
	// rings and the areas of workers. The files that programs and libraries are
	// mapped from are in neither: the kernel can drop them at any time.
	Shared  int64
	Threads int
}

// Process reads what a process holds; 0 is this one.
func (m *Machine) Process(pid int) (h Held, err error) {
	name := "self"
	if pid != 0 {
		name = strconv.Itoa(pid)
	}
	text, err := m.read(filepath.Join(m.proc, name, "status"))
	if err != nil {
		return h, err
	}
	kibi := int64(1 << 10)
	for _, row := range []struct {
		key  string
		take func(n int64)
	}{
		{"\nPid:", func(n int64) { h.PID = int(n) }},
		{"\nPPid:", func(n int64) { h.Parent = int(n) }},
		{"\nRssAnon:", func(n int64) { h.Private = n * kibi }},
		{"\nRssShmem:", func(n int64) { h.Shared = n * kibi }},
		{"\nThreads:", func(n int64) { h.Threads = int(n) }},
	} {
		n, ok := number(text, row.key)
		if !ok {
			return h, fmt.Errorf("read %s/%s/status: no line%q", m.proc, name, row.key)
		}
		row.take(n)
	}
	return h, nil
}

// number is the one behind the key.
func number(text []byte, key string) (int64, bool) {
	_, rest, ok := bytes.Cut(text, []byte(key))
	if !ok {
		return 0, false
	}
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	first, _, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	n, err := strconv.ParseInt(string(first), 10, 64)
	return n, err == nil
}

// Descriptors is how many this process has open.
func (m *Machine) Descriptors() (int, error) {
	d, err := os.Open(filepath.Join(m.proc, "self/fd"))
	if err != nil {
		return 0, err
	}
	defer d.Close()
	names, err := d.Readdirnames(-1)
	return len(names) - 1, err // not the one it is read through
}

// Temperature is that of the hottest zone, in degrees Celsius; ok is false when
// the machine tells none.
func (m *Machine) Temperature() (celsius float64, ok bool) {
	for _, zone := range m.zones {
		text, err := m.read(zone) // a sensor that is off gives an error
		if err != nil {
			continue
		}
		milli, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if c := float64(milli) / 1000; err == nil && c < 200 && (!ok || c > celsius) {
			celsius, ok = c, true
		}
	}
	return celsius, ok
}

// Bounds are what the kernel allows this process and its children, 0 for no
// bound that is known.
type Bounds struct {
	// Memory is in bytes: the least memory.max of the control groups (version 2)
	// that the process is in, which the unit's MemoryMax becomes, or else what
	// the machine has.
	Memory int64
	// Descriptors is for this process, Threads for it and its children together.
	Descriptors, Threads int64
}

// SafeMemory is what stays below Memory by a fifth, since the kernel enforces that
// by killing somebody; 0 when no bound is known.
func (b *Bounds) SafeMemory() int64 { return b.Memory / 5 * 4 }

// Bounds reads what is allowed. It does not change while a process runs, but
// for an administrator who edits the control group.
func (m *Machine) Bounds() (b Bounds, err error) {
	var errs []error
	text, err := m.read(filepath.Join(m.proc, "meminfo"))
	errs = append(errs, err)
	if kib, ok := number(text, "MemTotal:"); ok {
		b.Memory = kib << 10
	}
	text, err = m.read(filepath.Join(m.proc, "self/limits"))
	errs = append(errs, err)
	b.Descriptors, _ = number(text, "\nMax open files") // "unlimited" is no number
	text, err = m.read(filepath.Join(m.proc, "self/cgroup"))
	errs = append(errs, err)
	for group := groupOf(text); group != ""; group = parent(group) {
		b.Memory = least(b.Memory, m.bound(group, "memory.max"))
		b.Threads = least(b.Threads, m.bound(group, "pids.max"))
	}
	return b, errors.Join(errs...)
}

// groupOf is the path of the control group in /proc/self/cgroup, which in
// version 2 has the number 0; empty when there is none but the root.
func groupOf(text []byte) string {
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(line), "0::"); ok && path != "/" {
			return path
		}
	}
	return ""
}

func parent(group string) string {
	if up := filepath.Dir(group); up != "/" && up != "." {
		return up
	}
	return ""
}

// bound is a number in a file of a control group; 0 when it is "max", or when
// the controller is off.
func (m *Machine) bound(group, file string) int64 {
	text, err := m.read(filepath.Join(m.sys, "fs/cgroup", group, file))
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return n
}

// least is the lesser of two bounds, of which 0 is none.
func least(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// read returns the beginning of a file, until the next read.
func (m *Machine) read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	n := 0
	for n < len(m.buf) {
		got, err := f.Read(m.buf[n:])
		n += got
		if err == io.EOF || got == 0 {
			return m.buf[:n], nil
		}
		if err != nil {
			return nil, err
		}
	}
	return m.buf[:n], nil
}

// MemoryOf is what a process and its children hold together, in bytes. Memory
// that they share is in the Shared of each one that touched it, and counts
// once: nearly all of it is touched by the children, each of which has its own,
// or by the parent.
func MemoryOf(parent Held, children []Held) (private, shared int64) {
	private = parent.Private
	for _, c := range children {
		private += c.Private
		shared += c.Shared
	}
	return private, max(parent.Shared, shared)
}
