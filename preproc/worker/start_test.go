package worker

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/edge-agent/agent/preproc"
)

// The end of a thread is not the end of the children: here, of the one that
// the processor was made on.
func TestChildOutlivesTheThreadThatWantedIt(t *testing.T) {
	made, thread := make(chan *Processor), 0
	doomed(func() {
		thread = unix.Gettid()
		p, err := New(Config{Name: "good", Specs: []preproc.Spec{small}, Deadline: 5 * time.Second})
		if err != nil {
			t.Error(err)
		}
		made <- p
	})
	p := <-made
	defer p.Close()
	began := p.child.pid
	for deadline := time.Now().Add(5 * time.Second); ; runtime.Gosched() {
		if _, err := os.Stat(fmt.Sprintf("/proc/self/task/%d", thread)); os.IsNotExist(err) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the thread lives on")
		}
	}
	images := []*preproc.Image{{Data: make([]byte, 32*24)}}
	if _, err := p.Process(t.Context(), grey(1), images); err != nil || p.child.pid != began {
		t.Errorf("the child went with the thread: %v", err)
	}
}

// doomed runs f on a thread that ends with it.
func doomed(f func()) {
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() != os.Getpid() {
			f()
			return
		}
		defer runtime.UnlockOSThread() // the first thread never ends; another one, while this is here
		done := make(chan struct{})
		doomed(func() {
			defer close(done)
			f()
		})
		<-done
	}()
}

// Without a descriptor to be had there is no child and no memory: the frame
// says so, and the next one is tried when there are some.
func TestOutOfDescriptorsIsNamedAndPasses(t *testing.T) {
	r := open(t, "good", nil)
	r.good(t, 1)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		unix.Kill(r.child.pid, unix.SIGKILL)
		if err := unix.Waitid(unix.P_PID, r.child.pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
			t.Fatal(err)
		}
		files := len(descriptors(t))
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
			t.Fatal(err)
		}
		r.bad(t, 2, preproc.ReasonCrashed)
		e := r.bad(t, 3, preproc.ReasonCrashed)
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(e.Detail, "too many open files") {
			t.Error(e)
		}
		r.good(t, 4)
		if now := descriptors(t); len(now) != files {
			t.Errorf("%d descriptors before, now %q", files, now)
		}
	}
}

// Where there is no memory for a larger frame, it says so, and the next one has
// what is there.
func TestOutOfMemoryForALargerFrame(t *testing.T) {
	r := open(t, "good", nil)
	large := jpeg(t, "422-720p.jpg", 1280, 720)
	r.good(t, 1)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: limit.Max}); err != nil {
		t.Fatal(err)
	}
	_, err := r.Process(t.Context(), large, r.images)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*preproc.Error](err); !ok || e.Reason != preproc.ReasonFailed || !strings.Contains(e.Detail, "create shared memory") {
		t.Errorf("%v", err)
	}
	r.good(t, 2)
	if _, err := r.Process(t.Context(), large, r.images); err != nil {
		t.Error(err)
	}
	r.good(t, 3)
}

// A child that cannot even start is told of, with its own words.
func TestStillbornChildIsExplained(t *testing.T) {
	r := open(t, "stillborn", func(c *Config) { c.Burst, c.Period = 2, time.Hour })
	for range 2 {
		if e := r.bad(t, 1, preproc.ReasonCrashed); !strings.Contains(e.Detail, "never ready") {
			t.Error(e)
		}
	}
	if e := r.bad(t, 1, preproc.ReasonCrashed); !strings.Contains(e.Detail, "2 workers have gone, the next one starts in") {
		t.Error(e)
	}
}
