package quarantine

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/capture"
)

// small mounts a file system of 256 KiB.
func small(t *testing.T) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a file system takes root, as in CI")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill appends to path until the disk is full.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
}

func TestFullDiskIsToldOnceAndGotOver(t *testing.T) {
	dir := small(t)
	hog := filepath.Join(dir, "hog")
	synctest.Test(t, func(t *testing.T) {
		var o told
		s := open(t, o.config(dir, 1<<30))
		synctest.Wait()
		fill(t, hog)
		for i := range uint64(100) { // one a second, as long as a minute's pause and more
			offer(s, "front", "corrupt", i, 10000)
			time.Sleep(time.Second)
		}
		if st := s.Stats(); st.Kept != 0 || st.Dropped != (Dropped{Full: 100}) || st.LastError == nil {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 1 || !strings.Contains(o.trouble[0], "no space left") {
			t.Errorf("told %q, want it once", o.trouble)
		}
		if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
			t.Errorf("half an entry was left: %v, %v", list, err)
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for i := range uint64(PerHour + 1) { // what failed did not use the hour up
			offer(s, "front", "corrupt", 100+i, 10000)
		}
		if st := closed(t, s); st.Kept != PerHour || st.Dropped.Suppressed != 1 || st.LastError != nil {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 2 || o.trouble[1] != "<nil>" {
			t.Errorf("told %q, want the end of it", o.trouble)
		}
	})
}

func TestReadOnlyDiskAndDeletedDirectoryAreGotOver(t *testing.T) {
	dir := small(t)
	quarantined := filepath.Join(dir, "quarantine")
	remount := func(flags uintptr) {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		remount(syscall.MS_RDONLY)
		var o told
		s := open(t, o.config(quarantined, 1<<20))
		offer(s, "front", "corrupt", 0, 100)
		remount(0)
		time.Sleep(time.Minute)
		offer(s, "front", "corrupt", 1, 100)
		if err := os.RemoveAll(quarantined); err != nil {
			t.Fatal(err)
		}
		offer(s, "front", "corrupt", 2, 100) // makes the directory again
		time.Sleep(time.Minute)
		offer(s, "front", "corrupt", 3, 100)
		if st := closed(t, s); st.Kept != 2 || st.Dropped != (Dropped{Failed: 2}) || st.LastError != nil {
			t.Errorf("%+v", st)
		}
		if len(o.trouble) != 4 || !strings.Contains(o.trouble[0], "read-only") || o.trouble[3] != "<nil>" {
			t.Errorf("told %q", o.trouble)
		}
	})
	if n := len(entriesIn(t, quarantined)); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// With this variable set the test binary is a process that will die.
const roleVar = "QUARANTINE_TEST_ROLE"

func TestMain(m *testing.M) {
	role, dir, _ := strings.Cut(os.Getenv(roleVar), ":")
	switch role {
	case "offer":
		offerForever(dir)
	case "dash":
		dashForever(dir)
	case "fly":
		flyForever(dir)
	default:
		os.Exit(m.Run())
	}
}

// large is the bytes of a frame that takes long enough to be killed at.
const large = 2 << 20

// offerForever quarantines frames, each one for another reason so that nothing
// is suppressed, and says how many it has.
func offerForever(dir string) {
	kept := make(chan struct{}, 1)
	s, err := New(Config{
		Dir: dir, Keep: 20 * large,
		Kept:    func(*Entry, string, uint64) { kept <- struct{}{} },
		Trouble: func(err error) { panic(err) }, // or the test would wait for ever
	})
	if err != nil {
		panic(err)
	}
	f := &capture.Frame{Format: capture.Format{PixelFormat: capture.MJPG, Width: 64, Height: 48}}
	f.Planes[0] = make([]byte, large)
	for f.Sequence = uint64(os.Getpid()) << 32; ; f.Sequence++ {
		f.Timestamp = capture.Monotonic()
		s.Offer("front", f, Cause{fmt.Sprintf("r%c%c", 'a'+f.Sequence/26%26, 'a'+f.Sequence%26), ""})
		<-kept
		fmt.Println(f.Sequence)
	}
}

// untilKilled runs this binary in a role until it has said that many lines,
// kills it, and gives its last line.
func untilKilled(t *testing.T, role, dir string, lines int) string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVar+"="+role+":"+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	scanner := bufio.NewScanner(out)
	for range lines {
		if !scanner.Scan() {
			t.Error("the process ended by itself")
		}
	}
	last := scanner.Text()
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("killed, and yet no error")
	}
	return last
}

func TestKilledAgentLeavesNoHalfEntry(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "quarantine") // in memory nearly all the time goes into write(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for range 10 {
		untilKilled(t, "offer", dir, 4)
		entriesIn(t, dir) // reads every one to its checksum
		var o told
		s := open(t, o.config(dir, 20*large))
		st := closed(t, s)
		list, err := os.ReadDir(dir)
		if err != nil || len(list) != st.Files || st.BytesKept > 20*large || len(o.trouble) > 0 {
			t.Fatalf("%v, %v, %+v, told %q", list, err, st, o.trouble)
		}
	}
}
