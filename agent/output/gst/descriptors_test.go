package gst

import (
	"testing"

	"golang.org/x/sys/unix"
)

// A pause for want of descriptors ends although another client says something all
// the time, as every one that plays does.
func TestClientsAreLetInOnceThereAreDescriptorsAgain(t *testing.T) {
	s := open(t, nil)
	good := connect(t, s)
	next := 0
	exchange := func() {
		next++
		write(t, s, frame(next, s.cfg.MaxBytes))
		good.expect(frame(next, s.cfg.MaxBytes))
	}
	exchange() // it has the memory open that is used from now on
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var was unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Max: was.Max}); err != nil {
		t.Fatal(err)
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: s.cfg.Socket})
	exchange()
	exchange() // who waits was seen by now, not later than what was said after
	if e := unix.Setrlimit(unix.RLIMIT_NOFILE, &was); err != nil || e != nil {
		t.Fatal(err, e)
	}
	eventually(t, "the other one is in", func() bool { exchange(); return s.Stats().Clients == 2 })
}
