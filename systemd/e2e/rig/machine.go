package rig

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Machine is a Guest and the QEMU or systemd-nspawn that it runs in.
type Machine struct {
	*Guest
	// Share is the folder on the host that the guest has as /share; programs
	// in its bin are found by their name there.
	Share string
	// Kind is "kvm", "tcg" or "nspawn".
	Kind string

	dir    string
	owner  *os.File // held for as long as dir is in use
	qmp    net.Conn // nil of a container
	cgroup string
	group  int // the host's process group
	ended  chan error
}

const kernelArgs = "console=ttyS0 root=/dev/vda quiet panic=-1 nokaslr mitigations=off systemd.log_color=0 " +
	"systemd.show_status=0 apparmor=0 audit=0 nowatchdog rcupdate.rcu_expedited=1 cryptomgr.notests random.trust_cpu=on "

// start runs QEMU on an overlay of the given disk, from a saved state or, when
// that is "", from power-on. After limit the machine is killed in any case.
func (img *Image) start(ctx context.Context, a accel, disk, format, state string, limit time.Duration) (*Machine, error) {
	kind, _, _ := strings.Cut(a.name, ",")
	m, err := img.newMachine(kind)
	if err != nil {
		return nil, err
	}
	if err := m.launch(ctx, img, a, disk, format, state, limit); err != nil {
		m.remove()
		return nil, err
	}
	return m, nil
}

// newMachine makes what a machine has on the host: a folder, a part of which it shares.
func (img *Image) newMachine(kind string) (*Machine, error) {
	dir, owner, err := runDir(img.cache)
	if err != nil {
		return nil, err
	}
	m := &Machine{Kind: kind, dir: dir, owner: owner, Share: filepath.Join(dir, "share"), ended: make(chan error, 1)}
	if err := os.MkdirAll(filepath.Join(m.Share, "bin"), 0o755); err != nil {
		m.remove()
		return nil, err
	}
	return m, nil
}

func (m *Machine) launch(ctx context.Context, img *Image, a accel, disk, format, state string, limit time.Duration) error {
	overlay := filepath.Join(m.dir, "disk.qcow2")
	if err := run(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", format, overlay); err != nil {
		return err
	}
	control, controlEnd, err := socketPair()
	if err != nil {
		return err
	}
	defer controlEnd.Close()
	monitor, monitorEnd, err := socketPair()
	if err != nil {
		return err
	}
	defer monitorEnd.Close()
	args := qemuArgs(img, a, m.dir, overlay, m.Share)
	if state != "" {
		args = append(args, "-incoming", "exec:cat '"+state+"'")
	}
	argv := append(append(m.favoured(), "qemu-system-x86_64"), args...)
	if err := m.exec(limit, argv, controlEnd, monitorEnd); err != nil {
		return err
	}
	m.Guest, m.qmp = newGuest(control), monitor
	return nil
}

func qemuArgs(img *Image, a accel, dir, overlay, share string) []string {
	return []string{
		"-name", "e2e", "-accel", a.name, "-cpu", a.cpu, "-M", "pc", "-smp", "2", "-m", "1024",
		"-kernel", img.path("vmlinuz"), "-initrd", img.path("initrd.cpio"), "-append", kernelArgs + a.args(),
		"-nodefaults", "-display", "none", "-no-reboot", "-serial", "file:" + filepath.Join(dir, "console.log"),
		"-drive", "file=" + overlay + ",if=none,id=disk,format=qcow2,cache=unsafe,discard=unmap", "-device", "virtio-blk-pci,drive=disk",
		"-device", "virtio-rng-pci", "-device", "virtio-serial-pci",
		"-chardev", "socket,id=control,fd=3", "-device", "virtserialport,chardev=control,name=e2e",
		"-chardev", "socket,id=monitor,fd=4", "-mon", "chardev=monitor,mode=control",
		"-fsdev", "local,id=share,path=" + share + ",security_model=none,multidevs=remap",
		"-device", "virtio-9p-pci,fsdev=share,mount_tag=share",
	}
}

// exec starts the machine under timeout(1), which outlives this process, and
// asks the kernel to end both when this process dies. The request belongs to
// the thread that forks, so a goroutine keeps that thread until the end.
func (m *Machine) exec(limit time.Duration, argv []string, files ...*os.File) error {
	seconds := strconv.Itoa(int(limit.Seconds()))
	cmd := exec.Command("timeout", append([]string{"--kill-after=2", seconds}, argv...)...)
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	log, err := os.Create(filepath.Join(m.dir, "host.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		if err != nil {
			started <- err
			return
		}
		m.group = cmd.Process.Pid
		started <- nil
		m.ended <- cmd.Wait()
	}()
	return <-started
}

// Close ends the machine at once and removes its disk and its share.
func (m *Machine) Close() error {
	if m.qmp != nil {
		m.qmp.Close()
	}
	if m.Guest != nil {
		m.conn.Close()
	}
	if m.group != 0 {
		m.end()
	}
	return m.remove()
}

// end kills QEMU at once. systemd-nspawn first gets the chance to take its
// container along, which it does when asked twice: by us and by timeout(1).
func (m *Machine) end() {
	if m.Kind == "nspawn" {
		syscall.Kill(-m.group, syscall.SIGTERM)
		select {
		case err := <-m.ended:
			m.ended <- err
		case <-time.After(3 * time.Second):
		}
	}
	syscall.Kill(-m.group, syscall.SIGKILL)
	<-m.ended
}

func (m *Machine) remove() error {
	m.owner.Close()
	removeCgroup(m.cgroup)
	return os.RemoveAll(m.dir)
}

// cause adds to an error what the host and the guest's kernel said last.
func (m *Machine) cause(err error) error {
	if err == nil {
		return nil
	}
	b, _ := os.ReadFile(filepath.Join(m.dir, "host.log"))
	return fmt.Errorf("%w: %s: %s", err, tail(b, 500), tail([]byte(m.Console()), 500))
}

// Console is what the guest's kernel has printed.
func (m *Machine) Console() string {
	b, _ := os.ReadFile(filepath.Join(m.dir, "console.log"))
	return string(b)
}

// socketPair makes a connection of which the other end is for a child process.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	conn, err := net.FileConn(ours)
	if err != nil {
		theirs.Close()
		return nil, nil, err
	}
	return conn, theirs, nil
}
