// Package nursery is a thread that starts child processes which are to die with
// this process.
//
// What enters: functions that start them. What leaves: nothing; they ran on one
// thread, for as long as it has a user. It starts no process itself and ends none.
package nursery

import (
	"runtime"
	"sync"
)

// A Thread runs what it is given, one after the other. The zero value is ready.
//
// The kernel sends PDEATHSIG when the thread ends that started the child, not
// the process. Go ends a thread with a goroutine that had locked itself to it.
// So one thread starts all children, and stays while there is a user.
type Thread struct {
	mu    sync.Mutex
	users int
	work  chan func()
	ended chan struct{}
}

// Hold starts the thread for its first user. It stands until Drop.
func (t *Thread) Hold() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users++; t.users > 1 {
		return
	}
	work, ended := make(chan func()), make(chan struct{})
	t.work, t.ended = work, ended
	go func() {
		defer close(ended)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread() // all its children are dead
		for do := range work {
			do()
		}
	}()
}

// Drop ends the thread with its last user, whose children are dead.
func (t *Thread) Drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users--; t.users == 0 {
		close(t.work)
		<-t.ended
	}
}

// Do runs f on the thread, and waits for it. The caller is a user.
func (t *Thread) Do(f func()) {
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		f()
	}
	<-done
}
