package rig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// needs maps the programs that the rig runs to the Debian packages that have them.
var needs = map[string]string{
	"qemu-system-x86_64": "qemu-system-x86",
	"qemu-img":           "qemu-utils",
	"mmdebstrap":         "mmdebstrap",
	"mke2fs":             "e2fsprogs",
	"cpio":               "cpio",
	"modprobe":           "kmod",
	"xz":                 "xz-utils",
	"busybox":            "busybox-static",
	"systemd-nspawn":     "systemd-container",
}

// installNeeds installs what is missing, with the host's own apt.
func installNeeds(ctx context.Context) error {
	var missing []string
	for program, pkg := range needs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if err := run(ctx, "apt-get", "-qq", "update"); err != nil {
		return err
	}
	install := []string{"DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "-qq", "--no-install-recommends"}
	return run(ctx, "env", append(install, missing...)...)
}

// run runs a program of the host and puts the end of its output into the error.
func run(ctx context.Context, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, tail(out, 2000))
	}
	return nil
}

func tail(b []byte, n int) string {
	return strings.TrimSpace(string(b[max(0, len(b)-n):]))
}

// ModuleRoot is the folder of the project's go.mod, at or above the working directory.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod at or above the working directory")
		}
		dir = up
	}
}

// lock takes the lock file at path, waiting for its holder; closing the file,
// also by dying, lets go of it.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return f, nil
}

// runDir makes a folder for one machine and removes those whose owners have died.
func runDir(cache string) (dir string, owner *os.File, err error) {
	runs := filepath.Join(cache, "runs")
	if err := os.MkdirAll(runs, 0o755); err != nil {
		return "", nil, err
	}
	gate, err := lock(filepath.Join(runs, "lock"))
	if err != nil {
		return "", nil, err
	}
	defer gate.Close()
	old, _ := filepath.Glob(filepath.Join(runs, "*", "owner"))
	for _, path := range old {
		if f, err := os.Open(path); err == nil {
			if syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
				removeCgroup(cgroupOf(filepath.Dir(path)))
				os.RemoveAll(filepath.Dir(path))
			}
			f.Close()
		}
	}
	if dir, err = os.MkdirTemp(runs, "run"); err != nil {
		return "", nil, err
	}
	owner, err = lock(filepath.Join(dir, "owner"))
	return dir, owner, err
}

// Dependencies are the names in a package's Depends, the first of alternatives.
func Dependencies(ctx context.Context, deb string) ([]string, error) {
	out, err := exec.CommandContext(ctx, "dpkg-deb", "-f", deb, "Depends").Output()
	if err != nil {
		return nil, fmt.Errorf("read the dependencies of %s: %w", deb, err)
	}
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9.+-]+`)
	var names []string
	for d := range strings.SplitSeq(string(out), ",") {
		if n := name.FindString(strings.TrimSpace(d)); n != "" {
			names = append(names, n)
		}
	}
	return names, nil
}
