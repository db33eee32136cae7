package health

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// system writes files below a directory, by their paths from the root.
func system(t *testing.T, files map[string]string) *Machine {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return NewMachine(filepath.Join(root, "proc"), filepath.Join(root, "sys"))
}

// A Raspberry Pi 4 under the packaged unit.
var board = map[string]string{
	"proc/77/status": "Name:\tagent\nUmask:\t0027\nState:\tS (sleeping)\nPid:\t77\nPPid:\t70\nUid:\t998\t998\t998\t998\n" +
		"VmRSS:\t   30548 kB\nRssAnon:\t    9084 kB\nRssFile:\t   18728 kB\nRssShmem:\t    2736 kB\nThreads:\t10\n",
	"proc/meminfo":     "MemTotal:        3884360 kB\nMemFree:          123456 kB\n",
	"proc/self/limits": "Limit                     Soft Limit           Hard Limit           Units     \nMax open files            4096                 4096                 files     \n",
	"proc/self/cgroup": "1:name=systemd:/ignored\n0::/system.slice/agent.service\n",
	"sys/fs/cgroup/system.slice/agent.service/memory.max": "536870912\n",
	"sys/fs/cgroup/system.slice/agent.service/pids.max":   "128\n",
	"sys/fs/cgroup/system.slice/memory.max":               "max\n",
	"sys/fs/cgroup/system.slice/pids.max":                 "max\n",
	"sys/class/thermal/thermal_zone0/temp":                "61346\n",
	"sys/class/thermal/thermal_zone1/temp":                "-274000\n",
	"sys/class/thermal/thermal_zone2/temp":                "\n",
}

func TestMachineIsRead(t *testing.T) {
	m := system(t, board)
	if h, err := m.Process(77); err != nil || h != (Held{Private: 9084 << 10, Shared: 2736 << 10, Threads: 10, PID: 77, Parent: 70}) {
		t.Errorf("%+v, %v", h, err)
	}
	if b, err := m.Bounds(); err != nil || b != (Bounds{Memory: 512 << 20, Descriptors: 4096, Threads: 128}) {
		t.Errorf("%+v, %v", b, err)
	}
	if c, ok := m.Temperature(); !ok || c != 61.346 {
		t.Errorf("%v °C, %v", c, ok)
	}
	if _, err := m.Process(78); err == nil {
		t.Error("a process that is gone was read")
	}
}

func TestMachineWithoutBoundsIsItsOwn(t *testing.T) {
	m := system(t, map[string]string{
		"proc/meminfo":     board["proc/meminfo"],
		"proc/self/limits": "Limit     Soft Limit\nMax open files            unlimited            unlimited            files\n",
		// Version 1 beside version 2, as Raspberry Pi OS with cgroup_disable=memory has it.
		"proc/self/cgroup":                       "8:pids:/system.slice\n0::/user.slice\n",
		"sys/fs/cgroup/user.slice/cgroup.events": "",
	})
	if b, err := m.Bounds(); err != nil || b != (Bounds{Memory: 3884360 << 10}) {
		t.Errorf("%+v, %v", b, err)
	}
	if _, ok := m.Temperature(); ok {
		t.Error("a temperature from nowhere")
	}
}

func TestMachineOfThisTest(t *testing.T) {
	m := NewMachine("/proc", "/sys")
	before, err := m.Process(0)
	if err != nil || before.Parent != os.Getppid() || before.Threads < 2 {
		t.Fatalf("%+v, %v", before, err)
	}
	const size = 64 << 20
	private, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := syscall.Mmap(-1, 0, size/2, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range [][]byte{private, shared} {
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
	}
	after, err := m.Process(0)
	if err != nil {
		t.Fatal(err)
	}
	const slack = 4 << 20 // the runtime's own
	if grown := after.Private - before.Private; grown < size-slack || grown > size+slack {
		t.Errorf("64 MiB of private memory count as %d", grown)
	}
	if grown := after.Shared - before.Shared; grown < size/2-slack || grown > size/2+slack {
		t.Errorf("32 MiB of shared memory count as %d", grown)
	}
	runtime.KeepAlive([][]byte{private, shared})
	if syscall.Munmap(private) != nil || syscall.Munmap(shared) != nil {
		t.Error("munmap")
	}
	open, err := m.Descriptors()
	f, err2 := os.Open("/dev/null")
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	defer f.Close()
	if now, err := m.Descriptors(); err != nil || now != open+1 {
		t.Errorf("%d descriptors, then one more is %d (%v)", open, now, err)
	}
	if b, err := m.Bounds(); err != nil || b.Memory < 64<<20 {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestSharedMemoryCountsOnce(t *testing.T) {
	const mi = 1 << 20
	parent := Held{Private: 10 * mi, Shared: 3 * mi}
	children := []Held{{Private: 5 * mi, Shared: 4 * mi}, {Private: 6 * mi, Shared: 2 * mi}}
	if private, shared := MemoryOf(parent, children); private != 21*mi || shared != 6*mi {
		t.Errorf("%d and %d MiB", private/mi, shared/mi)
	}
	if private, shared := MemoryOf(parent, nil); private != 10*mi || shared != 3*mi {
		t.Errorf("alone: %d and %d MiB", private/mi, shared/mi)
	}
}

func BenchmarkSample(b *testing.B) {
	m := NewMachine("/proc", "/sys")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := m.Process(0); err != nil {
			b.Fatal(err)
		}
		if _, err := m.Descriptors(); err != nil {
			b.Fatal(err)
		}
		m.Temperature()
	}
}
