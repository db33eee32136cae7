package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/edge-agent/agent/systemd/e2e/rig/wire"
)

// wake makes a restored guest current: its clock stands where its state was
// saved, and its shared folder is another one in each run.
func wake(now time.Time) error {
	tv := syscall.NsecToTimeval(now.UnixNano())
	if err := syscall.Settimeofday(&tv); err != nil {
		return fmt.Errorf("set the clock: %w", err)
	}
	err := syscall.Mount("share", wire.Share, "9p", 0, "trans=virtio,version=9p2000.L,msize=512000,cache=none")
	if err != nil {
		return fmt.Errorf("mount %s: %w", wire.Share, err)
	}
	return nil
}

// settle waits for the end of the boot and for quiet devices, and reads the
// programs that every test uses, so that a saved state has them in its page cache.
func settle() error {
	steps := [][]string{
		{"modprobe", "-a", "vivid", "uvcvideo", "vhci-hcd", "9p", "9pnet_virtio"},
		{"systemctl", "is-system-running", "--wait"},
		{"udevadm", "settle"},
	}
	for _, argv := range steps {
		out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", argv[0], err, out)
		}
	}
	for _, name := range []string{"systemctl", "journalctl", "dpkg", "v4l2-ctl", "bash", "udevadm", "modprobe"} {
		if path, err := exec.LookPath(name); err == nil {
			os.ReadFile(path)
		}
	}
	libs, _ := filepath.Glob("/usr/lib/x86_64-linux-gnu/*.so*")
	for _, lib := range libs {
		os.ReadFile(lib)
	}
	syscall.Sync()
	return nil
}
