package worker

import (
	"runtime"
	"sync"
)

// The kernel sends PDEATHSIG when the thread ends that started the child, not
// the process. Go ends a thread with a goroutine that had locked itself to it.
// So one thread starts all children, and stays while there is a Processor.
var nursery thread

// A thread runs what it is given, one after the other.
type thread struct {
	mu    sync.Mutex
	users int
	work  chan func()
	ended chan struct{}
}

// hold starts the thread for its first user. It stands until drop.
func (t *thread) hold() {
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

// drop ends the thread with its last user.
func (t *thread) drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users--; t.users == 0 {
		close(t.work)
		<-t.ended
	}
}

// do runs f on the thread, and waits for it. The caller is a user.
func (t *thread) do(f func()) {
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		f()
	}
	<-done
}
