package worker

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// confine gives up everything that a child does not need, for good and in all
// threads.
func confine() error {
	// The kernel takes a child rather than the agent when memory runs out. It
	// may not be allowed, and is not needed.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0)
	for name, limit := range map[int]uint64{
		unix.RLIMIT_CORE:   0, // a core holds pictures
		unix.RLIMIT_NOFILE: 64,
	} {
		if err := unix.Setrlimit(name, &unix.Rlimit{Cur: limit, Max: limit}); err != nil {
			return fmt.Errorf("set limit %d: %w", name, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set no new privileges: %w", err)
	}
	program := filter(uint32(os.Getpid()))
	f := unix.SockFprog{Len: uint16(len(program)), Filter: unsafe.SliceData(program)}
	// All threads at once, no-new-privileges included: some run already.
	thread, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&f)))
	runtime.KeepAlive(program)
	if errno != 0 {
		return fmt.Errorf("seccomp: %w", errno)
	}
	if thread != 0 {
		return fmt.Errorf("seccomp: thread %d has a filter of its own", thread)
	}
	return nil
}

// What Go's runtime, the C library and the messages need. Whatever is not here
// fails with EPERM, which a library that only looks around survives. mremap is
// not: with it, the mapping of a slot could grow into the next slot's header.
// realloc() copies where it is refused.
var allowed = append([]uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_RECVMSG, unix.SYS_CLOSE,
	unix.SYS_MUNMAP, unix.SYS_MADVISE, unix.SYS_BRK, unix.SYS_MINCORE,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP,
	unix.SYS_CLOCK_GETTIME, unix.SYS_GETTIMEOFDAY, unix.SYS_GETRANDOM, unix.SYS_GETPID, unix.SYS_GETTID,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_MEMBARRIER,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2, // the runtime's timers
	unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
}, allowedHere...)

// A rule allows a system call when its arguments are right.
type rule struct {
	call      uint32
	arguments []argument
}

type argument struct {
	index      uint32
	mask, want uint32 // of its lower half
}

func rules(pid uint32) []rule {
	const threads = unix.CLONE_THREAD | unix.CLONE_VM | unix.CLONE_SIGHAND
	const nameMemory = 0x53564d41 // PR_SET_VMA
	// RLIMIT_DATA counts neither shared memory nor stacks that grow.
	const uncounted = unix.MAP_TYPE | unix.MAP_ANONYMOUS | unix.MAP_GROWSDOWN
	notExecutable := argument{2, unix.PROT_EXEC, 0}
	return []rule{
		{unix.SYS_MMAP, []argument{notExecutable, {3, uncounted, unix.MAP_PRIVATE | unix.MAP_ANONYMOUS}}},
		{unix.SYS_MMAP, []argument{notExecutable, {3, uncounted, unix.MAP_SHARED}}}, // of a descriptor that it was given
		{unix.SYS_MPROTECT, []argument{notExecutable}},
		{unix.SYS_CLONE, []argument{{0, threads, threads}}},
		{unix.SYS_TGKILL, []argument{{0, ^uint32(0), pid}}}, // preemption, abort()
		{unix.SYS_PRCTL, []argument{{0, ^uint32(0), nameMemory}}},
	}
}

// Offsets in struct seccomp_data.
const (
	offCall      = 0
	offArch      = 4
	offArguments = 16
)

const (
	retAllow  = 0x7fff0000 // SECCOMP_RET_ALLOW
	retErrno  = 0x00050000 // SECCOMP_RET_ERRNO
	retKill   = 0x80000000 // SECCOMP_RET_KILL_PROCESS
	retDeny   = retErrno | uint32(unix.EPERM)
	retNoCall = retErrno | uint32(unix.ENOSYS)
)

// filter is the program that the kernel runs at each system call of the child
// with this number.
func filter(pid uint32) []unix.SockFilter {
	const (
		load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		and  = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K
		eq   = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		ge   = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		ret  = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{
		{Code: load, K: offArch},
		{Code: eq, K: auditArch, Jt: 1},
		{Code: ret, K: retKill},
		{Code: load, K: offCall},
		{Code: ge, K: 0x40000000, Jf: 1}, // the x32 calls of amd64
		{Code: ret, K: retDeny},
		// The C library tries clone3, whose flags a filter cannot see, and takes
		// clone when there is none.
		{Code: eq, K: unix.SYS_CLONE3, Jf: 1},
		{Code: ret, K: retNoCall},
	}
	for _, call := range allowed {
		program = append(program,
			unix.SockFilter{Code: eq, K: call, Jf: 1},
			unix.SockFilter{Code: ret, K: retAllow})
	}
	for _, r := range rules(pid) {
		left := uint8(3 * len(r.arguments)) // instructions before the one that allows
		program = append(program,
			unix.SockFilter{Code: load, K: offCall},
			unix.SockFilter{Code: eq, K: r.call, Jf: left + 1})
		for _, a := range r.arguments {
			left -= 3
			program = append(program,
				unix.SockFilter{Code: load, K: offArguments + 8*a.index},
				unix.SockFilter{Code: and, K: a.mask},
				unix.SockFilter{Code: eq, K: a.want, Jf: left + 1})
		}
		program = append(program, unix.SockFilter{Code: ret, K: retAllow})
	}
	return append(program, unix.SockFilter{Code: ret, K: retDeny})
}
