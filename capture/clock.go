package capture

import (
	"syscall"
	"time"
	"unsafe"
)

// Linux's CLOCK_MONOTONIC, see clock_gettime(2).
const clockMonotonic = 1

// Go measures elapsed time with CLOCK_MONOTONIC too, through the vDSO, but
// counts from the start of the process. The two differ by a constant, so one
// system call at start is enough.
var processStart = time.Now()
var monotonicStart = calibrate(processStart)

// Monotonic is the time of CLOCK_MONOTONIC, the clock of V4L2's time stamps.
// It stands still while the machine is suspended. It is never behind the
// kernel's own reading, so that a capture time of the past is never in the
// future, and ahead by less than a microsecond on a machine at rest.
//
// In a testing/synctest bubble it runs with the bubble's clock, and is negative
// because bubbles begin in the year 2000.
func Monotonic() time.Duration { return monotonicStart + time.Since(processStart) }

// calibrate is what CLOCK_MONOTONIC showed at start. Being preempted between
// the two clocks would add to the error, so the tightest of some tries counts.
func calibrate(start time.Time) time.Duration {
	var best, tightest time.Duration
	for i := range 16 {
		before := time.Since(start)
		kernel := kernelMonotonic()
		width := time.Since(start) - before
		if i == 0 || width < tightest {
			best, tightest = kernel-before, width
		}
	}
	return best
}

// kernelMonotonic asks the kernel, at the price of a system call. clock_gettime
// cannot fail with a clock that exists and memory that is ours.
func kernelMonotonic() time.Duration {
	var ts syscall.Timespec
	_, _, _ = syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockMonotonic, uintptr(unsafe.Pointer(&ts)), 0)
	return time.Duration(ts.Nano())
}
