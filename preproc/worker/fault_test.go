package worker

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/preproc"
)

// Each way of going wrong costs its frame, under its name and with its cause,
// and no other frame.
func TestFaultCostsItsFrameOnly(t *testing.T) {
	const crashed, timedOut = preproc.ReasonCrashed, preproc.ReasonTimedOut
	for _, test := range []struct {
		how    string
		reason preproc.Reason
		cause  string
	}{
		{"segv", crashed, "SIGSEGV: segmentation violation"},
		{"abort", crashed, "SIGABRT: abort"},
		{"panic", crashed, "panic: a bug in Go"},
		{"exit", crashed, "exit status 0"},
		{"half", crashed, "exit status 3"},
		{"loop", timedOut, "no answer within 100ms"},
		{"memory", crashed, ""}, // the runtime dies of it in one way or another
		{"short", crashed, "output 0 of 767 bytes, where 768 are allowed"},
		{"long", crashed, "output 0 of 1099511627776 bytes, where 768 are allowed"},
		{"empty", crashed, "output 0 of 0 bytes"},
		{"nan", crashed, "a luma of NaN"},
		{"dark", crashed, "a luma of -1"},
		{"sharp", crashed, "a sharpness of +Inf"},
		{"old", crashed, "an answer to frame 1 of this child when asked for 2"},
		{"flood", crashed, "an answer to frame 1 of this child when asked for 2"},
		{"part", crashed, "an answer of 100 bytes"},
		{"nothing", crashed, "SIGKILL"}, // an empty answer is the end, as a closed socket is
		{"hangup", crashed, ""},         // it may be the first to end itself
	} {
		t.Run(test.how, func(t *testing.T) {
			if test.how == "memory" && !limited {
				return // the budget is off where programs are instrumented
			}
			r := open(t, test.how+"-3", func(c *Config) {
				if test.reason == timedOut {
					c.Deadline = 100 * time.Millisecond
				}
			})
			r.good(t, 2)
			began := time.Now()
			e := r.bad(t, 3, test.reason)
			took := time.Since(began)
			r.good(t, 4)
			sanitizer := strings.Contains(r.gone[0].Trace, "AddressSanitizer: SEGV") // which catches it before Go does
			if !strings.Contains(e.Detail, test.cause) && !sanitizer {
				t.Errorf("%q does not say %q: %s", e.Detail, test.cause, r.gone[0].Trace)
			}
			if len(r.gone) != 1 || r.gone[0].Reason != test.reason || r.gone[0].Sequence != 3 || !r.gone[0].InFrame || r.gone[0].Total != 1 {
				t.Errorf("told of %+v", r.gone)
			}
			if after := r.gone[0].After; after <= 0 || after > took || test.reason == timedOut && after < 100*time.Millisecond {
				t.Errorf("gone %v after it had the frame, in a call of %v", after, took)
			}
			if test.how == "segv" && !sanitizer && !strings.Contains(r.gone[0].Trace, "goroutine 1") {
				t.Errorf("no stack in the trace: %q", r.gone[0].Trace)
			}
			if limit := SlowLimit + 100*time.Millisecond; test.reason == timedOut && took > limit { // a loop, on a busy machine
				t.Errorf("noticed after %v, want %v", took, limit)
			}
		})
	}
}

// A child that wants a gigabyte gets its budget at the most, and the memory of
// this process never grows.
func TestGigabyteIsTheChildsAffair(t *testing.T) {
	if !limited {
		return // the budget is off where programs are instrumented
	}
	r := open(t, "memory-3", nil)
	r.good(t, 2)
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // the peak is now
		t.Fatal(err)
	}
	before := peak(t)
	r.bad(t, 3, preproc.ReasonCrashed)
	r.good(t, 4)
	if grown := peak(t) - before; grown > 8<<10 {
		t.Errorf("this process grew by %d KiB", grown)
	}
	var use unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_CHILDREN, &use); err != nil {
		t.Fatal(err)
	}
	// Of the largest child that has ended, its code and the frame included.
	if most := int64(budget(r.format, r.shapes)>>10) + 64<<10; use.Maxrss > most {
		t.Errorf("a child had %d KiB, %d allowed", use.Maxrss, most)
	}
}

// peak is the most memory that this process has had, in KiB.
func peak(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	if _, err := fmt.Sscan(line, &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}

// An answer too many is found with the next frame.
func TestSecondAnswerIsNotTheNextOne(t *testing.T) {
	r := open(t, "twice-3", nil)
	r.good(t, 2)
	r.good(t, 3)
	if e := r.bad(t, 4, preproc.ReasonCrashed); !strings.Contains(e.Detail, "an answer to frame 2 of this child when asked for 3") {
		t.Error(e)
	}
	r.good(t, 5)
}

// What a child says is fit for a terminal.
func TestWordsAreFreeOfControls(t *testing.T) {
	r := open(t, "terminal-3", nil)
	if e := r.bad(t, 3, preproc.ReasonCorrupt); e.Detail != "?[2J?gone" {
		t.Errorf("%q", e.Detail)
	}
	if len(r.gone) != 0 {
		t.Errorf("replaced: %+v", r.gone)
	}
}

// A child that dies between two frames costs none.
func TestKilledBetweenFramesCostsNone(t *testing.T) {
	r := open(t, "good", nil)
	for n := uint64(1); n < 6; n++ {
		r.good(t, n)
		unix.Kill(r.child.pid, unix.SIGKILL)
		// Waits until it is dead, and leaves the zombie.
		if err := unix.Waitid(unix.P_PID, r.child.pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
	}
	r.good(t, 6)
	if len(r.gone) != 5 || r.gone[0].Cause != "SIGKILL" || r.gone[0].InFrame {
		t.Errorf("told of %+v", r.gone)
	}
}

func TestStoppedChildIsReplacedAtTheDeadline(t *testing.T) {
	r := open(t, "good", func(c *Config) { c.Deadline = 50 * time.Millisecond })
	r.good(t, 1)
	unix.Kill(r.child.pid, unix.SIGSTOP)
	if err := unix.Waitid(unix.P_PID, r.child.pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	r.bad(t, 2, preproc.ReasonTimedOut)
	if took := time.Since(began); took > 150*time.Millisecond {
		t.Errorf("noticed after %v", took)
	}
	r.cfg.Deadline = 5 * time.Second // whatever the machine does now
	r.good(t, 3)
}

// Nothing but computing is left to a child.
func TestChildCannotGetOut(t *testing.T) {
	r := open(t, "escape-1", nil)
	if e := r.bad(t, 1, preproc.ReasonCorrupt); e.Detail != "escaped by: " {
		t.Error(e.Detail)
	}
	r.good(t, 2) // and still does its work
}

// A child that has no CPU is waited for beyond its deadline: here because it
// competes with busy threads for a single one, and has the least claim to it.
func TestStarvedChildIsNotBlamed(t *testing.T) {
	r := open(t, "busy-3", func(c *Config) { c.Deadline = 100 * time.Millisecond })
	r.good(t, 2)
	var one unix.CPUSet
	one.Set(firstCPU(t))
	for _, thread := range threadsOf(t, r.child.pid) {
		if err := unix.SchedSetaffinity(thread, &one); err != nil {
			t.Fatal(err)
		}
		if err := unix.Setpriority(unix.PRIO_PROCESS, thread, 5); err != nil {
			t.Fatal(err)
		}
	}
	var stop atomic.Bool
	var hogs sync.WaitGroup
	for range 4 {
		hogs.Go(func() { hog(&one, &stop) })
	}
	began := time.Now()
	_, err := r.Process(t.Context(), grey(3), r.images)
	took := time.Since(began)
	stop.Store(true)
	hogs.Wait()
	if took < r.cfg.Deadline {
		t.Fatalf("a starved child took %v: there was no need for patience", took)
	}
	if err != nil || len(r.gone) != 0 {
		t.Errorf("after %v: %v", took, err)
	}
}

func firstCPU(t *testing.T) int {
	t.Helper()
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.Fatal(err)
	}
	cpu := 0
	for !set.IsSet(cpu) {
		cpu++
	}
	return cpu
}

func threadsOf(t *testing.T, pid int) (threads []int) {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		threads = append(threads, n)
	}
	return threads
}

// hog keeps a thread on these CPUs busy. The thread ends with it.
func hog(on *unix.CPUSet, stop *atomic.Bool) {
	runtime.LockOSThread()
	if err := unix.SchedSetaffinity(0, on); err != nil {
		panic(err)
	}
	for !stop.Load() {
	}
}
