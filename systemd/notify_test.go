package systemd

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// pass lets d go by on the bubble's clock, and what it set off come to rest.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// recorder stands where PID 1 stands and keeps what it was told.
type recorder struct {
	mu     sync.Mutex
	states []string
	err    error
}

// fail makes the socket answer err from now on.
func (r *recorder) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *recorder) send(state string, _ ...int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return r.err
	}
	r.states = append(r.states, state)
	return nil
}

func (r *recorder) expect(t *testing.T, want ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.states, want) {
		t.Errorf("service manager was told\n%q, want\n%q", r.states, want)
	}
	r.states = nil
}

// manager listens where the environment says that the service manager does.
func manager(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	t.Setenv("NOTIFY_SOCKET", path)
	return listenAt(t, path)
}

func TestNotifierSpeaksToTheSocketOfTheEnvironment(t *testing.T) {
	pid1 := manager(t)
	n := NewNotifier()
	tell := map[string]error{
		"READY=1":                     n.Ready(),
		"STATUS=front: publishing":    n.Status("front: publishing"),
		"WATCHDOG=1":                  n.Ping(),
		"EXTEND_TIMEOUT_USEC=1500000": n.ExtendTimeout(1500 * time.Millisecond),
		"STATUS=front/capture silent\nWATCHDOG=trigger": n.Trigger("front/capture\nsilent"),
		"STOPPING=1": n.Stopping(),
	}
	for range tell {
		buf := make([]byte, 256)
		size, err := pid1.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		state := string(buf[:size])
		if err, ok := tell[state]; !ok || err != nil {
			t.Errorf("got %q, error %v", state, err)
		}
		delete(tell, state)
	}
}

func TestNotifierWithoutSocketDoesNothingAndAllocatesNothing(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	n := NewNotifier()
	if err := n.Ready(); err != nil {
		t.Error(err)
	}
	if allocs := testing.AllocsPerRun(100, func() { _ = n.Ping() }); allocs != 0 {
		t.Errorf("a ping to nobody allocates %v times", allocs)
	}
}

func TestNotifierReturnsErrorsAndShowsTheLineLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gone := errors.New("no such file")
		rec := &recorder{}
		rec.fail(gone)
		n := &Notifier{send: rec.send}
		if err := n.Status("waiting"); !errors.Is(err, gone) {
			t.Errorf("error %v does not wrap %v", err, gone)
		}
		rec.fail(nil)
		pass(statusPeriod)
		rec.expect(t, "STATUS=waiting")
	})
}

func TestStatusIsSentWhenItChangesAndNotTooOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		n := &Notifier{send: rec.send}
		n.Status("a")
		n.Status("a")
		rec.expect(t, "STATUS=a")
		n.Status("b")
		n.Status("c\nREADY=1")
		rec.expect(t)
		pass(statusPeriod)
		rec.expect(t, "STATUS=c READY=1")
	})
}

func TestAlarmStandsBeforeTheStatusUntilItIsLifted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		n := &Notifier{send: rec.send}
		n.Status("front: publishing")
		pass(statusPeriod)
		n.Alarm("watchdog withheld")
		n.Status("front: stalled")
		pass(statusPeriod)
		rec.expect(t, "STATUS=front: publishing", "STATUS=watchdog withheld")
		n.Alarm("")
		rec.expect(t, "STATUS=front: stalled")
	})
}

func TestNoStatusAfterStopping(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		n := &Notifier{send: rec.send}
		n.Status("a")
		n.Status("b")
		n.Stopping()
		pass(2 * statusPeriod)
		n.Status("c")
		rec.expect(t, "STATUS=a", "STOPPING=1")
	})
}

// PID 1 may be busy or frozen; no camera waits for it.
func TestManagerThatDoesNotReadIsNotWaitedFor(t *testing.T) {
	pid1 := manager(t)
	n := NewNotifier()
	for start := time.Now(); n.Ping() == nil; {
		if time.Since(start) > 10*time.Second {
			t.Fatal("the socket never fills")
		}
	}
	start := time.Now()
	status := n.Status("front: publishing")
	kept := NewDescriptorStore(n).Keep("front/model", 1)
	if took := time.Since(start); took > 5*sendLimit || !errors.Is(status, os.ErrDeadlineExceeded) || !errors.Is(kept, os.ErrDeadlineExceeded) {
		t.Errorf("%v, %v after %v", status, kept, took)
	}
	ready := make(chan error)
	go func() { ready <- n.Ready() }()
	buf := make([]byte, 256)
	for state := ""; state != "READY=1"; { // it reads again
		size, err := pid1.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		state = string(buf[:size])
	}
	if err := <-ready; err != nil {
		t.Error(err)
	}
}

// Without a descriptor to be had, pings get through: nothing is opened for them.
func TestNotifierOpensNothingToPing(t *testing.T) {
	pid1 := manager(t)
	n := NewNotifier()
	if err := os.Remove(os.Getenv("NOTIFY_SOCKET")); err != nil { // who opens it anew finds nothing
		t.Fatal(err)
	}
	if err := n.Ping(); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 64)
	if got, err := pid1.Read(buf); err != nil || string(buf[:got]) != "WATCHDOG=1" {
		t.Errorf("%q, %v", buf[:got], err)
	}
}

// A service manager that was started anew is found.
func TestNotifierFindsTheNextServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	listen := func() *net.UnixConn {
		pid1, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		return pid1
	}
	first := listen()
	t.Setenv("NOTIFY_SOCKET", path)
	n := NewNotifier()
	first.Close()
	if n.Ping() == nil {
		t.Error("nobody listened, and no error")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	second := listen()
	defer second.Close()
	if err := n.Ping(); err != nil {
		t.Error(err)
	}
}
