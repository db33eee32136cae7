package systemd

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Descriptors cross the socket with their names.
func TestStoreKeepsDescriptorsWithTheManager(t *testing.T) {
	pid1 := manager(t)
	s := NewDescriptorStore(NewNotifier())
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Keep("front/model", int(w.Fd())); err != nil {
		t.Fatal(err)
	}
	w.Close()
	text, oob := make([]byte, 256), make([]byte, syscall.CmsgSpace(8))
	n, oobn, _, _, err := pid1.ReadMsgUnix(text, oob)
	if err != nil || string(text[:n]) != "FDSTORE=1\nFDNAME=front/model" {
		t.Fatalf("%q, %v", text[:n], err)
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%v, %v", messages, err)
	}
	fds, err := syscall.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%v, %v", fds, err)
	}
	kept := os.NewFile(uintptr(fds[0]), "kept")
	if _, err := kept.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	kept.Close()
	if b := make([]byte, 1); read(r, b) != nil || b[0] != 'x' {
		t.Errorf("the pipe has %q", b)
	}
	if err := s.Drop("front/model"); err != nil {
		t.Fatal(err)
	}
	if n, err := pid1.Read(text); err != nil || string(text[:n]) != "FDSTOREREMOVE=1\nFDNAME=front/model" {
		t.Errorf("%q, %v", text[:n], err)
	}
}

func read(f *os.File, b []byte) error {
	_, err := f.Read(b)
	return err
}

// listenVar makes the test binary say what it was given.
const listenVar = "SYSTEMD_TEST_LISTEN"

func TestMain(m *testing.M) {
	if os.Getenv(listenVar) != "" {
		takeAndTell()
		return
	}
	os.Exit(m.Run())
}

func takeAndTell() {
	s := NewDescriptorStore(&Notifier{})
	out := os.NewFile(uintptr(s.Take("out")[0]), "out")
	flags, _, _ := syscall.Syscall(syscall.SYS_FCNTL, out.Fd(), syscall.F_GETFD, 0)
	again := len(s.Take("out"))
	left, err := s.Clear()
	out.WriteString(strings.Join(slices.Concat(left, []string{
		strconv.Itoa(again), strconv.Itoa(int(flags)), os.Getenv("LISTEN_FDS"),
	}), " "))
	if err != nil || len(s.Take("stale")) != 0 {
		panic(err)
	}
}

func TestStoreTakesOverWhatWasKeptOnce(t *testing.T) {
	if got := startWithThree(t); got != "stale 0 1 " {
		t.Errorf("%q: want one left, none to take twice, closed on exec, no LISTEN_FDS", got)
	}
}

func startWithThree(t *testing.T) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	stale, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer stale.Close()
	p, err := os.StartProcess("/bin/sh", []string{"sh", "-c", `LISTEN_PID=$$ exec "$0"`, os.Args[0]}, &os.ProcAttr{
		Env:   append(os.Environ(), listenVar+"=1", "LISTEN_FDS=3", "LISTEN_FDNAMES=stale:out:stale"),
		Files: []*os.File{nil, nil, os.Stderr, stale, w, stale},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	var text strings.Builder
	b := make([]byte, 256)
	for n, err := r.Read(b); err == nil; n, err = r.Read(b) {
		text.Write(b[:n])
	}
	if state, err := p.Wait(); err != nil || !state.Success() {
		t.Fatal(state, err)
	}
	return text.String()
}

func TestDescriptorsForAnotherProcessAreNotTaken(t *testing.T) {
	t.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()+1))
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_FDNAMES", "out")
	s := NewDescriptorStore(&Notifier{})
	if fds := s.Take("out"); len(fds) != 0 {
		t.Errorf("took %v", fds)
	}
}
