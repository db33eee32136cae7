package rig

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// An accel is how QEMU executes the guest.
type accel struct {
	name string // of the -accel option, with its properties
	cpu  string
	args func() string // more for the kernel's command line
}

var (
	kvm = accel{name: "kvm", cpu: "host", args: func() string { return "" }}
	// The feature set is the least that x86-64-v2 binaries want: every further
	// vector extension is slower under emulation than doing without it.
	tcg = accel{name: "tcg,thread=multi,tb-size=512", cpu: "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt",
		args: func() string { return "no_timer_check " + emulatedClock() }}
)

// chooseAccel is KVM when a guest really comes up with it: a /dev/kvm inside
// of a cloud machine can be opened, but may never execute an instruction. The
// verdict is kept for as long as the host is up. E2E_ACCEL=tcg or kvm overrides.
func (img *Image) chooseAccel(ctx context.Context) accel {
	if name := os.Getenv("E2E_ACCEL"); name != "" {
		return byName(name)
	}
	if _, err := os.Stat("/dev/kvm"); err != nil {
		return tcg
	}
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	verdict := filepath.Join(img.cache, "accel")
	if b, err := os.ReadFile(verdict); err == nil {
		if name, ok := strings.CutPrefix(string(b), string(boot)); ok {
			return byName(name)
		}
	}
	name := "tcg"
	if img.probeKVM(ctx) {
		name = "kvm"
	}
	if err := os.WriteFile(verdict, append(boot, name...), 0o644); err != nil {
		fmt.Fprintln(img.log, "rig: the verdict on KVM was not kept:", err)
	}
	return byName(name)
}

func byName(name string) accel {
	if name == "kvm" {
		return kvm
	}
	return tcg
}

func (img *Image) probeKVM(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-smp", "2",
		"-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", img.path("vmlinuz"),
		"-initrd", img.path("initrd.cpio"), "-append", "console=ttyS0 panic=-1 e2e.probe").Output()
	return strings.Contains(string(out), "e2e-probe-ok")
}

// stateKey names the saved states that a restore here can read: they fit one
// QEMU and one kind of CPU.
func (a accel) stateKey(ctx context.Context) string {
	version, _ := exec.CommandContext(ctx, "qemu-system-x86_64", "--version").Output()
	h := sha256.New()
	h.Write(append(version, a.name+a.cpu...))
	cpu, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(cpu)) {
		if strings.HasPrefix(line, "model name") || strings.HasPrefix(line, "flags") {
			h.Write([]byte(line))
		}
	}
	kind, _, _ := strings.Cut(a.name, ",")
	return kind + "-" + hex.EncodeToString(h.Sum(nil))[:8]
}

func (img *Image) path(name string) string { return filepath.Join(img.dir, name) }
