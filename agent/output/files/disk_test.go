package files_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/edge-agent/agent/agent/output/files"
	"github.com/edge-agent/agent/capture"
	"github.com/edge-agent/agent/preproc"
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

// picture takes 10 of the 64 pages.
var picture = make([]byte, 10*4096)

func TestFullDiskOfOursGivesTheOldest(t *testing.T) {
	dir := small(t)
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<30) // keep promises more than there is
		for i := range uint64(50) {
			time.Sleep(time.Second)
			write(t, f, i, picture)
		}
		if s := closed(t, f); s.Written != 50 || s.Files != 6 || s.LastError != nil {
			t.Errorf("%+v", s)
		}
	})
	if names, _ := list(t, dir); len(names) != 6 || !strings.HasSuffix(names[5], "-00000049.jpg") {
		t.Errorf("left: %q", names)
	}
}

func TestFullDiskOfOthersIsWaitedFor(t *testing.T) {
	dir := small(t)
	hog := filepath.Join(dir, "hog")
	synctest.Test(t, func(t *testing.T) {
		f := open(t, dir, 1<<30)
		for i := range uint64(3) {
			write(t, f, i, picture)
		}
		fill(t, hog)
		// One old picture makes room for one new one. The hog takes it all.
		write(t, f, 3, picture)
		if s := f.Stats(); s.Written != 4 || s.Files != 3 {
			t.Errorf("%+v", s)
		}
		write(t, f, 4, make([]byte, 64*4096)) // no room for this one in any case
		write(t, f, 5, picture)
		if s := f.Stats(); s.Written != 4 || s.Dropped.Full != 2 || s.LastError == nil {
			t.Errorf("%+v", s)
		}
		if names, _ := list(t, dir); len(names) != 1 {
			t.Errorf("left, half files among them: %q", names)
		}
		fill(t, hog)
		time.Sleep(time.Second)
		write(t, f, 6, picture) // tried again, in vain
		time.Sleep(time.Second)
		write(t, f, 7, picture) // not tried: the pause has doubled
		if s := f.Stats(); s.Written != 4 || s.Dropped.Full != 4 || s.Files != 0 {
			t.Errorf("%+v", s)
		}
		if err := os.Remove(hog); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		write(t, f, 8, picture)
		if s := closed(t, f); s.Written != 5 || s.Dropped.Full != 4 || s.LastError != nil || f.Err() != nil {
			t.Errorf("there is room again: %+v", s)
		}
	})
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

// With this variable set the test binary writes pictures until it is killed.
const dirVar = "FILES_TEST_DIR"

// large is the bytes of a picture that takes long enough to be killed at.
const large = 2 << 20

func TestMain(m *testing.M) {
	dir := os.Getenv(dirVar)
	if dir == "" {
		os.Exit(m.Run())
	}
	f, err := files.New(files.Config{Dir: dir, Keep: 20 * large, Camera: "front", Output: "archive", Spec: jpeg, MaxBytes: large})
	if err != nil {
		panic(err)
	}
	img := &preproc.Image{Width: 640, Height: 480, Data: make([]byte, large)}
	for said := uint64(0); ; img.Sequence++ {
		img.Timestamp = capture.Monotonic()
		if err := f.Write(context.Background(), img); err != nil {
			panic(err)
		}
		if written := f.Stats().Written; written != said {
			said = written
			fmt.Println(written)
		}
	}
}

func TestKilledAgentLeavesNoHalfPicture(t *testing.T) {
	dir, err := os.MkdirTemp("/dev/shm", "files") // in memory nearly all the time goes into write(2)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	for range 20 {
		writeUntilKilled(t, dir)
		if names, bytes := list(t, dir); wholeBytes(names) > bytes {
			t.Fatalf("%q have %d bytes, of %d each", names, bytes, large)
		}
		closed(t, open(t, dir, 20*large))
		names, bytes := list(t, dir)
		if len(names) == 0 || wholeBytes(names) != bytes || bytes > 20*large {
			t.Fatalf("%q have %d bytes, of %d each", names, bytes, large)
		}
	}
}

// wholeBytes is what the finished ones among the files must have.
func wholeBytes(names []string) (n int64) {
	for _, name := range names {
		if !strings.HasPrefix(name, ".tmp-") {
			n += large
		}
	}
	return n
}

func writeUntilKilled(t *testing.T, dir string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), dirVar+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range 5 {
		if !lines.Scan() {
			t.Error("the writer ended")
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
}
