package worker

import (
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// claim makes b say that it is n bytes long.
func claim(b *[]byte, n int) {
	(*struct {
		data     unsafe.Pointer
		len, cap int
	})(unsafe.Pointer(b)).len = n
}

// escapes tries what a child must not be able to do, and names what it could.
func escapes() (done []string) {
	try := func(name string, err error) {
		if err == nil {
			done = append(done, name)
		} else if err != unix.EPERM && err != unix.ENOSYS {
			done = append(done, name+"="+err.Error()) // refused, but not by us
		}
	}
	call := func(name string, nr uintptr, args ...uintptr) {
		var a [6]uintptr
		copy(a[:], args)
		_, _, errno := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno == 0 {
			try(name, nil)
		} else {
			try(name, errno)
		}
	}
	_, err := unix.Open("/etc/passwd", unix.O_RDONLY, 0)
	try("open", err)
	_, err = unix.Open("/dev/video0", unix.O_RDWR, 0)
	try("open-device", err)
	_, err = unix.Open("/tmp/x", unix.O_CREAT|unix.O_WRONLY, 0o600)
	try("create", err)
	_, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	try("socket-inet", err)
	_, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	try("socket-unix", err)
	_, err = unix.MemfdCreate("x", 0)
	try("memfd", err)
	_, err = unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	try("mmap-exec", err)
	// What RLIMIT_DATA does not count.
	_, err = unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	try("mmap-shared", err)
	_, err = unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_GROWSDOWN)
	try("mmap-stack", err)
	if page, err := unix.Mmap(-1, 0, 4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS); err == nil {
		try("mprotect-exec", unix.Mprotect(page, unix.PROT_READ|unix.PROT_EXEC))
		call("mremap", unix.SYS_MREMAP, uintptr(unsafe.Pointer(unsafe.SliceData(page))), 4096, 8192, unix.MREMAP_MAYMOVE)
	} else {
		try("mmap", nil)
	}
	path, _ := unix.BytePtrFromString("/bin/true")
	call("execve", unix.SYS_EXECVE, uintptr(unsafe.Pointer(path)), 0, 0)
	call("execveat", unix.SYS_EXECVEAT, 0, uintptr(unsafe.Pointer(path)), 0, 0, 0)
	call("fork", unix.SYS_CLONE, uintptr(syscall.SIGCHLD), 0, 0, 0, 0)
	call("clone3", unix.SYS_CLONE3, 0, 0)
	call("unshare", unix.SYS_UNSHARE, unix.CLONE_NEWUSER)
	call("ptrace", unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(os.Getppid()), 0, 0)
	call("process_vm_writev", unix.SYS_PROCESS_VM_WRITEV, uintptr(os.Getppid()), 0, 0, 0, 0, 0)
	call("kill", unix.SYS_KILL, uintptr(os.Getppid()), 0)
	call("tgkill", unix.SYS_TGKILL, uintptr(os.Getppid()), uintptr(os.Getppid()), 0)
	call("pidfd_open", unix.SYS_PIDFD_OPEN, uintptr(os.Getppid()), 0)
	call("setrlimit", unix.SYS_PRLIMIT64, 0, unix.RLIMIT_DATA, uintptr(unsafe.Pointer(&unix.Rlimit{Cur: 1 << 40, Max: 1 << 40})), 0)
	call("ioctl", unix.SYS_IOCTL, 2, unix.TIOCINQ)
	call("prctl", unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 1)
	call("io_uring", unix.SYS_IO_URING_SETUP, 1, 0)
	call("bpf", unix.SYS_BPF, 0, 0, 0)
	call("userfaultfd", unix.SYS_USERFAULTFD, 0)
	call("seccomp", unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, 0)
	call("sendmsg", unix.SYS_SENDMSG, childSocket, 0, 0)
	call("sendto", unix.SYS_SENDTO, childSocket, 0, 0, 0, 0, 0)
	call("dup", unix.SYS_DUP, childSocket)
	call("fcntl", unix.SYS_FCNTL, childSocket, unix.F_GETFL)
	call("socketpair", unix.SYS_SOCKETPAIR, unix.AF_UNIX, unix.SOCK_STREAM, 0)
	call("openat2", unix.SYS_OPENAT2, 0, 0, 0, 0)
	call("pidfd_getfd", unix.SYS_PIDFD_GETFD, 0, 0, 0)
	call("tkill", unix.SYS_TKILL, uintptr(os.Getppid()), 0)
	call("rt_sigqueueinfo", unix.SYS_RT_SIGQUEUEINFO, uintptr(os.Getppid()), 0, 0)
	call("prctl-pdeathsig", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, 0)
	call("shmget", unix.SYS_SHMGET, 0, 4096, 0o1600)
	call("memfd_secret", unix.SYS_MEMFD_SECRET, 0)
	call("perf_event_open", unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, 0, 0)
	call("add_key", unix.SYS_ADD_KEY, 0, 0, 0, 0, 0)
	call("setuid", unix.SYS_SETUID, uintptr(os.Getuid()))
	call("mount", unix.SYS_MOUNT, 0, 0, 0, 0, 0)
	call("sched_setaffinity", unix.SYS_SCHED_SETAFFINITY, 0, 0, 0)
	call("getdents", unix.SYS_GETDENTS64, 0, 0, 0)
	call("ftruncate", unix.SYS_FTRUNCATE, 3, 0)
	return done
}
